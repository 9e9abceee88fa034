"""SEPA direct debit: mandates, creditor accounts, collection runs and the bank file."""
