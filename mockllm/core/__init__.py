"""Pure data and functions: requests, replies, plans, matching, pace, chance, faults.

Nothing here does I/O, reads a clock, knows YAML or knows a provider.
"""
