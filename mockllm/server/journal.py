"""What the server remembers of each request: small records in a bounded ring.

A record holds no bodies, and texts of clients only up to a length, so that the ring's memory is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from mockllm.core.hints import cut
from mockllm.engine import replaying

LONGEST: Final = 200

Left: TypeAlias = Literal["finished", "close", "reset", "silence", "gone", "stopped"]
"""How the client left: with the whole answer, cut off by the plan with FIN or RST, of its own (in a silence or
before the end), or because the server stopped."""


class Record(NamedTuple):
    """One request. `at` is in seconds since the epoch, `took` the seconds from the request's last byte to the
    end of its answer."""

    at: float
    method: str
    path: str
    model: str | None
    rule: str | None
    modifiers: tuple[str, ...]
    status: int
    took: float
    notes: tuple[str, ...] = ()
    left: Left = "finished"
    missed: bool = False
    session: str | None = None
    drawn: str | bytes = ""

    @property
    def seed(self) -> str:
        """The seed that would give its answer again in a fresh session, for `x-mockllm-seed`; empty where no
        rule was asked."""
        return self.drawn if isinstance(self.drawn, str) else replaying.told_of(self.drawn)


class Journal:
    """The last records, oldest first; `total` and `missed` count all there ever were."""

    def __init__(self, size: int) -> None:
        self._ring: deque[Record] = deque(maxlen=size)
        self.total = 0
        self.missed = 0

    def add(self, record: Record) -> None:
        self._ring.append(record)
        self.total += 1
        self.missed += record.missed

    def __len__(self) -> int:
        return len(self._ring)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._ring)


def short(text: str) -> str:
    """At most so much of a client's text is kept."""
    return cut(text, LONGEST)
