"""How many tokens a text is, by arithmetic, and what its tokens may look like."""

from __future__ import annotations


def estimate(text: str) -> int:
    """0 for no text, else at least 1."""
    return (len(text) + 3) // 4
