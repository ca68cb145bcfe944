"""Subsets that evaluations choose: problems by pass rate, a model's own correct answers."""
