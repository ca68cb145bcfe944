"""Batches of training examples: packing and order."""
