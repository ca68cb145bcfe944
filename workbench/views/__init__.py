"""Pages of the app, one file each; a page reads as it looks."""
