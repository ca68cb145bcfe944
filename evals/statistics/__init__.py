"""Intervals, paired tests, corrections for many tests, power, pass@k, seeds."""
