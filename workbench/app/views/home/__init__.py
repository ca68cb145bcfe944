"""Parts of the Overview: its runs, and what fills an absent or empty store."""
