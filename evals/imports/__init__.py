"""Generations made elsewhere, read into the store from their formats."""
