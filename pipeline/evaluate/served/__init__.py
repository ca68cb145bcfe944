"""Models behind a server that speaks OpenAI's chat completions. Needs no training package."""
