"""The realtime runner of openai-agents: a turn in speech with a tool, on a live server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import pytest
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner

from tests.live import Live
from tests.live import live as serve

SCENARIO: Final = """
rules:
  - {name: call, match: {tools: find_order, tool_result: {exists: false}}, reply: {tool_calls: [{name: find_order}]}}
  - {name: found, match: {tool_result: {exists: true}}, reply: "It is {{ tool_result.text }}."}
"""


@function_tool
def find_order() -> str:
    """Find the user's order."""
    return "on its way"


@pytest.fixture
def server(tmp_path: Any) -> Iterator[Live]:
    (tmp_path / "a.yaml").write_text(SCENARIO)
    with serve(tmp_path) as running:
        yield running


async def _talk(url: str) -> tuple[str, list[str]]:
    """The transcript of the last message of the agent, and the types of the session's events."""
    runner = RealtimeRunner(RealtimeAgent(name="Helper", instructions="Help.", tools=[find_order]))
    config: Any = {"url": url, "api_key": "k"}
    types: list[str] = []
    transcript = ""
    async with await runner.run(model_config=config) as session:
        await session.send_message("Where is my order?")
        async for event in session:
            types.append(event.type)
            if event.type == "history_updated" and event.history:
                last: Any = event.history[-1]
                if last.type == "message" and last.role == "assistant":
                    transcript = "".join(part.transcript or "" for part in last.content)
            if types.count("agent_end") == 2:
                break
    return transcript, types


def test_runner_calls_tool_and_speaks(server: Live) -> None:
    url = f"{server.url.replace('http', 'ws', 1)}/v1/realtime?model=gpt-realtime"
    transcript, types = asyncio.run(asyncio.wait_for(_talk(url), 60))
    assert transcript == "It is on its way."
    assert {"tool_start", "tool_end", "audio", "audio_end"} <= set(types)
    assert "error" not in types
