"""OpenAI's chat completions: the call that makes one, and those on stored ones."""
