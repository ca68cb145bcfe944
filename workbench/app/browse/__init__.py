"""Browsing a million generations: filter, index, pages, detail."""
