"""Hunts: runs a client again and again against a server that disturbs it, and keeps what breaks it."""
