"""Tables with a row for each protocol. A missing row is reported with the place where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class ProtocolTable(dict[str, T]):
    """A table by endpoint, a protocol's dialect and api: `openai-chat`. `place` is its file and name."""

    def __init__(self, place: str, rows: Mapping[str, T]) -> None:
        super().__init__(rows)
        self.place = place

    def __missing__(self, endpoint: str) -> T:
        raise LookupError(f"{self.place} has no row for {endpoint}: see docs/adding-a-dialect.md")
