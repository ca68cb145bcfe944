"""Preflight: whether a run fits on a chip and how long it takes, before it starts."""
