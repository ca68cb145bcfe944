"""What the Overview shows while the store is absent or empty: three ways to fill it."""
