"""Jobs in the background, the app, and what is installed."""
