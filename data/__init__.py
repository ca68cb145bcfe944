"""Rows: sources, conversion, the store, curation. Imports nothing of the other floors."""
