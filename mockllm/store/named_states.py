"""The named states in the store that rules have set: what `EngineState.named_states` is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeAlias

from mockllm.core.selection.guards import StateValue
from mockllm.scenario.catalog import Catalog
from mockllm.store.connection import StoreAway, StoreRefused
from mockllm.store.group_store import ALL, GroupStore
from mockllm.store.reply_values import list_of, page_of, value_of
from mockllm.store.script_arguments import scope_key, session_base, state_value

MAX_PAGES: Final = 20
"""Pages of keys that are searched for scopes: clients choose how many there are."""
PAGE: Final = 500
MAX_SESSIONS: Final = 200
"""Sessions whose global scope is read, the last of those that are named."""
NamedState: TypeAlias = tuple[str, str, StateValue]
"""The session, the name and the value."""


async def stored_states(store: GroupStore, catalog: Catalog, sessions: Iterable[str]) -> list[NamedState]:
    """Return states that the rules of a catalog set, without a session and in these; none if the store is away."""
    setting = [item for item in catalog.items if item.sets]
    names = sorted({name for item in setting for name in item.sets or ()})
    if not names:
        return []
    by_base = {session_base(id): id for id in (*sessions, "")}
    try:
        async with asyncio.timeout(store.wait):
            keys = dict.fromkeys(scope_key(base, "") for base in list(by_base)[-MAX_SESSIONS - 1 :])
            if any(item.per != "global" for item in setting):
                keys |= dict.fromkeys(await _scopes(store, by_base))
            return await _states(store, {key: by_base[_base(key)] for key in keys}, names)
    except (TimeoutError, StoreAway, StoreRefused):
        return []


def _base(key: bytes) -> bytes:
    return key[: key.find(b"}:") + 2]


async def _scopes(store: GroupStore, bases: Collection[bytes]) -> list[bytes]:
    """Return the keys of scopes of known sessions."""
    found: list[bytes] = []
    cursor = b"0"
    for _ in range(MAX_PAGES):
        reply = await store.link.call("SCAN", cursor, "MATCH", ALL, "COUNT", PAGE, "TYPE", "hash")
        cursor, keys = page_of(reply)
        found += [key for key in keys if _base(key) in bases]
        if cursor == b"0":
            break
    return found


async def _states(store: GroupStore, sessions: dict[bytes, str], names: Sequence[str]) -> list[NamedState]:
    """Return the states with these names in scopes, of which each has a session."""
    fields = [f"={name}" for name in names]
    calls = [store.link.call("HMGET", key, *fields) for key in sessions]
    return [
        (session, name, state_value(value.decode(errors="replace")))
        for session, values in zip(sessions.values(), await asyncio.gather(*calls), strict=True)
        for name, value in zip(names, map(value_of, list_of(values)), strict=True)
        if value
    ]
