"""The commands of `thinkbench`."""
