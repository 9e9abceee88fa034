"""Exports: what leaves Kontor as workbooks and CSV files."""
