"""What went wrong in a generation, by category, and how often."""
