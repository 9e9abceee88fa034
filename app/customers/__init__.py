"""Customers, their addresses and companies, and what they are sorted by: groups and stores."""
