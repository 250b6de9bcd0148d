"""Wire protocols: one folder a provider, one file a protocol; vendors of a known protocol are rows.

All that this project knows of a provider stands here and nowhere else.
"""
