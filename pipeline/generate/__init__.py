"""The rollout engine: completions of many prompts, with the device kept busy."""
