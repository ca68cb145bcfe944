"""Runs compared on the same problems: metrics, slices, transitions, causes."""
