"""Previews of runs: what would be collected, what is left out; small ones judged at once."""
