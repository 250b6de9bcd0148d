"""Responses and calls in this process's memory, by session; the oldest of all sessions make room.

Apart from the counts: nothing is decided by these, and they survive every reload.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mockllm.core.request.stored_responses import ResponseLookup, StoredResponse, StoreUpdate

BYTES: Final = 64 * 1024 * 1024
"""How much of the stored responses' bodies is kept, requests and answers together."""
CALLS: Final = 100_000
"""How many calls are remembered."""


class ResponseStore:
    """All that is remembered."""

    def __init__(self, size: int = BYTES, calls: int = CALLS) -> None:
        self._stored: OrderedDict[tuple[str, str], StoredResponse] = OrderedDict()
        self._calls: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._names: dict[str, dict[str, None]] = {}
        """The names of each session's responses, in their order."""
        self._ids: dict[str, dict[str, None]] = {}
        """The ids of each session's calls."""
        self._room = size
        self._most = calls

    def recall(self, session: str) -> ResponseLookup:
        return _OfSession(session, self._stored, self._calls, self._names)

    def remember(self, session: str, memo: StoreUpdate) -> None:
        for name in memo.forgotten:
            self._forget((session, name))
        for id, tool in memo.calls.items():
            self._calls[session, id] = tool
            self._ids.setdefault(session, {})[id] = None
        while len(self._calls) > self._most:
            (whose, id), _ = self._calls.popitem(last=False)
            _drop(self._ids, whose, id)
        if memo.stored is not None:
            for name in memo.names:
                key = session, name
                if name == memo.stored.id and key in self._stored:  # changed: it keeps its place in lists
                    self._room += _size(name, self._stored[key])
                else:
                    self._forget(key)
                self._stored[key] = memo.stored
                self._names.setdefault(session, {})[name] = None
                self._room -= _size(name, memo.stored)
            while self._room < 0:
                self._forget(next(iter(self._stored)))

    def end(self, session: str) -> None:
        """Forgets all of a session."""
        for name in list(self._names.get(session, ())):
            self._forget((session, name))
        for id in self._ids.pop(session, ()):
            del self._calls[session, id]

    def _forget(self, key: tuple[str, str]) -> None:
        gone = self._stored.pop(key, None)
        if gone is not None:
            self._room += _size(key[1], gone)
            _drop(self._names, *key)


class _OfSession:
    """See `Recall`."""

    __slots__ = ("_calls", "_names", "_session", "_stored")

    def __init__(
        self,
        session: str,
        stored: Mapping[tuple[str, str], StoredResponse],
        calls: Mapping[tuple[str, str], str],
        names: Mapping[str, Iterable[str]],
    ) -> None:
        self._session = session
        self._stored = stored
        self._calls = calls
        self._names = names

    def stored(self, name: str) -> StoredResponse | None:
        return self._stored.get((self._session, name))

    def all_stored(self, prefix: str) -> Sequence[StoredResponse]:
        named = [
            (name, self._stored[self._session, name])
            for name in self._names.get(self._session, ())
            if name.startswith(prefix)
        ]
        return [stored for name, stored in named if name == stored.id]

    def call(self, id: str) -> str | None:
        return self._calls.get((self._session, id))


def _drop(of: dict[str, dict[str, None]], session: str, name: str) -> None:
    """One name less of a session; those that have none left are not kept."""
    names = of[session]
    del names[name]
    if not names:
        del of[session]


def _size(name: str, stored: StoredResponse) -> int:
    """Bytes that an entry takes, about; the bodies count under the response's own id."""
    return 500 if name != stored.id else 500 + len(stored.request_body) + len(stored.response_body)
