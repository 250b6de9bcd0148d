"""Streams of MCP servers that are cut, with the unmodified Python SDK: it resumes them by their events' ids."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

mcp_client = pytest.importorskip("mcp.client.client")
mcp_types = pytest.importorskip("mcp.types")
mcp_messages = pytest.importorskip("mcp.shared.message")

__all__ = ["loopback_only"]

SCENARIO = """
mcp:
  - {name: travel, tools: [search, book, pay]}
rules:
  - name: search
    match: {mcp: {tool: search}}
    times: 1
    reply:
      text: Two flights.
      mcp: {events: [{progress: 1, total: 3}, {progress: 2, total: 3}, {progress: 3, total: 3}]}
    faults: [{close: {after: {chunks: 1}}}]
  - name: book
    match: {mcp: {tool: book}}
    times: 1
    reply: {text: Booked., mcp: {events: [{log: Working}]}}
    faults: [{reset: {after: {chunks: 0}}}]
  - name: paid
    match: {mcp: {tool: pay, responses: {$.sure.action: accept}}}
    reply: Paid.
  - name: pay
    match: {mcp: {tool: pay}}
    times: 1
    reply:
      mcp:
        events: [{log: Working}]
        ask:
          sure:
            method: elicitation/create
            params: {message: Are you sure, requestedSchema: {type: object, properties: {}}}
    faults: [{close: {after: {chunks: 0}}}]
"""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("resumption")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


async def searched(url: str) -> tuple[str, list[float]]:
    progress: list[float] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async with mcp_client.Client(url, mode="legacy") as client:
        result = await client.call_tool("search", {}, progress_callback=report)
        return str(result.content[0].text), progress


def test_sdk_resumes_a_stream_that_is_cut(server: Live) -> None:
    """The rule responds once, so a second call would be an error."""
    assert asyncio.run(searched(f"{server.url}/mcp/travel")) == ("Two flights.", [1.0, 2.0, 3.0])


async def booked(url: str) -> tuple[str, str, int]:
    """Return the text of a call, and that of a request with the resumption token of the call's first event."""
    tokens: list[str] = []

    async def keep(token: str) -> None:
        tokens.append(token)

    async with mcp_client.Client(url, mode="legacy") as client:
        request = mcp_types.CallToolRequest(params=mcp_types.CallToolRequestParams(name="book", arguments={}))

        async def send(**metadata: Any) -> str:
            hints = mcp_messages.ClientMessageMetadata(**metadata)
            result = await client.session.send_request(request, mcp_types.CallToolResult, metadata=hints)
            return str(result.content[0].text)

        first = await send(on_resumption_token_update=keep)
        return first, await send(resumption_token=tokens[0]), len(set(tokens))


def test_sdk_gets_a_result_by_its_resumption_token(server: Live) -> None:
    assert asyncio.run(booked(f"{server.url}/mcp/travel")) == ("Booked.", "Booked.", 3)


async def paid(url: str) -> tuple[str, int]:
    """Return the text of a call that questions its user, and the number of its questions."""
    questions: list[str] = []

    async def accept(context: Any, params: Any) -> Any:
        questions.append(params.message)
        return mcp_types.ElicitResult(action="accept", content={})

    async with mcp_client.Client(url, mode="legacy", elicitation_callback=accept) as client:
        result = await client.call_tool("pay", {})
        return str(result.content[0].text), len(questions)


def test_sdk_responds_on_a_resumed_stream(server: Live) -> None:
    assert asyncio.run(paid(f"{server.url}/mcp/travel")) == ("Paid.", 1)
