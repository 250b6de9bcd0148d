"""MCP servers of scenarios with the unmodified Python SDK: over HTTP and stdio, with and without a handshake."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.record import create_recorder
from mockllm.server.http_server import Address
from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

mcp_client = pytest.importorskip("mcp.client.client")
mcp_stdio = pytest.importorskip("mcp.client.stdio")
mcp_types = pytest.importorskip("mcp.types")
openai = pytest.importorskip("openai")

__all__ = ["loopback_only"]

SCENARIO = Path(__file__).parents[1] / "js" / "mcp" / "server.yaml"
AGENT = """
use: [default]
mcp:
  - name: shop
    tools:
      - {name: find_order, description: Finds an order, input: {properties: {number: {type: integer}}}}
rules:
  - name: tool
    match: {mcp: {tool: find_order, arguments: {$.number: 42}}}
    sequence: [{error: unavailable}, {reply: {json: {status: shipped}}}]
    sets_state: {looked: "yes"}
  - name: call
    match: {tools: find_order, tool_result: {exists: false}}
    reply: {tool_calls: [{name: find_order, arguments: {number: 42}}]}
  - name: answer
    match: {tool_result: {name: find_order}}
    requires_state: {looked: "yes"}
    reply: "Your order is {{ tool_result.json.status }}."
"""
MODES = ["legacy", "auto"]


@contextmanager
def recording(upstream: str, out: Path) -> Iterator[Live]:
    with serve(packs=["default"]) as built:
        recorder = create_recorder(
            {"upstream": [("mcp/weather", upstream)], "hash_ignore": None, "redact": None},
            str(out),
            [Address("127.0.0.1", built.port)],
            everything=True,
        )
        built.app.provider_proxy = recorder
        yield built


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    with serve(SCENARIO) as built:
        yield built


async def answer(context: Any, params: Any) -> Any:
    return mcp_types.ElicitResult(action="accept", content={"name": "Ann"})


def over_http(server: Live) -> Callable[[], Any]:
    return lambda: f"{server.url}/mcp/weather"


def over_stdio(*options: str) -> Callable[[], Any]:
    line = ["-m", "mockllm", "mcp", "weather", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    parameters = mcp_stdio.StdioServerParameters(command=sys.executable, args=line, env=environment)
    return lambda: mcp_stdio.stdio_client(parameters)


async def everything(transport: Callable[[], Any], mode: str) -> dict[str, Any]:
    """Return what a client gets that uses all of the server."""
    progress: list[float] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        progress.append(done)

    async with mcp_client.Client(transport(), mode=mode, elicitation_callback=answer) as client:
        got = {
            "version": client.session.protocol_version,
            "tools": [tool.name for tool in (await client.list_tools()).tools],
            "paris": (await client.call_tool("get_weather", {"city": "Paris"})).structured_content,
            "atlantis": (await client.call_tool("get_weather", {"city": "Atlantis"})).is_error,
            "slow": (await client.call_tool("slow", {}, progress_callback=report)).content[0].text,
            "asked": (await client.call_tool("book", {})).content[0].text,
            "resource": (await client.read_resource("city://Oslo")).contents[0].text,
            "prompt": (await client.get_prompt("greet", {"who": "Ann"})).messages[0].content.text,
        }
        try:
            await client.call_tool("nothing", {})
        except Exception as error:
            got["unknown"] = str(error)
    return {**got, "progress": progress}


EXPECTED = {
    "tools": ["get_weather", "slow", "book"],
    "paris": {"temperature": 31},
    "atlantis": True,
    "slow": "done",
    "asked": "Booked for Ann.",
    "resource": "The city of Oslo.",
    "prompt": "Greet Ann.",
    "unknown": "Unknown tool: nothing",
    "progress": [1.0],
}
VERSIONS = {"legacy": "2025-11-25", "auto": "2026-07-28"}


@pytest.mark.parametrize("mode", MODES)
def test_python_client_gets_everything_over_http(mode: str, server: Live) -> None:
    got = asyncio.run(everything(over_http(server), mode))
    assert got == {**EXPECTED, "version": VERSIONS[mode]}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.covering(count=1)
def test_python_client_gets_everything_over_stdio(mode: str) -> None:
    got = asyncio.run(everything(over_stdio("--scenarios", str(SCENARIO)), mode))
    assert got == {**EXPECTED, "version": VERSIONS[mode]}


def test_stdio_of_a_running_server_shares_its_rules(server: Live) -> None:
    got = asyncio.run(everything(over_stdio("--url", server.url), "legacy"))
    assert got == {**EXPECTED, "version": VERSIONS["legacy"]}
    assert "book" in server.line(lambda line: "booked" in line)


@pytest.mark.parametrize("mode", MODES)
def test_recorded_server_is_replayed(mode: str, server: Live, tmp_path: Path) -> None:
    with recording(f"{server.url}/mcp/weather", tmp_path / "out") as recorder:
        recorded = asyncio.run(everything(over_http(recorder), mode))
    assert recorded == {**EXPECTED, "version": VERSIONS[mode]}
    with serve(tmp_path / "out") as replaying:
        assert asyncio.run(everything(over_http(replaying), mode)) == recorded


def test_one_scenario_plays_model_and_tools(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(AGENT, encoding="utf-8")
    with serve(tmp_path) as server:
        text = asyncio.run(agent(server))
    assert text == "Your order is shipped."


async def agent(server: Live) -> str:
    """Run a small agent: it offers the tools of the MCP server to the model, and runs what the model calls."""
    requested = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any")
    async with requested as model, mcp_client.Client(f"{server.url}/mcp/shop") as client:
        listed = (await client.list_tools()).tools
        tools: list[Any] = [
            {"type": "function", "function": {"name": tool.name, "parameters": tool.input_schema}}
            for tool in listed
        ]
        messages: list[Any] = [{"role": "user", "content": "Where is my order?"}]
        for _ in range(4):
            choice = (
                await model.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
            ).choices[0]
            messages.append(choice.message.model_dump(exclude_none=True))
            for call in choice.message.tool_calls or ():
                arguments = json.loads(call.function.arguments)
                try:
                    result = await client.call_tool(call.function.name, arguments)
                except Exception:  # the first call is refused: the agent tries again
                    result = await client.call_tool(call.function.name, arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result.content[0].text})
            if not choice.message.tool_calls:
                return str(choice.message.content)
    raise AssertionError("the agent did not end")
