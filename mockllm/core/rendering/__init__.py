"""Response plans: their steps, framings and waits, the base classes of encoders, and placeholders."""
