"""Invoices and their states."""
