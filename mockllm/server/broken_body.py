"""A body that cannot be read."""

from __future__ import annotations


class BrokenBody(Exception):
    """The body's framing is not HTTP; the message says what is wrong with it."""
