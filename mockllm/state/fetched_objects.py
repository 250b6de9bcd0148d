"""The stored objects that a request needs and that another process has: those that were fetched, and the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal, TypeAlias, TypeVar

from msgspec import Struct

from mockllm.core.request.stored_objects import ObjectLookup, StoredObject

T = TypeVar("T")
FetchKey: TypeAlias = tuple[Literal["stored", "all_stored", "tool_call"], str]
"""The key of a fetched object: a method of `ObjectLookup` and its argument. `stored` has a name, `all_stored` the
prefix of names, and `tool_call` (the method `tool_by_call_id`) the id of a tool call."""
FetchedObject: TypeAlias = StoredObject | Sequence[StoredObject] | str | None
RespondAgain: TypeAlias = Callable[[], object]
"""Responds again from what the request's lookup then finds. It returns what an engine returns, which may be an
ObjectToFetch."""


class ObjectToFetch(Struct, frozen=True):
    """A stored object or tool call that a request needs, and that is not in this process. An engine returns it in
    place of a response. The caller fetches the object, adds it to the request's lookup, and calls `respond_again`."""

    session: str
    key: FetchKey
    respond_again: RespondAgain


class StorageConflict(Struct, frozen=True):
    """A response was not stored, since another request has changed meanwhile what it was made of. `respond_again`
    makes it from what is stored now; None for an update that belongs to no response."""

    respond_again: RespondAgain | None


class MissingStoredObject(BaseException):
    """A FetchedLookup lacks an object. It interrupts what the engine and its dialects compute, up to
    `value_or_fetch`. It is a BaseException, so that no `except Exception` takes it for an error."""

    def __init__(self, session: str, key: FetchKey) -> None:
        super().__init__(*key)
        self.session = session
        self.key = key


def value_or_fetch(compute: Callable[[], T]) -> T | ObjectToFetch:
    """Return the result of `compute`, or the object that is fetched before `compute` is called again."""
    try:
        return compute()
    except MissingStoredObject as missing:
        return ObjectToFetch(missing.session, missing.key, partial(value_or_fetch, compute))


def call_or_default_if_missing(compute: Callable[[], T], default: T) -> T:
    """Return the result of `compute`. It is `default` where it follows from an object that was not fetched: a refused
    request, for example, did not need it."""
    try:
        return compute()
    except MissingStoredObject:
        return default


class FetchedLookup(ObjectLookup):
    """The stored objects and tool calls that were fetched for one request. Raises MissingStoredObject for any
    other."""

    __slots__ = ("_found", "_session")
    most_bytes: ClassVar[int] = 500 * 1024 * 1024
    """A value of the store has 512 MiB at most."""

    def __init__(self, session: str, found: Mapping[FetchKey, FetchedObject]) -> None:
        self._session = session
        self._found = found

    def having(self, key: FetchKey, value: FetchedObject) -> FetchedLookup:
        """Return a lookup that also has this."""
        return FetchedLookup(self._session, {**self._found, key: value})

    def __len__(self) -> int:
        return len(self._found)

    def stored(self, name: str) -> StoredObject | None:
        return self._get(("stored", name))  # type: ignore[return-value]

    def all_stored(self, prefix: str) -> Sequence[StoredObject]:
        return self._get(("all_stored", prefix))  # type: ignore[return-value]

    def tool_by_call_id(self, id: str) -> str | None:
        return self._get(("tool_call", id))  # type: ignore[return-value]

    def version(self, name: str) -> bytes | None:
        found = self._found.get(("stored", name), self)
        return found.version if isinstance(found, StoredObject) else b"" if found is None else None

    def _get(self, key: FetchKey) -> FetchedObject:
        try:
            return self._found[key]
        except KeyError:
            raise MissingStoredObject(self._session, key) from None
