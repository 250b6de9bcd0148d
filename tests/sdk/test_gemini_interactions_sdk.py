"""google-genai's interactions, sync and async: whole, streamed, continued, stored, in the background; errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final, cast

import pytest
from google import genai
from google.genai.interactions import Interaction

from tests.live import live as serve
from tests.sdk.gemini_clients import gemini
from tests.waiting import until

MODEL: Final = "gemini-2.5-flash"
SCENARIO: Final = """
rules:
  - name: call
    match: {tools: look, tool_result: {exists: false}}
    reply: {thinking: Hm, tool_calls: [{name: look}]}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - {name: limited, match: {user: limit}, error: permission}
  - {name: broken, match: {user: broken}, reply: {chunks: [One, {error: overloaded}]}}
  - {name: echo, reply: "{{ user }}! Turn {{ turn }}."}
"""
LOOK: Final[Any] = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[genai.Client]:
    file = tmp_path_factory.mktemp("interactions") / "interactions.yaml"
    file.write_text(SCENARIO)
    with serve(file) as running:
        yield gemini(running)


def create(client: Any, input: Any, **fields: Any) -> Any:
    return client.interactions.create(model=MODEL, input=input, **fields)


def test_interaction_continues_another(client: genai.Client) -> None:
    first = create(client, "one")
    assert type(first) is Interaction
    first = cast(Any, first)
    assert (first.status, first.output_text) == ("completed", "one! Turn 1.")
    second = create(client, "two", previous_interaction_id=first.id)
    assert (second.output_text, second.previous_interaction_id) == ("two! Turn 2.", first.id)
    assert first.usage.total_tokens == first.usage.total_input_tokens + first.usage.total_output_tokens


def test_call_gets_its_result(client: genai.Client) -> None:
    requested = create(client, "go", tools=LOOK)
    assert requested.status == "requires_action"
    (call,) = [step for step in requested.steps if step.type == "function_call"]
    result = {"type": "function_result", "call_id": call.id, "name": "look", "result": "a cat"}
    done = create(client, [result], tools=LOOK, previous_interaction_id=requested.id)
    assert done.output_text == "I see a cat."


def test_stream_has_typed_events(client: genai.Client) -> None:
    events = list(create(client, "one", stream=True))
    assert [events[0].event_type, events[-1].event_type] == ["interaction.created", "interaction.completed"]
    assert "".join(event.delta.text for event in events if event.event_type == "step.delta") == "one! Turn 1."
    again: Any = list(client.interactions.get(events[0].interaction.id, stream=True))
    assert again[-1].interaction.status == "completed"


def test_stored_interaction_is_read_and_deleted(client: genai.Client) -> None:
    built = create(client, "one")
    assert client.interactions.get(built.id).output_text == "one! Turn 1."
    client.interactions.delete(built.id)
    with pytest.raises(Exception, match="not found") as refused:
        client.interactions.get(built.id)
    assert refused.value.status_code == 404  # type: ignore[attr-defined]


def test_background_interaction_completes_or_is_cancelled(client: genai.Client) -> None:
    built = create(client, "one", background=True)
    assert built.status == "queued"
    until(lambda: client.interactions.get(built.id).status == "completed")
    assert client.interactions.get(built.id).output_text == "one! Turn 1."
    other = create(client, "one", background=True)
    assert client.interactions.cancel(other.id).status == "cancelled"


def test_async_client_gets_the_same(client: genai.Client) -> None:
    async def both() -> tuple[str, list[str]]:
        whole: Any = await client.aio.interactions.create(model=MODEL, input="one")
        stream: Any = await client.aio.interactions.create(model=MODEL, input="one", stream=True)
        return whole.output_text, [event.event_type async for event in stream]

    text, events = asyncio.run(both())
    assert (text, events[-1]) == ("one! Turn 1.", "interaction.completed")


def test_errors_have_their_status_and_event(client: genai.Client) -> None:
    with pytest.raises(Exception, match="does not have permission") as refused:
        create(client, "limit")
    assert refused.value.status_code == 403  # type: ignore[attr-defined]
    last = list(create(client, "broken", stream=True))[-1]
    assert (last.event_type, last.error.code) == ("error", "unavailable")
