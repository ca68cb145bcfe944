"""Timings of batches and rollouts, and our recipe beside the reference one."""
