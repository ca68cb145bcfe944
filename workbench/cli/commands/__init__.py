"""The commands of `thinkbench`, one file each."""
