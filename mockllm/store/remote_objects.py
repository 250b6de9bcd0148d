"""The stored objects and tool calls of all sessions in the store: in the memory of one process,
`mockllm.state.local_objects` holds them.

Keys have hashes of the names by which clients retrieve objects. Each stored object begins with its version, which
differs after each change. So a change that follows from an older version is a conflict, and nothing changes.
"""

from __future__ import annotations

import asyncio
import os
import time
from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from math import inf
from typing import Final, Protocol

from msgspec import DecodeError, msgpack

from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup, StorageUpdate, StoredObject
from mockllm.state.fetched_objects import FetchedObject, FetchKey
from mockllm.store.connection import Argument, StoreAway, StoreRefused, StoreReply
from mockllm.store.refusals import UNREADABLE
from mockllm.store.reply_values import list_of, names_of, number_of, value_of
from mockllm.store.script_arguments import REMEMBERED, hashed_name, scope_key, session_base
from mockllm.store.store_link import StoreLink
from mockllm.store.store_scripts import is_transient

SHARED_TTL: Final = 24 * 3600
"""Seconds for which an object lasts that is in no session."""
_decode: Final = msgpack.Decoder(StoredObject).decode
LISTED_IDS: Final = b"names"
"""The end of the key of the ids that lists have."""
MAX_LISTED: Final = 1_000
"""Most objects of a list."""
MAX_PORTION: Final = 4 * 1024 * 1024
"""Most bytes of a list that are fetched at once, unless one object has more. Between portions, the store and the
connection serve other requests."""
TRIM: Final = 100
"""After so many additions outside of sessions, lists forget the ids of objects that have ended."""
REPEAT: Final = 2
"""The result of a change that is to be repeated."""
VERSION_LENGTH: Final = 16
"""Bytes of a version, as in `stored.lua`."""


class StoredChange(Protocol):
    """A change of what is stored, which is being sent."""

    async def done(self) -> bool:
        """Return whether the store has changed, now or when it is back; False after a conflict. The caller has a
        deadline. Raises StoreRefused."""


class _Addition:
    """New objects outside of sessions, which depend on nothing. The script costs the store more."""

    def __init__(self, link: StoreLink, commands: Sequence[Sequence[Argument]]) -> None:
        self._link = link
        self._commands = commands
        self._reply = link.run_transaction(*commands) if link.problem is None else None

    async def done(self) -> bool:
        if self._reply is None or not await _replied(self._reply):
            await self._link.run_transaction_with_retry(*self._commands)
        return True


class _Change:
    """A change by the script."""

    def __init__(self, link: StoreLink, keys: Sequence[bytes], arguments: Sequence[bytes]) -> None:
        self._link = link
        self._keys = keys
        self._arguments = arguments
        self._reply = link.run("write_update", keys, arguments) if link.problem is None else None

    async def done(self) -> bool:
        result: StoreReply = REPEAT
        if self._reply is not None and await _replied(self._reply):
            result = self._reply.result()
        while result == REPEAT:
            result = await self._link.run_with_retry("write_update", self._keys, self._arguments)
        return bool(result)


async def _replied(reply: Future[StoreReply]) -> bool:
    """Wait for a reply. Return False if the connection was lost, or if the refusal passes. Raises StoreRefused."""
    try:
        await reply
    except StoreAway:
        return False
    except StoreRefused as refusal:
        if not is_transient(refusal):
            raise
        return False
    return True


class _ChangeCall:
    """The input of the script `stored.lua`. `base` begins all keys."""

    def __init__(self, base: bytes, version: bytes) -> None:
        self.base = base
        self._version = version
        self.keys = [scope_key(base, ""), base + LISTED_IDS, b"%bd:%b" % (base, version)]
        self._places: dict[bytes, int] = {}
        self._values: list[bytes] = []
        self._written: list[list[int]] = []
        self._listed: list[str] = []
        self._checks: list[tuple[int, str]] = []

    def write(self, value: bytes, keys: Iterable[bytes]) -> None:
        """Write a value under all of these keys."""
        self._values.append(value)
        self._written.append([len(self._values) + 1, *map(self._place, keys)])

    def write_object(self, stored: StoredObject, names: Sequence[str]) -> None:
        """Write an object under all names by which clients find it. Lists have it if its own id is among them."""
        self.write(self._version + _packed(stored), [_object_key(self.base, name) for name in names])
        if stored.id in names:
            self._listed.append(stored.id)

    def check(self, name: str, version: bytes | None) -> None:
        """Change nothing if the object of this name has another version now; empty if there was none."""
        if version is not None:
            self._checks.append((self._place(_object_key(self.base, name)), version.decode()))

    def arguments(
        self, forgotten: Sequence[str], ttl: int, remembered: int, *, in_session: bool, trims: bool
    ) -> Sequence[bytes]:
        """Return the arguments of the script, which also forgets these names. `remembered` is in milliseconds.
        `trims`: whether the list forgets ids."""
        removed = [(self._place(_object_key(self.base, name)), name) for name in forgotten]
        # the result of what depends on the present state is stored, in case the call is repeated
        repeated_for = remembered if self._checks or removed else 0
        change = [ttl, in_session, self._checks, removed, self._written, self._listed, repeated_for, trims]
        return [msgpack.encode(change), *self._values]

    def commands(self, place: float) -> Sequence[Sequence[Argument]]:
        """Return the commands that do the same where nothing is forgotten or checked, outside of sessions. `place`
        is that of the first object in lists."""
        found: list[Sequence[Argument]] = [
            ("SET", self.keys[key - 1], self._values[value - 2], "EX", SHARED_TTL)
            for value, *keys in self._written
            for key in keys
        ]
        names = self.keys[1]
        found += [
            ("ZADD", names, "NX", f"{place + number / 1e6:.6f}", id) for number, id in enumerate(self._listed)
        ]
        if self._listed:
            found.append(("EXPIRE", names, SHARED_TTL))
        return found

    @property
    def depends_on_nothing(self) -> bool:
        return not self._checks

    def _place(self, key: bytes) -> int:
        """Return the number of a key."""
        place = self._places.get(key)
        if place is None:
            self.keys.append(key)
            place = self._places[key] = len(self.keys)
        return place


class RemoteObjects:
    """`unused_timeout`: seconds after which a session ends. `remembered`: seconds for which the store knows the
    result of a change, so that a repeated one is made once."""

    def __init__(self, link: StoreLink, unused_timeout: float, remembered: float = REMEMBERED) -> None:
        self._remembered = round(remembered * 1000)
        self._link = link
        self._session_ttl = session_ttl(unused_timeout)
        self._name = os.urandom(VERSION_LENGTH // 4).hex()
        self._numbers = count(1)
        self._additions = count(1)

    def write_update(
        self, session: str, update: StorageUpdate, read_lookup: ObjectLookup = EMPTY_LOOKUP
    ) -> StoredChange:
        """Send what a request changes. It is a conflict where another request has changed since what `read_lookup`
        has found under a name that the update changes."""
        number = next(self._numbers)
        version = f"{self._name}{number:0{VERSION_LENGTH // 2}x}".encode()
        call = _ChangeCall(session_base(session), version)
        for id, tool in update.tool_calls.items():
            call.write(tool.encode(), [_call_key(call.base, id)])
        for other in update.others:
            call.write_object(other, (other.id,))
        if update.stored is not None and update.names:
            call.write_object(update.stored, update.names)
        for name in dict.fromkeys((*update.forgotten, *update.names, *(other.id for other in update.others))):
            call.check(name, read_lookup.version(name))
        adds = not (session or update.forgotten) and call.depends_on_nothing
        trims = adds and next(self._additions) % TRIM == 0
        if adds and not trims:
            return _Addition(self._link, call.commands(time.time()))
        ttl = self._session_ttl if session else SHARED_TTL
        arguments = call.arguments(
            update.forgotten, ttl, self._remembered, in_session=bool(session), trims=trims
        )
        return _Change(self._link, call.keys, arguments)

    async def look_up(
        self, session: str, key: FetchKey, on_portion: Callable[[], object] = lambda: None
    ) -> FetchedObject:
        """Return what a lookup wants, which is a use of the session. `on_portion` is called after each portion of a
        list."""
        base = session_base(session)
        kind, name = key
        if session and self._session_ttl:
            link = self._link
            lives, found = await asyncio.gather(
                link.call("EXPIRE", scope_key(base, ""), self._session_ttl),
                self._found(base, kind, name, on_portion),
            )
            return found if lives else _nothing(kind)
        return await self._found(base, kind, name, on_portion)

    async def _found(
        self, base: bytes, kind: str, name: str, on_portion: Callable[[], object]
    ) -> FetchedObject:
        if kind == "tool_call":
            tool = value_of(await self._link.call("GET", _call_key(base, name)))
            return None if tool is None else tool.decode(errors="replace")
        if kind == "stored":
            return _stored(value_of(await self._link.call("GET", _object_key(base, name))))
        names = names_of(await self._link.call("ZRANGE", base + LISTED_IDS, 0, -1))
        wanted = [each for each in names if each.startswith(name.encode())][-MAX_LISTED:]
        keys = [_object_key(base, each.decode(errors="replace")) for each in wanted]
        found: list[StoredObject | None] = []
        for portion in await self._portions(keys):
            rows = list_of(await self._link.call("MGET", *portion))
            found += [_stored(value_of(row)) for row in rows]
            on_portion()
        return tuple(stored for stored in found if stored is not None)

    async def _portions(self, keys: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
        """Return the keys in portions whose values are not too large together."""
        if len(keys) < 2:
            return [keys] if keys else []
        lengths = await self._link.run_transaction_with_retry(*[("STRLEN", key) for key in keys])
        portions: list[list[bytes]] = []
        free = 0
        for key, length in zip(keys, map(number_of, list_of(lengths)), strict=True):
            free -= length
            if free < 0 or not portions:
                portions.append([])
                free = MAX_PORTION - length
            portions[-1].append(key)
        return portions


def session_ttl(unused_timeout: float) -> int:
    """Return the whole seconds for which an unused session lasts; 0 for ever."""
    return 0 if unused_timeout == inf else max(1, round(unused_timeout))


def _nothing(kind: str) -> FetchedObject:
    return () if kind == "all_stored" else None


def _packed(stored: StoredObject) -> bytes:
    """Return an object as bytes. The times of a background response become seconds since the epoch, as machines have
    different monotonic clocks."""
    return msgpack.encode(_with_times(stored, time.time() - time.monotonic())._replace(version=b""))


def _stored(data: bytes | None) -> StoredObject | None:
    """Return an object from its bytes. Raises StoreRefused for those of another program."""
    if data is None:
        return None
    try:
        stored = _decode(memoryview(data)[VERSION_LENGTH:])._replace(version=data[:VERSION_LENGTH])
    except DecodeError:
        raise StoreRefused(UNREADABLE) from None
    return _with_times(stored, time.monotonic() - time.time())


def _with_times(stored: StoredObject, later: float) -> StoredObject:
    timeline = stored.timeline
    if timeline is None:
        return stored
    cancelled = None if timeline.cancelled is None else timeline.cancelled + later
    return stored._replace(timeline=timeline._replace(began=timeline.began + later, cancelled=cancelled))


def _object_key(base: bytes, name: str) -> bytes:
    return base + f"r:{hashed_name(name)}".encode()


def _call_key(base: bytes, id: str) -> bytes:
    return base + f"t:{hashed_name(id)}".encode()
