"""Texts compared: normal form, overlap, near duplicates, what was trained on."""
