"""Mistral's agents: their versions and aliases, and completions by an agent."""
