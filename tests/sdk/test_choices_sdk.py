"""Which tool is called, and which form a response has, as Anthropic's and Google's SDKs request it: arguments and
values are made from the schemas that they send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any

import anthropic
import pytest
from google import genai
from google.genai import types
from pydantic import BaseModel

from tests.live import Live
from tests.live import live as serve
from tests.sdk.gemini_clients import gemini, vertex

RULES = """mockllm: 1
rules:
  - name: tools
    match: {tools: "*"}
    reply: {tool_calls: from_schema}
  - name: form
    match: {response_format: [json, schema]}
    reply: {json: from_schema}
  - fallback: true
    reply: No tool, no form.
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("choices") / "choices.yaml"
    file.write_text(RULES)
    with serve(file) as server:
        yield server


# --- Anthropic -----------------------------------------------------------------------------------

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: Any = [
    {"name": "get_weather", "description": "Weather.", "input_schema": CITY},
    {"name": "get_time", "input_schema": {"type": "object", "properties": {}}},
]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        (None, "get_weather"),
        ({"type": "auto"}, "get_weather"),
        ({"type": "any", "disable_parallel_tool_use": True}, "get_weather"),
        ({"type": "tool", "name": "get_time", "disable_parallel_tool_use": True}, "get_time"),
        ({"type": "none"}, None),
    ],
    ids=["nothing", "auto", "any", "a tool", "none"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_anthropics_tool_choice_is_obeyed(live: Live, choice: Any, called: str | None, stream: bool) -> None:
    request: dict[str, Any] = {
        "model": "claude-mock",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": TOOLS,
        **({} if choice is None else {"tool_choice": choice}),
    }
    with anthropic.Anthropic(base_url=live.url, api_key="k", max_retries=0) as client:
        if stream:
            with client.messages.stream(**request) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**request)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.name for call in calls] == ([] if called is None else [called])
    assert message.stop_reason == ("end_turn" if called is None else "tool_use")
    for call in calls:
        assert called == "get_time" or call.input.keys() == {"city", "unit"}


@pytest.mark.parametrize(
    "form",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": CITY}}},
        {"extra_body": {"output_format": {"type": "json_schema", "schema": CITY}}},
    ],
    ids=["output_config", "output_format"],
)
def test_anthropic_schema_produces_its_keys(live: Live, form: dict[str, Any]) -> None:
    with anthropic.Anthropic(base_url=live.url, api_key="k", max_retries=0) as client:
        hi: Any = [{"role": "user", "content": "hi"}]
        message = client.messages.create(model="claude-mock", max_tokens=500, messages=hi, **form)
    (block,) = message.content
    assert block.type == "text"
    assert json.loads(block.text).keys() == {"city", "unit"}


def test_anthropic_parse_returns_model_instance(live: Live) -> None:
    class Weather(BaseModel):
        city: str
        degrees: int

    with anthropic.Anthropic(base_url=live.url, api_key="k", max_retries=0) as client:
        hi: Any = [{"role": "user", "content": "hi"}]
        message = client.messages.parse(
            model="claude-mock", max_tokens=500, messages=hi, output_format=Weather
        )
    assert isinstance(message.parsed_output, Weather)


def test_images_documents_and_server_tools_are_accepted(live: Live) -> None:
    content: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi."}},
        {"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}, "title": "X"},
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
    ]
    with anthropic.Anthropic(base_url=live.url, api_key="k", max_retries=0) as client:
        message = client.messages.create(
            model="claude-mock", max_tokens=500, messages=[{"role": "user", "content": content}]
        )
    assert message.stop_reason == "end_turn"


# --- Google --------------------------------------------------------------------------------------


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Forecast(BaseModel):
    city: str
    degrees: int | None
    moods: list[Mood]


UPPER = types.Schema(
    type=types.Type.OBJECT,
    properties={
        "city": types.Schema(type=types.Type.STRING),
        "degrees": types.Schema(type=types.Type.INTEGER, nullable=True),
        "days": types.Schema(type=types.Type.ARRAY, items=types.Schema(type=types.Type.STRING), min_items=2),
    },
    required=["city", "days"],
)
OFFERED = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(name="by_schema", parameters=UPPER),
        types.FunctionDeclaration(name="by_json_schema", parameters_json_schema=CITY),
        types.FunctionDeclaration(name="bare"),
    ]
)
clients = pytest.mark.parametrize("built", [gemini, vertex], ids=["gemini", "vertex"])


@clients
@pytest.mark.parametrize(
    ("mode", "allowed", "called"),
    [
        ("AUTO", None, "by_schema"),
        ("ANY", None, "by_schema"),
        ("VALIDATED", None, "by_schema"),
        ("ANY", ["by_json_schema"], "by_json_schema"),
        ("ANY", ["by_json_schema", "bare"], "by_json_schema"),
        ("VALIDATED", ["bare"], "bare"),
        ("NONE", None, None),
    ],
)
def test_googles_calling_config_is_obeyed(
    live: Live, built: Any, mode: str, allowed: list[str] | None, called: str | None
) -> None:
    config = types.GenerateContentConfig(
        tools=[OFFERED],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(
                mode=types.FunctionCallingConfigMode(mode), allowed_function_names=allowed
            )
        ),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    with built(live) as client:
        response = client.models.generate_content(model="gemini-mock", contents="hi", config=config)
    calls = response.function_calls or []
    assert [call.name for call in calls] == ([] if called is None else [called])
    if called == "by_schema":
        assert {"city", "days"} <= calls[0].args.keys()
        assert len(calls[0].args["days"]) >= 2
    if called == "by_json_schema":
        assert calls[0].args.keys() == {"city", "unit"}


@clients
def test_google_schema_produces_its_type(live: Live, built: Any) -> None:
    def ask(client: genai.Client, **config: Any) -> Any:
        settings = types.GenerateContentConfig(response_mime_type="application/json", **config)
        return client.models.generate_content(model="gemini-mock", contents="hi", config=settings)

    with built(live) as client:
        assert isinstance(ask(client, response_schema=Forecast).parsed, Forecast)
        assert all(isinstance(item, Forecast) for item in ask(client, response_schema=list[Forecast]).parsed)
        text = json.loads(ask(client, response_schema=UPPER).text)
        assert {"city", "days"} <= text.keys()
        assert json.loads(ask(client, response_json_schema=CITY).text).keys() == {"city", "unit"}
        assert isinstance(json.loads(ask(client).text), dict)


@clients
def test_google_enum_schema_produces_member(live: Live, built: Any) -> None:
    config = types.GenerateContentConfig(response_mime_type="text/x.enum", response_schema=Mood)
    with built(live) as client:
        response = client.models.generate_content(model="gemini-mock", contents="hi", config=config)
    assert response.parsed in set(Mood)
