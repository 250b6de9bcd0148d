"""The stored objects that a request needs and that another process has: what was fetched, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from mockllm.core.request.stored_responses import ResponseLookup, StoredResponse

FetchKey: TypeAlias = tuple[Literal["stored", "all_stored", "call"], str]
"""The method and the argument of a lookup."""
FetchedObject: TypeAlias = StoredResponse | Sequence[StoredResponse] | str | None


RespondAgain: TypeAlias = Callable[[], object]
"""Responds again by the decision on a request, from what its lookup then finds. Raises MissingStoredObject."""


class MissingStoredObject(BaseException):
    """A request needs a stored response or tool call that is not in this process. The caller fetches it, adds it to
    the request's lookup, and responds again, or goes on from the decision. It is a BaseException, so that no
    `except Exception` takes it for an error."""

    def __init__(self, session: str, key: FetchKey) -> None:
        super().__init__()
        self.session = session
        self.key = key


class FetchedLookup(ResponseLookup):
    """The stored responses and tool calls that were fetched for one request. Raises MissingStoredObject for any
    other."""

    __slots__ = ("_found", "_session")

    def __init__(self, session: str, found: Mapping[FetchKey, FetchedObject]) -> None:
        self._session = session
        self._found = found

    def having(self, key: FetchKey, value: FetchedObject) -> FetchedLookup:
        """Return a lookup that also has this."""
        return FetchedLookup(self._session, {**self._found, key: value})

    def __len__(self) -> int:
        return len(self._found)

    def stored(self, name: str) -> StoredResponse | None:
        return self._get(("stored", name))  # type: ignore[return-value]

    def all_stored(self, prefix: str) -> Sequence[StoredResponse]:
        return self._get(("all_stored", prefix))  # type: ignore[return-value]

    def tool_by_call_id(self, id: str) -> str | None:
        return self._get(("call", id))  # type: ignore[return-value]

    def version(self, name: str) -> bytes | None:
        found = self._found.get(("stored", name), self)
        return found.version if isinstance(found, StoredResponse) else b"" if found is None else None

    def _get(self, key: FetchKey) -> FetchedObject:
        try:
            return self._found[key]
        except KeyError:
            raise MissingStoredObject(self._session, key) from None
