"""Import of generations from files of other tools: JSONL, lm-eval, Inspect AI."""
