"""Timings of pages and commands on a store of a million rows."""
