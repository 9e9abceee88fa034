"""What the bank answers: pain.002, camt.053 and camt.054 read, matched and worked off."""
