"""Subsets of rows: the filter language, recipes, their steps, named versions."""
