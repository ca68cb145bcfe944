"""Numbers and marked texts as the command line and the app show them."""
