"""Responses and calls in this process's memory, by session; the oldest make room.

Apart from the counts: nothing is decided by these, and they survive every reload.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.core.remembered import Memo, Recall, Stored

BYTES: Final = 64 * 1024 * 1024
"""How much of the stored responses' bodies is kept, requests and answers together."""
CALLS: Final = 100_000
"""How many calls are remembered."""


class Remembered:
    """All that is remembered."""

    def __init__(self, size: int = BYTES, calls: int = CALLS) -> None:
        self._stored: OrderedDict[tuple[str, str], Stored] = OrderedDict()
        self._calls: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._room = size
        self._most = calls

    def recall(self, session: str) -> Recall:
        return _OfSession(session, self._stored, self._calls)

    def remember(self, session: str, memo: Memo) -> None:
        for name in memo.forgotten:
            self._forget((session, name))
        for id, tool in memo.calls.items():
            self._calls[session, id] = tool
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)
        if memo.stored is not None:
            for name in memo.names:
                key = session, name
                if name == memo.stored.id and key in self._stored:  # changed: it keeps its place in lists
                    self._room += _size(name, self._stored[key])
                else:
                    self._forget(key)
                self._stored[key] = memo.stored
                self._room -= _size(name, memo.stored)
            while self._room < 0:
                self._forget(next(iter(self._stored)))

    def _forget(self, key: tuple[str, str]) -> None:
        gone = self._stored.pop(key, None)
        if gone is not None:
            self._room += _size(key[1], gone)


class _OfSession:
    """See `Recall`."""

    __slots__ = ("_calls", "_session", "_stored")

    def __init__(
        self,
        session: str,
        stored: Mapping[tuple[str, str], Stored],
        calls: Mapping[tuple[str, str], str],
    ) -> None:
        self._session = session
        self._stored = stored
        self._calls = calls

    def stored(self, name: str) -> Stored | None:
        return self._stored.get((self._session, name))

    def all_stored(self, prefix: str) -> Sequence[Stored]:
        return [
            stored
            for (session, name), stored in self._stored.items()
            if session == self._session and name == stored.id and name.startswith(prefix)
        ]

    def call(self, id: str) -> str | None:
        return self._calls.get((self._session, id))


def _size(name: str, stored: Stored) -> int:
    """Bytes that an entry takes, about; the bodies count under the response's own id."""
    return 500 if name != stored.id else 500 + len(stored.asked) + len(stored.said)
