"""The store that mockllm starts for its own processes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mockllm.store import connection, own_server
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
        _, value = await link.call("CONFIG", "GET", name)
        link.close()
        return value

    try:
        assert asyncio.run(setting("appendonly")) == b"yes"
        assert (
            asyncio.run(setting("appendfsync")) == b"no"
        )  # `everysec` holds writes back, and not their replies
    finally:
        server.close()


@pytest.mark.parametrize(
    ("program", "client", "advice"),
    [
        ("/bin/redis-server", False, "pip install 'mockllm-scenarios[redis]'"),
        (None, True, "install redis-server or valkey-server"),
        (None, False, "install redis-server or valkey-server, and pip install 'mockllm-scenarios[redis]'"),
    ],
)
def test_advice_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, program: str | None, client: bool, advice: str
) -> None:
    monkeypatch.setattr(own_server, "installed_program", lambda: program)
    monkeypatch.setattr(own_server, "has_client", lambda: client)
    assert own_server.missing_store() == advice


def test_store_address_needs_both_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda name: None if name == "hiredis" else name)
    with pytest.raises(connection.BadAddress, match="needs the packages redis and hiredis: pip install"):
        connection.store_address("redis://localhost:6379")
