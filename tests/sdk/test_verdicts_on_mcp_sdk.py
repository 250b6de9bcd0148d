"""Verdicts on programs that use the unmodified Python SDK of the Model Context Protocol, with and without a
handshake: each mistake of a program has its verdict, and a program without one has none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from mockllm.testing import MockLLM
from tests.sdk.judging import verdicts
from tests.sdk.loopback import loopback_only
from tests.waiting import PATIENCE

mcp_client = pytest.importorskip("mcp.client.client")

__all__ = ["loopback_only"]

SCENARIO: Final = """
mcp:
  - name: shop
    tools:
      - {name: find_order, reply: Shipped.}
      - {name: broken, reply: {text: It broke., mcp: {is_error: true}}}
      - {name: change, reply: {text: Changed., mcp: {events: [{method: notifications/tools/list_changed}]}}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MockLLM]:
    file = tmp_path / "shop.yaml"
    file.write_text(SCENARIO)
    with MockLLM(str(file)) as server:
        yield server


async def call(client: Any, *tools: str) -> None:
    for tool in tools:
        with suppress(Exception):  # what the SDK reports is not the question here
            await client.call_tool(tool, {})


async def good(client: Any) -> None:
    await client.list_tools()
    await call(client, "find_order", "change")
    await client.list_tools()
    await call(client, "find_order", "broken")


async def unlisted(client: Any) -> None:
    await client.list_tools()
    await call(client, "refund")


async def repeated(client: Any) -> None:
    await client.list_tools()
    await call(client, *["broken"] * 4)


async def ignored(client: Any) -> None:
    await client.list_tools()
    await call(client, "change", "find_order", "find_order")


PROGRAMS: Final[list[tuple[Callable[[Any], Awaitable[None]], list[str]]]] = [
    (good, []),
    (unlisted, ["unlisted_tool_called"]),
    (repeated, ["tool_error_repeated"]),
    (ignored, ["list_change_ignored"]),
]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(("program", "expected"), PROGRAMS, ids=lambda it: getattr(it, "__name__", ""))
def test_program_with_sdk_gets_its_verdict(
    shop: MockLLM, program: Callable[[Any], Awaitable[None]], expected: list[str], mode: str
) -> None:
    async def run() -> None:
        async with mcp_client.Client(f"{shop.base_url}/mcp/shop", mode=mode) as client:
            await program(client)

    asyncio.run(asyncio.wait_for(run(), PATIENCE))
    assert verdicts(shop) == expected
