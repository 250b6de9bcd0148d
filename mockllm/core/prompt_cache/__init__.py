"""A provider's prompt cache: how many tokens of a prompt it has seen."""
