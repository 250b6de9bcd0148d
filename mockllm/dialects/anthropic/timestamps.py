"""Anthropic's timestamps of stored objects: RFC 3339 with microseconds, as recorded batches have them."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(seconds: float) -> str:
    """Format seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
