"""The store of `mockllm serve --workers`: the one at `--store`, or a server that mockllm starts itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mockllm.cli.option import BadOption
from mockllm.cli.option_values import OptionValues
from mockllm.store.connection import (
    BadAddress,
    StoreAddress,
    StoreAway,
    StoreRefused,
    has_client,
    store_address,
)
from mockllm.store.group_store import GroupStore
from mockllm.store.own_server import OwnServer, installed_program
from mockllm.store.store_link import StoreLink

CHECK: Final = 0.5
"""Seconds between two looks whether the own server still runs."""


class NoStoreFound(Exception):
    """The store cannot be used; the message is one line."""


class StoreSetup:
    """The address of the store, and the server if mockllm has started it."""

    def __init__(self, address: StoreAddress, own: OwnServer | None) -> None:
        self.address = address
        self.own = own
        self.replica = 0
        self.on_replica: Callable[[int], Awaitable[None]] = _ignored
        """Called with the next number of this group of workers."""

    @property
    def shown(self) -> str:
        """The store as a person reads it."""
        return f"a {self.own.name} of this server" if self.own is not None else self.address.shown

    async def open(self, log: Callable[[str], None], wait: float) -> GroupStore:
        """Return the store, connected, with the number of this group of workers. Raises NoStoreFound."""
        if self.own is not None:
            self.own.wait()
            if self.own.failure is not None:
                raise NoStoreFound(f"the {self.own.name} of this server does not start: {self.own.failure}")
        link = StoreLink(self.address, log, wait)
        store = GroupStore(link, wait)
        try:
            await link.open()
            if self.own is None:
                owner = os.urandom(8).hex()
                self.replica = await store.claim_replica(owner)
                if (policy := await store.eviction_policy()) is not None:
                    removes = f"removes counts when its memory is full (maxmemory-policy {policy})"
                    log(f"warning: the store {self.address.shown} {removes}; set noeviction")
                self._renewal = asyncio.get_running_loop().create_task(self._renew_replica(store, owner))
        except (StoreAway, StoreRefused) as error:
            raise NoStoreFound(f"the store {self.address.shown} cannot be used: {error}") from None
        return store

    async def _renew_replica(self, store: GroupStore, owner: str) -> None:
        """Renew the number of this group. Take another one when the store has lost it."""
        while True:
            self.replica = await store.replaced_replica(self.replica, owner)
            await self.on_replica(self.replica)

    async def watch(self, log: Callable[[str], None]) -> None:
        """Start the own server again whenever it has ended."""
        while self.own is not None:
            await asyncio.sleep(CHECK)
            if self.own.started_again():
                log(f"the {self.own.name} of this server had ended; another one has its counts")


async def _ignored(replica: int) -> None: ...


@contextmanager
def store_setup(values: OptionValues) -> Iterator[StoreSetup | None]:
    """Yield the store for the block; None where no server is configured or installed. Raises BadOption."""
    if values["store"]:
        try:
            address = store_address(values["store"])
        except BadAddress as error:
            raise BadOption(f"--store: {error}") from None
        yield StoreSetup(address, None)
        return
    program = installed_program()
    if program is None or not has_client():
        yield None
        return
    try:
        own = OwnServer(program)
    except OSError as error:
        reason = f"the folder of its store cannot be created: {error}"
        raise BadOption(f"--workers: {reason}; TMPDIR names another place, --store a server") from None
    try:
        yield StoreSetup(store_address(own.url), own)
    finally:
        own.close()
