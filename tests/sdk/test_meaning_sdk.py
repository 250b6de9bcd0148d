"""The reaction of the official SDKs to responses with a broken meaning: a field, an exception, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from pydantic import BaseModel, ValidationError

from tests.live import Live
from tests.live import live as serve
from tests.sdk.ways import ANTHROPIC_TOOLS, OPENAI_TOOLS, SCHEMA, WEATHER

HI: list[Any] = [{"role": "user", "content": "hi"}]
FAULTS = """
rules:
  - {name: call, match: {tools: get_weather}, reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}}
  - {name: json, match: {response_format: schema}, reply: {json: {city: Paris}}}
  - {name: text, reply: Half said is said.}
modifiers:
  - {match: {model: filtered}, faults: [{content_filter: {category: hate}}]}
  - {match: {model: cut}, faults: [length_stop]}
  - {match: {model: refused}, faults: [{refusal: {text: No.}}]}
  - {match: {model: empty}, faults: [empty_answer]}
  - {match: {model: invalid}, faults: [bad_tool_arguments]}
  - {match: {model: truncated}, faults: [{bad_tool_arguments: {how: truncated}}]}
  - {match: {model: unknown}, faults: [unknown_tool]}
  - {match: {model: unfit}, faults: [{wrong_schema: {how: type}}]}
  - {match: {model: miscounted}, faults: [{wrong_usage: {input_tokens: 1, output_tokens: 2, total_tokens: 50}}]}
  - {match: {model: uncounted}, faults: [no_usage]}
"""


class City(BaseModel):
    city: str


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("meanings")
    (folder / "faults.yaml").write_text(FAULTS)
    with serve(folder) as server:
        yield server


@pytest.fixture(scope="module")
def google(live: Live) -> Iterator[genai.Client]:
    client = genai.Client(api_key="sk", http_options=types.HttpOptions(base_url=live.url))
    yield client
    client.close()


# --- openai --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "content", "refusal", "finish"),
    [
        ("filtered", "Half said", None, "content_filter"),
        ("cut", "Half said", None, "length"),
        ("refused", None, "No.", "stop"),
        ("empty", "", None, "stop"),
    ],
)
def test_openai_response_has_finish_reason(
    chat: openai.OpenAI, model: str, content: str | None, refusal: str | None, finish: str
) -> None:
    (choice,) = chat.chat.completions.create(model=model, messages=HI).choices
    assert (choice.message.content, choice.message.refusal, choice.finish_reason) == (
        content,
        refusal,
        finish,
    )


@pytest.mark.parametrize(
    ("model", "raised"),
    [
        ("filtered", openai.ContentFilterFinishReasonError),
        ("cut", openai.LengthFinishReasonError),
        ("unfit", ValidationError),
    ],
)
def test_openai_s_parse_raises(chat: openai.OpenAI, model: str, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        chat.chat.completions.parse(model=model, messages=HI, response_format=City)


@pytest.mark.parametrize("model", ["refused", "empty"])
def test_openai_s_parse_has_nothing_parsed(chat: openai.OpenAI, model: str) -> None:
    result = chat.chat.completions.parse(model=model, messages=HI, response_format=City)
    assert result.choices[0].message.parsed is None


@pytest.mark.parametrize(
    ("model", "name", "arguments"),
    [
        ("truncated", "get_weather", '{"city":'),
        ("unknown", "get_weather_v2", '{"city":"Paris"}'),
        ("unfit", "get_weather", '{"city":7}'),
    ],
)
def test_openai_passes_on_what_is_called(chat: openai.OpenAI, model: str, name: str, arguments: str) -> None:
    response: Any = chat.chat.completions.create(model=model, messages=HI, tools=OPENAI_TOOLS)
    (call,) = response.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == (name, arguments)


def test_openai_stream_helper_leaves_cut_arguments_unparsed(chat: openai.OpenAI) -> None:
    with chat.chat.completions.stream(model="truncated", messages=HI, tools=OPENAI_TOOLS) as stream:
        result: Any = stream.get_final_completion()
    (call,) = result.choices[0].message.tool_calls
    assert call.function.arguments == '{"city":'
    assert call.function.parsed_arguments is None


def test_openai_passes_on_counts(chat: openai.OpenAI) -> None:
    counted = chat.chat.completions.create(model="miscounted", messages=HI).usage
    assert counted is not None
    assert (counted.prompt_tokens, counted.completion_tokens, counted.total_tokens) == (1, 2, 50)
    assert chat.chat.completions.create(model="uncounted", messages=HI).usage is None


@pytest.mark.parametrize(
    ("model", "status", "reason", "text"),
    [
        ("filtered", "incomplete", "content_filter", "Half said"),
        ("cut", "incomplete", "max_output_tokens", "Half said"),
        ("refused", "completed", None, ""),
        ("empty", "completed", None, ""),
        ("uncounted", "completed", None, "Half said is said."),
    ],
)
def test_openai_s_responses(
    chat: openai.OpenAI, model: str, status: str, reason: str | None, text: str
) -> None:
    reply = chat.responses.create(model=model, input="hi")
    with chat.responses.stream(model=model, input="hi") as stream:
        last = list(stream)[-1]
    assert last.type == f"response.{status}"
    for response in (reply, last.response):  # type: ignore[union-attr]
        assert (response.status, response.output_text) == (status, text)
        assert (response.incomplete_details and response.incomplete_details.reason) == reason
        assert (response.usage is None) == (model == "uncounted")


# --- anthropic -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "texts", "reason"),
    [
        ("filtered", ["Half said"], "refusal"),
        ("cut", ["Half said"], "max_tokens"),
        ("refused", ["No."], "refusal"),
        ("empty", [], "end_turn"),
    ],
)
def test_anthropic_response_has_stop_reason(
    claude: anthropic.Anthropic, model: str, texts: list[str], reason: str
) -> None:
    whole = claude.messages.create(model=model, messages=HI, max_tokens=100)
    with claude.messages.stream(model=model, messages=HI, max_tokens=100) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        assert [block.text for block in message.content if block.type == "text"] == texts
        assert message.stop_reason == reason


def test_anthropic_stream_helper_refuses_invalid_arguments(claude: anthropic.Anthropic) -> None:
    """But for a semicolon behind them, which it does not see: the slip is drawn anew for each response."""
    refused = []
    for _ in range(12):
        with claude.messages.stream(
            model="invalid", messages=HI, max_tokens=100, tools=ANTHROPIC_TOOLS
        ) as stream:
            try:
                stream.until_done()
            except ValueError as error:
                refused.append(str(error))
    assert 0 < len(refused) < 12
    assert all("Unable to parse tool parameter JSON" in message for message in refused)


def test_anthropic_stream_helper_repairs_truncated_arguments(
    claude: anthropic.Anthropic,
) -> None:
    with claude.messages.stream(
        model="truncated", messages=HI, max_tokens=100, tools=ANTHROPIC_TOOLS
    ) as stream:
        (block,) = stream.get_final_message().content
    assert block.type == "tool_use"
    assert block.input == {}


@pytest.mark.parametrize(
    ("model", "name", "values"),
    [("unknown", "get_weather_v2", {"city": "Paris"}), ("unfit", "get_weather", {"city": 7})],
)
def test_anthropic_passes_on_what_is_called(
    claude: anthropic.Anthropic, model: str, name: str, values: dict[str, Any]
) -> None:
    message = claude.messages.create(model=model, messages=HI, max_tokens=100, tools=ANTHROPIC_TOOLS)
    (block,) = message.content
    assert block.type == "tool_use"
    assert (block.name, block.input, message.stop_reason) == (name, values, "tool_use")


def test_anthropic_stream_helper_raises_for_missing_usage(claude: anthropic.Anthropic) -> None:
    assert claude.messages.create(model="uncounted", messages=HI, max_tokens=100).stop_reason == "end_turn"
    with (
        pytest.raises(AttributeError),
        claude.messages.stream(model="uncounted", messages=HI, max_tokens=100) as stream,
    ):
        stream.until_done()


def test_anthropic_passes_on_counts(claude: anthropic.Anthropic) -> None:
    counted = claude.messages.create(model="miscounted", messages=HI, max_tokens=100).usage
    assert (counted.input_tokens, counted.output_tokens) == (1, 2)


# --- google --------------------------------------------------------------------------------------


def generate(google: genai.Client, model: str, **config: Any) -> types.GenerateContentResponse:
    return google.models.generate_content(
        model=model, contents="hi", config=types.GenerateContentConfig(**config)
    )


@pytest.mark.parametrize(
    ("model", "text", "reason"),
    [
        ("filtered", "Half said", types.FinishReason.SAFETY),
        ("cut", "Half said", types.FinishReason.MAX_TOKENS),
        ("refused", "No.", types.FinishReason.PROHIBITED_CONTENT),
        ("empty", None, types.FinishReason.STOP),
    ],
)
def test_google_response_has_finish_reason(
    google: genai.Client, model: str, text: str | None, reason: types.FinishReason
) -> None:
    result = generate(google, model)
    assert result.candidates is not None
    assert (result.text, result.candidates[0].finish_reason) == (text, reason)
    *_, last = google.models.generate_content_stream(model=model, contents="hi")
    assert last.candidates is not None
    assert last.candidates[0].finish_reason == reason


def test_google_response_has_blocked_category(google: genai.Client) -> None:
    (candidate,) = generate(google, "filtered").candidates or [types.Candidate()]
    blocked = [rating.category for rating in candidate.safety_ratings or () if rating.blocked]
    assert blocked == [types.HarmCategory.HARM_CATEGORY_HATE_SPEECH]


@pytest.mark.parametrize("model", ["invalid", "truncated"])
def test_google_response_omits_malformed_call(google: genai.Client, model: str) -> None:
    result = generate(google, model, tools=[types.Tool(function_declarations=[WEATHER])])
    assert result.function_calls is None
    assert result.candidates is not None
    assert result.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL


@pytest.mark.parametrize(
    ("model", "name", "values"),
    [("unknown", "get_weather_v2", {"city": "Paris"}), ("unfit", "get_weather", {"city": 7})],
)
def test_google_passes_on_what_is_called(
    google: genai.Client, model: str, name: str, values: dict[str, Any]
) -> None:
    result: Any = generate(google, model, tools=[types.Tool(function_declarations=[WEATHER])])
    (call,) = result.function_calls
    assert (call.name, call.args) == (name, values)


def test_google_passes_on_structured_output_that_does_not_fit(google: genai.Client) -> None:
    result = generate(google, "unfit", response_mime_type="application/json", response_json_schema=SCHEMA)
    assert result.text == '{"city":7}'


def test_google_passes_on_counts(google: genai.Client) -> None:
    counted = generate(google, "miscounted").usage_metadata
    assert counted is not None
    assert (counted.prompt_token_count, counted.candidates_token_count, counted.total_token_count) == (
        1,
        2,
        50,
    )
    assert generate(google, "uncounted").usage_metadata is None
