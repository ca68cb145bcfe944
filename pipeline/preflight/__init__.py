"""Preflight: whether a run fits on a chip and how long it takes, said before it starts."""
