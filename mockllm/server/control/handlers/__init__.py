"""The calls of the control API."""
