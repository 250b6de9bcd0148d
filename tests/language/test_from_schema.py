"""`from_schema`: calls and JSON made from the schemas that a request brings; valid, and the same each run."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from tests.language.playing import Ask, Heard, ask, chat, claude, first, mistakes, play

CALL = "rules: [{reply: {tool_calls: from_schema}}]"
JSON = "rules: [{reply: {json: from_schema}}]"
WEATHER = {
    "type": "object",
    "properties": {
        "location": {"type": "string", "description": "City name"},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["location"],
    "additionalProperties": False,
}
SEARCH = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
CLOSED = {**SEARCH, "additionalProperties": False}


def offer(asking: Any, *names: str, schema: Any = WEATHER, **more: Any) -> Ask:
    """A request that offers tools, all with one schema."""
    if asking is claude:
        tools: list[Any] = [{"name": name, "input_schema": schema} for name in names]
    else:
        tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in names]
    asked: Ask = asking(tools=tools, **more)
    return asked


BOTH = pytest.mark.parametrize("asking", [chat, claude])


@BOTH
def test_the_first_offered_tool_is_called_with_all_it_takes(asking: Any) -> None:
    heard = first(CALL, offer(asking, "get_weather", "search"))
    ((name, arguments),) = heard.calls
    assert name == "get_weather"
    assert set(arguments) == {"location", "unit", "days"}
    assert jsonschema_rs.is_valid(WEATHER, arguments)
    assert heard.notes == ""
    ended = heard.choice["finish_reason"] if asking is chat else heard.json["stop_reason"]
    assert ended == ("tool_calls" if asking is chat else "tool_use")


@BOTH
def test_a_stream_says_the_same_in_pieces(asking: Any) -> None:
    whole = first(CALL, offer(asking, "f")).calls[0][1]
    heard = first(CALL, offer(asking, "f", stream=True))
    events = [event.json for event in heard.events if event.data.startswith("{")]
    if asking is chat:
        deltas = [choice["delta"].get("tool_calls") for event in events for choice in event["choices"]]
        said = "".join(calls[0]["function"]["arguments"] for calls in deltas if calls)
    else:
        said = "".join(event.get("delta", {}).get("partial_json", "") for event in events)
    assert json.loads(said) == whole


AFTER_A: list[Any] = [
    {"role": "user", "content": "hi"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "1", "content": "x"},
]


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("asked", "called"),
    [
        (offer(chat, "a", "b"), ["a"]),
        (offer(chat, "a", "b", tool_choice="auto"), ["a"]),
        (offer(chat, "a", "b", tool_choice="required"), ["a"]),
        (offer(chat, "a", "b", tool_choice=named("b")), ["b"]),
        (offer(chat, "a", "b", tool_choice="none"), []),
        (
            offer(
                chat,
                *("a", "b", "c"),
                tool_choice={
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [named("c")]},
                },
            ),
            ["c"],
        ),
        (offer(chat, "a", "b", parallel_tool_calls=True), ["a"]),
        (offer(chat, "a", "b", messages=AFTER_A, tool_choice="required"), ["b"]),
        (offer(chat, "a", messages=AFTER_A, tool_choice="required"), ["a"]),
        (offer(claude, "a", "b", tool_choice={"type": "any"}), ["a"]),
        (offer(claude, "a", "b", tool_choice={"type": "tool", "name": "b"}), ["b"]),
        (offer(claude, "a", "b", tool_choice={"type": "none"}), []),
        (chat(), []),
        (chat(tools=[]), []),
        (claude(tools=[{"type": "web_search_20250305", "name": "web_search"}]), []),
    ],
)
def test_tool_choice_is_obeyed(asked: Ask, called: list[str]) -> None:
    heard = first(f"validation: lenient\n{CALL}", asked)
    assert [name for name, _ in heard.calls] == called
    assert ("no tool is called" in heard.notes) is (called == [])


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (chat(), "the request offers none"),
        (offer(chat, "a", tool_choice="none"), "tool_choice is none"),
        (offer(chat, "a", tool_choice=named("b")), "the request offers none that is called b"),
    ],
)
def test_where_no_tool_is_to_be_called_the_answer_says_so(asked: Ask, reason: str) -> None:
    heard = first(f"validation: lenient\n{CALL}", asked)
    assert heard.text == f"There is no tool to call: {reason}."
    assert heard.notes == f"no tool is called: {reason}"
    assert heard.choice["finish_reason"] == "stop"
    beside = "rules: [{reply: {text: Hm., tool_calls: from_schema}}]"
    assert first(f"validation: lenient\n{beside}", asked).text == "Hm."


def test_a_call_by_name_takes_the_arguments_from_the_offered_tool() -> None:
    word = "tool_calls: [{name: b, arguments: from_schema, id: call_1}, {name: a, arguments: {x: 1}}]"
    heard = first(f"rules: [{{reply: {{{word}}}}}]", offer(chat, "a", "b"))
    assert [name for name, _ in heard.calls] == ["b", "a"]
    assert jsonschema_rs.is_valid(WEATHER, heard.calls[0][1])
    assert heard.calls[1][1] == {"x": 1}


def test_a_tool_that_is_not_offered_gets_no_arguments_and_a_note() -> None:
    heard = first("rules: [{reply: {tool_calls: [{name: c, arguments: from_schema}]}}]", offer(chat, "a"))
    assert heard.calls == [("c", {})]
    assert heard.notes == "no arguments are made for c: the request offers no such tool"


def test_in_parts_of_ones_own_order() -> None:
    word = "{parts: [{tool_calls: [{name: a, arguments: from_schema}]}, {json: from_schema}]}"
    heard = first(f"rules: [{{reply: {word}}}]", offer(claude, "a"))
    assert [block["type"] for block in heard.json["content"]] == ["tool_use", "text"]
    assert set(json.loads(heard.text)) == {"answer"}


def test_a_part_calls_an_offered_tool() -> None:
    word = "{parts: [Let me see., {tool_calls: from_schema}]}"
    heard = first(f"rules: [{{reply: {word}}}]", offer(claude, "a"))
    assert [block["type"] for block in heard.json["content"]] == ["text", "tool_use"]
    assert first(f"rules: [{{reply: {word}}}]").text == "Let me see."
    alone = first("rules: [{reply: {parts: [{tool_calls: from_schema}]}}]")
    assert alone.text.startswith("There is no tool to call")


@pytest.mark.parametrize("schema", [{}, {"properties": {"a": {"type": "integer"}}}])
def test_arguments_are_an_object_also_where_the_schema_does_not_say_so(schema: Any) -> None:
    ((_, arguments),) = first(f"validation: lenient\n{CALL}", offer(chat, "f", schema=schema)).calls
    assert set(arguments) == set(schema.get("properties", {}))


def test_a_tool_without_parameters_is_called_without_arguments() -> None:
    assert first(CALL, chat(tools=[{"type": "function", "function": {"name": "now"}}])).calls == [("now", {})]


def test_a_custom_tool_is_called_with_a_text() -> None:
    tool = {"type": "custom", "custom": {"name": "shell", "description": "Runs a query"}}
    (call,) = first(CALL, chat(tools=[tool])).choice["message"]["tool_calls"]
    assert call["custom"]["name"] == "shell"
    assert call["custom"]["input"]


def test_a_schema_that_nothing_fits_is_told_in_the_journal() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 4}},
        "required": ["a"],
    }
    heard = first(CALL, offer(chat, "f", schema=schema))
    assert heard.calls == [("f", {})]
    assert heard.notes.startswith("the arguments of f do not fit its schema: no valid value was found")


# --- structured output ---------------------------------------------------------------------------


def form(schema: Any, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **more}}


def structured(heard: Heard) -> Any:
    return json.loads(heard.text)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_json_has_the_form_that_the_request_asks_for(stream: bool) -> None:
    strict = {**WEATHER, "required": ["location", "unit", "days"]}
    heard = first(JSON, chat(response_format=form(strict, strict=True), stream=stream))
    assert jsonschema_rs.is_valid(strict, structured(heard))
    assert set(structured(heard)) == set(WEATHER["properties"])  # type: ignore[call-overload]
    assert heard.notes == ""


def test_json_for_anthropics_output_format() -> None:
    heard = first(JSON, claude(output_config={"format": {"type": "json_schema", "schema": CLOSED}}))
    assert jsonschema_rs.is_valid(CLOSED, structured(heard))


@pytest.mark.parametrize("word", ["from_schema", "major"])
def test_one_of_several_words_is_said_without_quotes(word: str) -> None:
    """Gemini's `text/x.enum`; as JSON it has them."""
    said = {
        kind: first(
            f"rules: [{{reply: {{json: {word}}}}}]",
            ask(
                "/v1beta/models/gemini-2.5-flash:generateContent",
                {
                    "contents": [{"parts": [{"text": "hi"}]}],
                    "generationConfig": {"responseMimeType": kind, "responseSchema": {"enum": ["major"]}},
                },
            ),
        ).json["candidates"][0]["content"]["parts"]
        for kind in ("text/x.enum", "application/json")
    }
    assert said == {"text/x.enum": [{"text": "major"}], "application/json": [{"text": '"major"'}]}


def test_json_without_a_schema_is_some_object() -> None:
    heard = first(JSON, chat(response_format={"type": "json_object"}))
    assert set(structured(heard)) == {"answer"}
    assert heard.notes == ""
    heard = first(JSON, chat(response_format={"type": "json_schema", "json_schema": {"name": "x"}}))
    assert set(structured(heard)) == {"answer"}


def test_json_that_nobody_asked_for_is_noted() -> None:
    heard = first(JSON)
    assert set(structured(heard)) == {"answer"}
    assert heard.notes == "json: from_schema where the request asks for no JSON"


def test_a_form_that_nothing_fits_is_told_in_the_journal() -> None:
    heard = first(JSON, chat(response_format=form({"type": "object", "not": {}})))
    assert heard.notes.startswith("json does not fit the schema: ")


# --- sameness ------------------------------------------------------------------------------------


def test_each_answer_is_made_anew_and_each_run_is_the_same() -> None:
    asked = [offer(chat, "f") for _ in range(10)]
    made = [heard.calls for heard in play(CALL, *asked)]
    assert made == [heard.calls for heard in play(CALL, *asked)]
    assert len({str(each) for each in made}) > 5
    assert made != [heard.calls for heard in play(CALL, *asked, seed=1)]


def test_two_calls_of_one_answer_differ() -> None:
    word = "tool_calls: [{name: f, arguments: from_schema}, {name: f, arguments: from_schema}]"
    heard = first(f"rules: [{{reply: {{{word}}}}}]", offer(chat, "f"))
    assert heard.calls[0] != heard.calls[1]


# --- the word itself -----------------------------------------------------------------------------


def test_only_the_word_alone_means_that() -> None:
    heard = first("rules: [{reply: {json: {a: from_schema, b: [from_schema]}}}]")
    assert structured(heard) == {"a": "from_schema", "b": ["from_schema"]}
    assert first("rules: [{reply: from_schema}]").text == "from_schema"


def test_what_a_request_says_is_never_the_word() -> None:
    heard = first('rules: [{reply: {json: "{{ user }}"}}]', chat("from_schema"))
    assert structured(heard) == "from_schema"


def test_a_word_that_is_misspelt_is_a_mistake() -> None:
    said = mistakes("rules: [{reply: {tool_calls: from_shema}}]")
    assert said == ['rules[0].reply.tool_calls: expected a list, or the word from_schema; found "from_shema"']
