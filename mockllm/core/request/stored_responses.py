"""What a server remembers of its answers, as data: the responses that clients may ask for again, and the
tools that were called.

A dialect says what of an answer is to be remembered (`Memo`), a state keeps it by session, and a request is
given a `Recall` to look it up with. Bodies are kept as the bytes that were sent, so that any store can hold
them and nothing is parsed before somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class StoredResponse(NamedTuple):
    """One response: the body that asked for it, what was answered, and the id of the one that it follows. `thread`
    is the conversation of one that follows another (`Request.thread`), for what led to it may be forgotten."""

    id: str
    previous: str | None
    asked: bytes
    said: bytes
    thread: str | None = None


class StoreUpdate(NamedTuple):
    """What is to be remembered of an answer: a response, under all `names` that it is asked for by; the tools
    it calls, by the calls' ids; and the names that are to be forgotten."""

    names: tuple[str, ...] = ()
    stored: StoredResponse | None = None
    calls: Mapping[str, str] = {}
    forgotten: tuple[str, ...] = ()


class ResponseLookup(Protocol):
    """What is remembered of one session."""

    def stored(self, name: str) -> StoredResponse | None:
        """The response of this name."""

    def all_stored(self, prefix: str) -> Sequence[StoredResponse]:
        """The responses whose own id begins so, in the order in which they came."""

    def call(self, id: str) -> str | None:
        """The tool that the call of this id was for."""


class EmptyLookup:
    """A recall that knows nothing."""

    def stored(self, name: str) -> StoredResponse | None:
        return None

    def all_stored(self, prefix: str) -> Sequence[StoredResponse]:
        return ()

    def call(self, id: str) -> str | None:
        return None


NOTHING = EmptyLookup()
