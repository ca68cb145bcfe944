"""What changes or runs weights. The only floor that imports jax, Tunix and their kin."""
