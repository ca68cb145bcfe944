"""Evaluation: whether answers are correct, and how certain that is. It imports no trainer."""
