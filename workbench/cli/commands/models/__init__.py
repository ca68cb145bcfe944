"""Commands that put questions to models, and look at what they wrote, token by token."""
