"""Checkpoints: arrays on disk, resuming, the best step."""
