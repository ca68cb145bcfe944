"""Scores of stored generations: graded, read, overridden, verified."""
