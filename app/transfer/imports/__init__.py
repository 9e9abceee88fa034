"""Imports: check, choose, run, result (domain.md, section 2)."""
