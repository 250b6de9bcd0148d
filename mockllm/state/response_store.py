"""Responses and calls in the memory of this process, by session; the oldest of all sessions are removed
first.

Separate from the counts: no decision depends on them, and they survive every reload.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mockllm.core.request.stored_responses import ResponseLookup, StoredResponse, StoreUpdate

MAX_BYTES: Final = 64 * 1024 * 1024
"""Total size of the stored bodies, requests and responses together."""
MAX_CALLS: Final = 100_000
"""Maximum number of stored calls."""


class ResponseStore:
    """The stored responses and calls of all sessions."""

    def __init__(self, size: int = MAX_BYTES, calls: int = MAX_CALLS) -> None:
        self._stored: OrderedDict[tuple[str, str], StoredResponse] = OrderedDict()
        self._calls: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._names: dict[str, dict[str, None]] = {}
        """The names of each session's responses, in their order."""
        self._ids: dict[str, dict[str, None]] = {}
        """The ids of each session's calls."""
        self._free = size
        self._max_calls = calls

    def recall(self, session: str) -> ResponseLookup:
        return SessionLookup(session, self._stored, self._calls, self._names)

    def remember(self, session: str, memo: StoreUpdate) -> None:
        for name in memo.forgotten:
            self._forget((session, name))
        for id, tool in memo.calls.items():
            self._calls[session, id] = tool
            self._ids.setdefault(session, {})[id] = None
        while len(self._calls) > self._max_calls:
            (owner, id), _ = self._calls.popitem(last=False)
            _remove_name(self._ids, owner, id)
        if memo.stored is not None:
            for name in memo.names:
                key = session, name
                if (
                    name == memo.stored.id and key in self._stored
                ):  # changed: its place in lists stays the same
                    self._free += _size(name, self._stored[key])
                else:
                    self._forget(key)
                self._stored[key] = memo.stored
                self._names.setdefault(session, {})[name] = None
                self._free -= _size(name, memo.stored)
            while self._free < 0:
                self._forget(next(iter(self._stored)))

    def end(self, session: str) -> None:
        """Delete everything of a session."""
        for name in list(self._names.get(session, ())):
            self._forget((session, name))
        for id in self._ids.pop(session, ()):
            del self._calls[session, id]

    def _forget(self, key: tuple[str, str]) -> None:
        removed = self._stored.pop(key, None)
        if removed is not None:
            self._free += _size(key[1], removed)
            _remove_name(self._names, *key)


class SessionLookup(ResponseLookup):
    """The stored responses and calls of one session."""

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


def _remove_name(names_by_session: dict[str, dict[str, None]], session: str, name: str) -> None:
    """Remove one name of a session; sessions without names are removed."""
    names = names_by_session[session]
    del names[name]
    if not names:
        del names_by_session[session]


def _size(name: str, stored: StoredResponse) -> int:
    """Return the approximate number of bytes of an entry; the bodies count under the response's own id."""
    return 500 if name != stored.id else 500 + len(stored.request_body) + len(stored.response_body)
