"""The data that the control API of a supervisor reads and changes in the store: sessions, and counts as a whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar

from mockllm.store.connection import STRANGE_REPLY, Argument, StoreAway, StoreRefused
from mockllm.store.remote_objects import LISTED_IDS
from mockllm.store.reply_values import bytes_of, names_of, number_of, page_of, value_of
from mockllm.store.script_arguments import hashed_name, scope_key, session_base
from mockllm.store.store_client import SESSIONS
from mockllm.store.store_link import StoreLink

T = TypeVar("T")

PLACES: Final = (b"\0c", b"\0o")
"""The ends of the keys of places in limits and loads."""
METERS: Final = (b"n", b"T", b"I", b"O", b"R")
"""The first letters of the fields and logs in which `decision.lua` counts the use of limits."""
ALL: Final = "mockllm:{*"
"""The pattern of all keys of counts."""
GLOBAL_SCOPES: Final = "mockllm:{*}:global"
"""The pattern of the keys of all global scopes."""
PAGE: Final = 500
"""Keys that are read at a time."""
REPLICA_TERM: Final = 30
"""Seconds after which the number of a group is lost that does not renew it."""
RENEWAL: Final = 1.0
"""Seconds between two renewals."""
MAX_REPLICAS: Final = 8_000
"""The number of numbers, so that the numbers of all their requests are exact in a double. One is used again when no
response of its group is stored any more."""
RULES: Final = "mockllm:rules:"
"""The beginning of the keys of the rules that each group has, as hashes of their keys."""
MOST_ARGUMENTS: Final = 1_000
"""The most arguments of one command."""
CLAIMED: Final = "mockllm:replicas"
"""How many numbers were claimed so far."""


class GroupStore:
    """The store as one group of workers uses it. `wait`: seconds for each call."""

    def __init__(self, link: StoreLink, wait: float) -> None:
        self.link = link
        self.wait = wait
        self._owner: str | None = None
        """The name of this group among those that share the store; None if no other one can."""
        self._rules: frozenset[str] = frozenset()
        """Hashes of the keys of its rules."""

    async def sessions(self) -> Mapping[str, float] | None:
        """Return the used sessions with the time of their last use; None if the store is away."""
        return await self._tried(self._sessions)

    async def _sessions(self) -> Mapping[str, float]:
        rows = names_of(await self.link.call("ZRANGE", SESSIONS, 0, -1, "WITHSCORES"))
        return {
            id.decode(errors="replace"): float(used) for id, used in zip(rows[::2], rows[1::2], strict=True)
        }

    async def eviction_policy(self) -> str | None:
        """Return the policy by which the store removes counts when its memory is full; None if it removes none, or
        does not say."""

        async def found() -> Mapping[bytes, bytes]:
            info = bytes_of(await self.link.call("INFO", "memory"))
            return dict(re.findall(rb"(maxmemory|maxmemory_policy):(\S+)", info))

        settings = await self._tried(found) or {}
        policy = settings.get(b"maxmemory_policy", b"noeviction").decode(errors="replace")
        return policy if policy != "noeviction" and settings.get(b"maxmemory") != b"0" else None

    async def has_session(self, session: str) -> bool | None:
        """Return whether a session lives; None if the store is away."""

        async def found() -> bool:
            return bool(await self.link.call("EXISTS", scope_key(session_base(session), "")))

        return await self._tried(found)

    async def reset(self) -> None:
        """Delete all counts, states and sessions."""
        shared = session_base("")
        async for key in self._keys(GLOBAL_SCOPES):
            if not key.startswith(shared):
                await self._end(key)
        async for key in self._keys(f"{shared.decode()}*"):
            await self.link.call("UNLINK", key)
        await self.link.call("DEL", SESSIONS)

    async def end(self, session: str) -> None:
        """Delete all of a session."""
        await self._end(scope_key(session_base(session), ""))
        await self.link.call("ZREM", SESSIONS, session)

    async def _end(self, scope: bytes) -> None:
        """Delete the global scope of a session, which ends it, and then the rest in portions."""
        await self.link.call("UNLINK", scope)
        while await self.link.run_with_retry("end_session", [scope], []):
            pass

    async def use_rules(self, keys: Collection[str]) -> None:
        """Note which rules and modifiers this group has: no other group forgets their counts."""
        if self._owner is not None:
            self._rules = frozenset(map(hashed_name, keys))
            await self._note_rules(RULES + self._owner)

    async def _note_rules(self, key: str) -> None:
        names = sorted(self._rules)
        chunks = [names[first : first + MOST_ARGUMENTS] for first in range(0, len(names), MOST_ARGUMENTS)]
        added = [("SADD", key, *chunk) for chunk in chunks]
        await self.link.run_transaction_with_retry(("DEL", key), *added, ("EXPIRE", key, REPLICA_TERM))

    async def forget(self, keys: Collection[str]) -> None:
        """Delete the counts of these rules and modifiers, but of those that another group has."""
        names = {hashed_name(key).encode() for key in keys}
        if self._owner is not None:
            async for key in self._keys(f"{RULES}*"):
                if key != (RULES + self._owner).encode():
                    names.difference_update(names_of(await self.link.call("SMEMBERS", key)))
        if names:
            await self._remove(lambda name, field: name in names)

    async def reset_limits(self, keys: Collection[str] | None) -> None:
        """Reset the use of limits: of all, or of the modifiers with these keys. Responses in flight still count."""
        names = None if keys is None else {hashed_name(key).encode() for key in keys}
        await self._remove(lambda name, field: (names is None or name in names) and field[:1] in METERS)

    async def _remove(self, removed: Callable[[bytes, bytes], bool]) -> None:
        """Delete the fields and places whose rule and purpose are removed, and the logs of the fields with them."""
        async for key in self._keys(ALL):
            scope, _, field = key.rpartition(b":")
            if field[-2:] in PLACES:
                if removed(*_parts(field)):
                    await self.link.call("UNLINK", key)
            elif scope.endswith(b"}") and field != LISTED_IDS:  # the hash of a scope
                fields = names_of(await self.link.call("HKEYS", key))
                gone = [each for each in fields if b"\0" in each and removed(*_parts(each))]
                if gone:
                    commands: list[Sequence[Argument]] = [("HDEL", key, *gone)]
                    if logs := [key + b":" + each.removesuffix(b"u") for each in gone if each.endswith(b"u")]:
                        commands.append(("UNLINK", *logs))
                    await self.link.run_transaction_with_retry(*commands)

    async def claim_replica(self, owner: str, above: int = -1) -> int:
        """Return a number that no other group has or had, the lowest above another one. Numbers begin anew after
        `MAX_REPLICAS`. Raises StoreAway or StoreRefused."""
        self._owner = owner
        send = self.link.connection().send
        for _ in range(2 * MAX_REPLICAS):  # one round may pass before the numbers begin anew
            number = (number_of(await send("INCR", CLAIMED)) - 1) % MAX_REPLICAS
            key = _replica_key(number)
            if number > above and value_of(await send("SET", key, owner, "NX", "EX", REPLICA_TERM)):
                return number
            above = -1 if number == MAX_REPLICAS - 1 else above
        raise StoreRefused(STRANGE_REPLY)

    async def replaced_replica(self, number: int, owner: str) -> int:
        """Wait until the number is not this group's any more: the store has lost it, or it was not renewed in time.
        Return another one."""
        while True:
            await asyncio.sleep(RENEWAL)
            try:
                key = _replica_key(number)
                if await self.link.call("GET", key) == owner.encode():
                    # a store without memory would accept EXPIRE
                    await self.link.call("SET", key, owner, "XX", "EX", REPLICA_TERM)
                    if not await self.link.call("EXPIRE", f"{RULES}{owner}", REPLICA_TERM):
                        await self._note_rules(f"{RULES}{owner}")
                else:
                    return await self.claim_replica(owner, number)
            except (StoreAway, StoreRefused):
                continue

    def release_replica(self, number: int) -> None:
        self.link.post("DEL", _replica_key(number), *([] if self._owner is None else [RULES + self._owner]))

    async def _keys(self, pattern: str) -> AsyncIterator[bytes]:
        cursor = b"0"
        while True:
            cursor, keys = page_of(await self.link.call("SCAN", cursor, "MATCH", pattern, "COUNT", PAGE))
            for key in keys:
                yield key
            if cursor == b"0":
                return

    async def _tried(self, call: Callable[[], Awaitable[T]]) -> T | None:
        try:
            async with asyncio.timeout(self.wait):
                return await call()
        except (TimeoutError, StoreAway, StoreRefused):
            return None


def _replica_key(number: int) -> str:
    return f"mockllm:replica:{number}"


def _parts(field: bytes) -> tuple[bytes, bytes]:
    name, _, purpose = field.partition(b"\0")
    return name, purpose
