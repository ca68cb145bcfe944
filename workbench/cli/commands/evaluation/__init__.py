"""Commands that evaluate, grade and compare generations."""
