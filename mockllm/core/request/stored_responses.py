"""Stored responses as data: the responses that clients may retrieve or continue, and the tools that were called.

A dialect returns a `StoreUpdate` for a response, the state stores it by session, and a request gets a
`ResponseLookup`. Bodies are stored as the bytes that were sent, so that any store can hold them, and parsed on
demand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class StoredResponse(NamedTuple):
    """One response: the request's body, the response's body, and the id of the response that it continues.

    `thread` is the conversation of a response that continues another (`Request.thread`), since earlier responses may
    have been deleted.
    """

    id: str
    previous: str | None
    request_body: bytes
    response_body: bytes
    thread: str | None = None


class StoreUpdate(NamedTuple):
    """The changes of the store after a response. They are the response under all `names` by which clients retrieve
    it, its tools by the ids of the calls, and the names to delete."""

    names: tuple[str, ...] = ()
    stored: StoredResponse | None = None
    calls: Mapping[str, str] = {}
    forgotten: tuple[str, ...] = ()


class ResponseLookup:
    """The stored responses of one session; this base class has none."""

    __slots__ = ()

    def stored(self, name: str) -> StoredResponse | None:
        """Return the response of this name."""
        return None

    def all_stored(self, prefix: str) -> Sequence[StoredResponse]:
        """Return the responses whose id has this prefix, in order."""
        return ()

    def call(self, id: str) -> str | None:
        """Return the tool of the call with this id."""
        return None


NOTHING = ResponseLookup()
