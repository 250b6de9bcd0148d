"""A lower bound for stored objects, so that tests need no large ones."""

from __future__ import annotations

from typing import Any


def bound_stored_bytes(engine: Any, size: int) -> None:
    """Let an engine that has stored nothing store so many bytes."""
    objects = engine.state._objects
    objects._size = objects._free = size
