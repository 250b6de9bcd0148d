"""OpenAI's responses: the call that makes one, and those on stored ones, on an input's tokens, on long inputs."""
