"""The whole job: its stages, their runs and inputs, and trials of subsets."""
