"""Workbooks in and out: columns, readers, imports, exports and templates."""
