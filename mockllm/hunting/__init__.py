"""Hunts: runs a client again and again against a server that disturbs it, and stores what breaks it."""
