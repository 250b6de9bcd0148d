"""Stored objects as data: what clients may retrieve or continue, and the tools that were called. A stored object is a
response, a file, a batch, an agent, or whatever else a call creates.

A dialect returns a `StorageUpdate` for a response, the state stores it by session, and a request gets an
`ObjectLookup`. Bodies are stored as the bytes that were sent, so that any store can hold them, and parsed on
demand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, TypeVar, cast

from mockllm.core.batch import BatchJob
from mockllm.core.webhook import Webhook

T = TypeVar("T")
MAX_STORED_BYTES: Final = 64 * 1024 * 1024
"""Total size of the stored objects of a process, which holds the requests and the responses."""
CLIENT_NAMED: Final = "client-named:"
"""The prefix of the names that begin with it because a client chooses the rest. That nothing has such a name is no
mistake of the client, unlike an id that no response had."""


def state_seconds(time: float | None, polls: int | None, default: float) -> float:
    """Return how long a state of a timeline lasts; nothing where only reads end it."""
    if time is not None:
        return time
    return default if polls is None else 0.0


class Timeline(NamedTuple):
    """A background response by time: its events, each with the seconds since it began, its name and its payload.

    `began` and `cancelled` are on a monotonic clock. `polls` reads have come; the first `queued_polls` of
    them find it queued, the next `in_progress_polls` in progress.
    """

    began: float
    events: tuple[tuple[float, str, bytes], ...]
    queued_polls: int = 0
    in_progress_polls: int = 0
    polls: int = 0
    cancelled: float | None = None
    time_scale: float = 1.0
    """Factor on the times of the events."""

    def elapsed(self, monotonic: float) -> float:
        """Return the seconds of its events for which it has run."""
        return ((monotonic if self.cancelled is None else self.cancelled) - self.began) / self.time_scale

    def scaled(self, factor: float, monotonic: float) -> Timeline:
        """Return a timeline that is made now for a server whose time has this factor."""
        if self.time_scale != 1.0:
            return self
        return self._replace(began=monotonic + (self.began - monotonic) * factor, time_scale=factor)

    @property
    def polled(self) -> bool:
        """Whether the number of reads decides its state."""
        return self.polls < self.queued_polls + self.in_progress_polls


class StoredObject(NamedTuple):
    """One object: the body of the request that created it, and the body with which it is retrieved. `previous` is the
    id of the object that it continues or belongs to. A file has its content in place of the request's body.

    `conversation_name` is that of a response that continues another (`Request.conversation_name`), since earlier
    responses may have been deleted. `timeline` is that of a background response. `version` is its version in a store
    that several processes share, empty elsewhere.
    """

    id: str
    previous: str | None
    request_body: bytes
    response_body: bytes
    conversation_name: str | None = None
    timeline: Timeline | None = None
    version: bytes = b""

    @property
    def size(self) -> int:
        """The number of bytes of both bodies, and of the events of a timeline."""
        size = len(self.request_body) + len(self.response_body)
        if self.timeline is not None:
            size += sum(len(payload) for _, _, payload in self.timeline.events)
        return size

    def with_read(self, *, streamed: bool = False) -> StoredObject | None:
        """Return the object after a read; None where the number of reads does not decide its state. A streamed read
        shows the end, so it counts as all reads."""
        timeline = self.timeline
        if timeline is None or not timeline.polled:
            return None
        polls = timeline.queued_polls + timeline.in_progress_polls if streamed else timeline.polls + 1
        return self._replace(timeline=timeline._replace(polls=polls))


class StorageUpdate(NamedTuple):
    """The changes of stored objects by one request (`state/local_objects.py`). The changes are the object
    under all `names` by which clients retrieve it, and its tools by the ids of the tool calls. Further changes are
    the names to delete, and objects that change with it, each under its own id."""

    names: tuple[str, ...] = ()
    stored: StoredObject | None = None
    tool_calls: Mapping[str, str] = {}
    forgotten: tuple[str, ...] = ()
    others: tuple[StoredObject, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    """The webhooks that the server sends to the addresses of a client."""
    batch_job: BatchJob | None = None
    """The lines of a new batch job, which the server serves."""
    is_optional: bool = False
    """Whether the response stays correct even if nothing of the update is stored."""

    @property
    def size(self) -> int:
        """The number of bytes of the objects."""
        size = sum(stored.size for stored in self.others)
        return size if self.stored is None else size + self.stored.size

    def scaled(self, factor: float, monotonic: float) -> StorageUpdate:
        """Return the changes for a server whose time has this factor; `monotonic` is on a monotonic clock."""
        stored = None if self.stored is None else _scaled(self.stored, factor, monotonic)
        others = tuple(_scaled(other, factor, monotonic) for other in self.others)
        webhooks = tuple(webhook.scaled(factor, monotonic) for webhook in self.webhooks)
        return self._replace(stored=stored, others=others, webhooks=webhooks)


def _scaled(stored: StoredObject, factor: float, monotonic: float) -> StoredObject:
    if stored.timeline is None:
        return stored
    return stored._replace(timeline=stored.timeline.scaled(factor, monotonic))


class ListedObjects(tuple[StoredObject, ...]):
    """The stored objects of a list. The state returns the same object until one of them changes, so that what is
    derived from all of them can be stored in it."""

    _derived: dict[object, object] | None = None
    """What `derived` has computed, by the function."""

    def derived(self, derive: Callable[[Sequence[StoredObject]], T]) -> T:
        """Return what a function derives from the list, which is computed once."""
        known = self._derived
        if known is None:
            known = self._derived = {}
        if derive not in known:
            known[derive] = derive(self)
        return cast(T, known[derive])


class ObjectLookup:
    """The stored objects of one session; this base class has none."""

    __slots__ = ()
    most_bytes: ClassVar[int] = MAX_STORED_BYTES
    """The most bytes of the objects that one request stores."""

    def stored(self, name: str) -> StoredObject | None:
        """Return the object of this name."""
        return None

    def all_stored(self, prefix: str) -> Sequence[StoredObject]:
        """Return the objects whose id has this prefix, in order."""
        return ()

    def tool_by_call_id(self, id: str) -> str | None:
        """Return the tool of a tool call by its id."""
        return None

    def version(self, name: str) -> bytes | None:
        """Return the version of the object that the request has found under this name, empty where it has found
        none. It is None where the request has not looked, or where no other process can change anything."""
        return None


EMPTY_LOOKUP = ObjectLookup()
