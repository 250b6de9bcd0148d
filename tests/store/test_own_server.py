"""The store that mockllm starts for its own processes."""

from __future__ import annotations

import asyncio
from typing import Any

from mockllm.store.connection import store_address
from mockllm.store.own_server import OwnServer
from mockllm.store.store_link import StoreLink
from tests.store.redis_server import program
from tests.waiting import PATIENCE


def test_each_command_is_stored_before_its_reply() -> None:
    server = OwnServer(program())

    async def setting(name: str) -> Any:
        link = StoreLink(store_address(server.url), lambda _: None, PATIENCE)
        await link.open()
        _, value = await link.send("CONFIG", "GET", name)
        link.close()
        return value

    try:
        assert asyncio.run(setting("appendonly")) == b"yes"
        assert (
            asyncio.run(setting("appendfsync")) == b"no"
        )  # `everysec` holds writes back, and not their replies
    finally:
        server.close()
