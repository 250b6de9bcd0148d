"""Pure data and functions: requests, replies, plans, matching, pacing, randomness, faults, verdicts.

Nothing here does I/O, reads a clock, knows YAML or knows a provider. A contract in pyproject.toml holds the layers.
"""
