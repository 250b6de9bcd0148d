"""Stored objects and tool calls in the memory of this process, by session. Those that were not changed for the
longest time are removed first, in all sessions.

Separate from the counts: no decision depends on them, and they survive every reload.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from mockllm.core.request.stored_objects import (
    MAX_STORED_BYTES,
    ListedObjects,
    ObjectLookup,
    StorageUpdate,
    StoredObject,
)

MAX_CALL_BYTES: Final = 16 * 1024 * 1024
"""Total size of the stored tool calls."""
MANY_OBJECTS: Final = 100
"""In a session with so many objects, a list is stored, since requests for it, or that search it, come again."""
MAX_LISTS: Final = 16
"""The most stored lists of a session, of which the oldest goes. Each prefix belongs to a kind of object, or to an
object of a client. A search of OpenAI reads 10 lists, or 15 with the texts of files."""
_NAME_BYTES: Final = 500
_OBJECT_BYTES: Final = 400
_CALL_BYTES: Final = 450
_EVENT_BYTES: Final = 150
"""The memory of a name, an object, a tool call and an event besides their texts: Python objects, and entries
of dictionaries."""


class LocalObjects:
    """The stored objects and tool calls of all sessions. A lock guards the changes and the reads of
    objects: a thread that plans a response reads while the event loop changes them."""

    def __init__(self, size: int = MAX_STORED_BYTES, call_size: int = MAX_CALL_BYTES) -> None:
        self._stored: OrderedDict[tuple[str, str], StoredObject] = OrderedDict()
        self._calls: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._names: dict[str, dict[str, None]] = {}
        """The names of each session's objects, in their order."""
        self._ids: dict[str, dict[str, None]] = {}
        """The ids of each session's tool calls."""
        self._lists: dict[str, dict[str, ListedObjects]] = {}
        """The lists of each session by their prefixes, until an object with such a prefix changes."""
        self._size = self._free = size
        self._free_for_calls = call_size
        self._lock = Lock()

    def lookup(self, session: str) -> ObjectLookup:
        return SessionLookup(session, self)

    def stored(self, session: str, name: str) -> StoredObject | None:
        """Return the object of a session with this name."""
        with self._lock:  # an update removes an object before it stores its successor
            return self._stored.get((session, name))

    def tool_by_call_id(self, session: str, id: str) -> str | None:
        """Return the tool of a session's tool call."""
        return self._calls.get((session, id))

    def all_stored(self, session: str, prefix: str) -> Sequence[StoredObject]:
        """Return the objects of a session whose id has this prefix, in order."""
        with self._lock:
            known = self._lists.get(session, {}).get(prefix)
            if known is not None:
                return known
            names = self._names.get(session, ())
            named = [(name, self._stored[session, name]) for name in names if name.startswith(prefix)]
            listed = ListedObjects(stored for name, stored in named if name == stored.id)
            if len(names) >= MANY_OBJECTS:
                lists = self._lists.setdefault(session, {})
                if len(lists) >= MAX_LISTS:
                    del lists[next(iter(lists))]
                lists[prefix] = listed
            return listed

    def apply_storage_update(self, session: str, update: StorageUpdate) -> bool:
        """Store the objects and tool calls of a session, or delete some, as the update says. Return False where the
        objects are too large together. All objects stay then, and only the tool calls are stored."""
        fits = _update_size(update) <= self._size
        with self._lock:
            self._apply(session, update if fits else StorageUpdate(tool_calls=update.tool_calls))
        return fits

    def _apply(self, session: str, update: StorageUpdate) -> None:
        for name in update.forgotten:
            self._forget((session, name))
        for id, tool in update.tool_calls.items():
            self._free_for_calls += _call_size(id, self._calls.get((session, id)))
            self._calls[session, id] = tool
            self._ids.setdefault(session, {})[id] = None
            self._free_for_calls -= _call_size(id, tool)
        while self._free_for_calls < 0:
            (owner, id), tool = self._calls.popitem(last=False)
            self._free_for_calls += _call_size(id, tool)
            _remove_name(self._ids, owner, id)
        if update.stored is not None:
            for name in update.names:
                self._put(session, name, update.stored)
        for stored in update.others:
            self._put(session, stored.id, stored)
        while self._free < 0:
            self._forget(next(iter(self._stored)))

    def _put(self, session: str, name: str, stored: StoredObject) -> None:
        key = session, name
        if name == stored.id and key in self._stored:  # changed: its place in lists stays the same
            self._free += _size(name, self._stored[key])
        else:
            self._forget(key)
        self._stored[key] = stored
        self._stored.move_to_end(key)  # so that an update does not remove what it stores
        self._forget_lists(session, name)
        self._names.setdefault(session, {})[name] = None
        self._free -= _size(name, stored)

    def end(self, session: str) -> None:
        """Delete everything of a session."""
        with self._lock:
            for name in list(self._names.get(session, ())):
                self._forget((session, name))
            for id in self._ids.pop(session, ()):
                self._free_for_calls += _call_size(id, self._calls.pop((session, id)))

    def _forget(self, key: tuple[str, str]) -> None:
        removed = self._stored.pop(key, None)
        if removed is not None:
            self._free += _size(key[1], removed)
            self._forget_lists(*key)
            _remove_name(self._names, *key)
            if key[0] not in self._names:
                self._lists.pop(key[0], None)

    def _forget_lists(self, session: str, name: str) -> None:
        """Forget the lists that a name belongs to."""
        lists = self._lists.get(session, {})
        for prefix in [prefix for prefix in lists if name.startswith(prefix)]:
            del lists[prefix]


class SessionLookup(ObjectLookup):
    """The stored objects and tool calls of one session."""

    __slots__ = ("_objects", "_session")

    def __init__(self, session: str, objects: LocalObjects) -> None:
        self._session = session
        self._objects = objects

    def stored(self, name: str) -> StoredObject | None:
        return self._objects.stored(self._session, name)

    def all_stored(self, prefix: str) -> Sequence[StoredObject]:
        return self._objects.all_stored(self._session, prefix)

    def tool_by_call_id(self, id: str) -> str | None:
        return self._objects.tool_by_call_id(self._session, id)


def _remove_name(names_by_session: dict[str, dict[str, None]], session: str, name: str) -> None:
    """Remove one name of a session; sessions without names are removed."""
    names = names_by_session[session]
    del names[name]
    if not names:
        del names_by_session[session]


def _size(name: str, stored: StoredObject) -> int:
    """Return about how many bytes an entry takes; the bodies count under the object's own id."""
    size = _NAME_BYTES + len(name)
    if name == stored.id:
        size += _OBJECT_BYTES + stored.size
        if stored.timeline is not None:
            size += _EVENT_BYTES * len(stored.timeline.events)
    return size


def _update_size(update: StorageUpdate) -> int:
    """Return about how many bytes the objects of an update take."""
    size = 0
    for stored in update.others:
        size += _size(stored.id, stored)
    if update.stored is not None:
        for name in update.names:
            size += _size(name, update.stored)
    return size


def _call_size(id: str, tool: str | None) -> int:
    """Return about how many bytes a tool call takes; none for one that is not stored."""
    return 0 if tool is None else _CALL_BYTES + len(id) + len(tool)
