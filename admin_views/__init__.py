"""The panel: one module for each menu entry."""
