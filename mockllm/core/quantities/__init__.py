"""The types of durations, sizes and rates, and the parser of their texts."""
