"""Recorded bodies with a text that events, or items of an array, divide."""

from __future__ import annotations

import json


def stream(*texts: str, member: str = "content") -> bytes:
    events = [{"id": "x", "choices": [{"index": 0, "delta": {member: text}}]} for text in texts]
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def array(*texts: str, indent: int | None = 2) -> bytes:
    """A stream of Gemini without `alt=sse`."""
    items = [{"candidates": [{"content": {"parts": [{"text": text}]}, "index": 0}]} for text in texts]
    return b"[" + b"\n,\r\n".join(json.dumps(item, indent=indent).encode() for item in items) + b"\n]\n"
