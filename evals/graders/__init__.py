"""Graders: rules from a text and its reference answer to a verdict."""
