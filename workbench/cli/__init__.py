"""The command line: commands, options, errors, progress, printed tables."""
