"""Mistral's conversations: their entries, the responses that add entries, and the calls on stored ones."""
