"""Invented customers, for trying Kontor at the size it is built for."""
