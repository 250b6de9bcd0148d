"""The state of a running server, in memory: counts of rules and modifiers, sessions, limits and stored objects."""
