"""Recorded bodies with a text that events, or items of an array, divide."""

from __future__ import annotations

import json


def stream(*pieces: str, member: str = "content") -> bytes:
    events = [{"id": "x", "choices": [{"index": 0, "delta": {member: piece}}]} for piece in pieces]
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def array(*pieces: str, indent: int | None = 2) -> bytes:
    """A stream of Gemini without `alt=sse`."""
    items = [{"candidates": [{"content": {"parts": [{"text": piece}]}, "index": 0}]} for piece in pieces]
    return b"[" + b"\n,\r\n".join(json.dumps(item, indent=indent).encode() for item in items) + b"\n]\n"
