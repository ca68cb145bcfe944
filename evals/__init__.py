"""Evaluation: whether answers are correct, and how certain that is. Imports data, and no trainer."""
