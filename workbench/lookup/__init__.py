"""The store, the runs and the ids that a command or a page means."""
