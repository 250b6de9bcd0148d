"""The form of a stored chat completion, which neither null settings nor the form of its response change."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Citation, Part, Refusal, Text, ToolCall
from mockllm.dialects.openai.provider import GET_CHAT
from tests.dialects.openai.chat.storing_session import StoringSession, body

CALL = ToolCall("get_weather", ('{"city":', ' "Paris"}'), "call_1")
FUNCTIONS: Json = [{"name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
DEFAULTS = {
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "tools": None,
    "tool_choice": None,
    "seed": None,
    "response_format": None,
}


def stored(*parts: Part, **fields: Json) -> dict[str, Json]:
    """The stored completion of these parts."""
    session = StoringSession()
    completion = body(session.call(GET_CHAT, session.respond(*parts, **fields)))
    assert isinstance(completion, dict)
    return completion


def test_null_settings_are_stored_as_their_defaults() -> None:
    completion = stored(Text(("Hi",)), **dict.fromkeys(DEFAULTS))
    assert {name: completion[name] for name in DEFAULTS} == DEFAULTS


CITED = Text(("It ", "rains."), citations=(Citation("https://a.example", "A"),))


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ((Text(("Hel", "lo")),), {}),
        ((CITED, CITED), {}),
        ((CALL,), {}),
        ((Text(("Hi",)), CALL, CALL), {}),
        ((CALL,), {"functions": FUNCTIONS}),
        ((Refusal(("No", ".")),), {}),
        ((Text(("Hi",)),), {"logprobs": True, "top_logprobs": 1}),
        ((CALL,), {"logprobs": True}),
        ((Text(("Hi",)),), {"model": "gpt-5"}),
        ((Text(("Hi",)),), {"model": "gpt-4-vision-preview"}),
        ((Refusal(("No", ".")),), {"model": "gpt-4-vision-preview"}),
    ],
)
def test_stored_choices_of_stream_equal_those_of_body(parts: Sequence[Part], fields: dict[str, Json]) -> None:
    of_body, of_stream = (stored(*parts, **fields, stream=stream) for stream in (False, True))
    assert of_stream["choices"] == of_body["choices"]


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5.6", "gpt-4o-audio-preview", "gpt-4-vision-preview"])
def test_stored_stream_has_all_members_of_stored_body(model: str) -> None:
    of_body, of_stream = (stored(Text(("Hi",)), model=model, stream=stream) for stream in (False, True))
    assert of_stream.keys() == of_body.keys()
    assert of_stream["usage"].keys() == of_body["usage"].keys()
