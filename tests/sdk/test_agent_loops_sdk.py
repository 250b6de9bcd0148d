"""Agents of the pack `agent-loops`, run by the SDKs' own loops where they have one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic import beta_tool
from google import genai
from google.genai import types

from tests.live import Live
from tests.live import live as serve
from tests.sdk.ways import OPENAI_TOOLS

WEATHER = "22 degrees and dry"
TEXT = f"Done. The tools said: {WEATHER}"
HI: list[Any] = [{"role": "user", "content": "Is it raining?"}]


@pytest.fixture(scope="module")
def loops() -> Iterator[Live]:
    with serve(packs=["agent-loops"]) as server:
        yield server


def agent(client: openai.OpenAI, model: str, most: int = 6) -> tuple[list[str], str | None]:
    """A client's loop: what it called, and the last text that it got; None where that never came."""
    messages, called = list(HI), list[str]()
    for _ in range(most):
        response: Any = client.chat.completions.create(model=model, messages=messages, tools=OPENAI_TOOLS)
        message = response.choices[0].message
        if not message.tool_calls:
            return called, message.content if message.refusal is None else message.refusal
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            called.append(call.function.name)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": WEATHER})
    return called, None


@pytest.mark.parametrize(
    ("model", "called", "text"),
    [
        ("agent", ["get_weather"], TEXT),
        ("agent-parallel", ["get_weather"] * 3, TEXT),
        ("agent-steps", ["get_weather"] * 3, TEXT),
        ("agent-bad-arguments", ["get_weather"] * 2, TEXT),
        ("agent-unknown-tool", ["get_weather_v2", "get_weather"], TEXT),
        ("agent-endless", ["get_weather"] * 6, None),
        ("agent-deaf", ["get_weather"], "I could not find anything out. Shall I look it up?"),
        ("agent-refuses", ["get_weather"], "I'm sorry, but I can't go on with that."),
        ("agent-silent", ["get_weather"], ""),
    ],
)
def test_openai_agent_calls_tools_and_ends(
    loops: Live, model: str, called: list[str], text: str | None
) -> None:
    with openai.OpenAI(base_url=f"{loops.url}/v1", api_key="sk", max_retries=0) as client:
        assert agent(client, model) == (called, text)


def test_interrupted_agent_continues_after_client_retry(loops: Live) -> None:
    with openai.OpenAI(base_url=f"{loops.url}/v1", api_key="sk", max_retries=2) as client:
        assert agent(client, "agent-interrupted") == (["get_weather"], TEXT)


@beta_tool
def get_weather(city: str) -> str:
    """Returns the weather of a city."""
    return WEATHER


@pytest.mark.parametrize(
    ("model", "turns", "text"),
    [
        ("agent", 2, TEXT),
        ("agent-steps", 4, TEXT),
        ("agent-refuses", 2, "I'm sorry, but I can't go on with that."),
    ],
)
def test_anthropic_tool_runner_ends_after_expected_turns(
    loops: Live, model: str, turns: int, text: str
) -> None:
    with anthropic.Anthropic(base_url=loops.url, api_key="sk", max_retries=0) as client:
        runner = client.beta.messages.tool_runner(
            model=model, messages=HI, max_tokens=100, tools=[get_weather]
        )
        responses: list[Any] = list(runner)
    assert len(responses) == turns
    assert responses[-1].content[-1].text == text


def test_tool_runner_reports_unknown_tool_to_model(loops: Live) -> None:
    with anthropic.Anthropic(base_url=loops.url, api_key="sk", max_retries=0) as client:
        runner = client.beta.messages.tool_runner(
            model="agent-unknown-tool", messages=HI, max_tokens=100, tools=[get_weather]
        )
        with pytest.warns(UserWarning, match="not found in tool runner"):
            first, second, last = list[Any](runner)
    assert [block.name for block in first.content] == ["get_weather_v2"]
    assert second.content[-1].name == "get_weather"
    assert last.content[-1].text == TEXT


def test_google_calls_functions_by_itself(loops: Live) -> None:
    requests: list[str] = []

    def get_weather(city: str) -> str:
        """Returns the weather of a city."""
        requests.append(city)
        return WEATHER

    client = genai.Client(api_key="sk", http_options=types.HttpOptions(base_url=loops.url))
    response = client.models.generate_content(
        model="agent", contents="Is it raining?", config=types.GenerateContentConfig(tools=[get_weather])
    )
    client.close()
    assert len(requests) == 1
    assert response.text is not None
    assert WEATHER in response.text
