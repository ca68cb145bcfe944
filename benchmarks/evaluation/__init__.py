"""Timings of grading and asking, and the coverage of intervals."""
