"""`from_schema`: calls and JSON generated from the schemas of a request, valid and the same in each run."""

from __future__ import annotations

import json
from typing import Any, cast

import jsonschema_rs
import pytest

from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    chat_request,
    claude_request,
    diagnostics_of,
    raw_request,
    respond_all,
    respond_once,
)

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


def offer(build_request: Any, *names: str, schema: Any = WEATHER, **more: Any) -> ClientRequest:
    """Return a request that offers tools, all with one schema."""
    if build_request is claude_request:
        tools: list[Any] = [{"name": name, "input_schema": schema} for name in names]
    else:
        tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in names]
    return cast(ClientRequest, build_request(tools=tools, **more))


BOTH = pytest.mark.parametrize("build_request", [chat_request, claude_request])


@BOTH
def test_from_schema_calls_first_tool_with_all_arguments(build_request: Any) -> None:
    response = respond_once(CALL, offer(build_request, "get_weather", "search"))
    ((name, arguments),) = response.calls
    assert name == "get_weather"
    assert set(arguments) == {"location", "unit", "days"}
    assert jsonschema_rs.is_valid(WEATHER, arguments)
    assert response.notes == ""
    if build_request is chat_request:
        assert response.choice["finish_reason"] == "tool_calls"
    else:
        assert response.json["stop_reason"] == "tool_use"


@BOTH
def test_from_schema_stream_has_same_call_in_chunks(build_request: Any) -> None:
    whole = respond_once(CALL, offer(build_request, "f")).calls[0][1]
    responses = respond_once(CALL, offer(build_request, "f", stream=True))
    events = [event.json for event in responses.events if event.data.startswith("{")]
    if build_request is chat_request:
        deltas = [choice["delta"].get("tool_calls") for event in events for choice in event["choices"]]
        message = "".join(calls[0]["function"]["arguments"] for calls in deltas if calls)
    else:
        message = "".join(event.get("delta", {}).get("partial_json", "") for event in events)
    assert json.loads(message) == whole


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


ONLY_C = {"mode": "auto", "tools": [named("c")]}


@pytest.mark.parametrize(
    ("sent", "called"),
    [
        (offer(chat_request, "a", "b"), ["a"]),
        (offer(chat_request, "a", "b", tool_choice="auto"), ["a"]),
        (offer(chat_request, "a", "b", tool_choice="required"), ["a"]),
        (offer(chat_request, "a", "b", tool_choice=named("b")), ["b"]),
        (offer(chat_request, "a", "b", tool_choice="none"), []),
        (
            offer(
                chat_request, "a", "b", "c", tool_choice={"type": "allowed_tools", "allowed_tools": ONLY_C}
            ),
            ["c"],
        ),
        (offer(chat_request, "a", "b", parallel_tool_calls=True), ["a"]),
        (offer(chat_request, "a", "b", messages=AFTER_A, tool_choice="required"), ["b"]),
        (offer(chat_request, "a", messages=AFTER_A, tool_choice="required"), ["a"]),
        (offer(claude_request, "a", "b", tool_choice={"type": "any"}), ["a"]),
        (offer(claude_request, "a", "b", tool_choice={"type": "tool", "name": "b"}), ["b"]),
        (offer(claude_request, "a", "b", tool_choice={"type": "none"}), []),
        (chat_request(), []),
        (chat_request(tools=[]), []),
        (claude_request(tools=[{"type": "web_search_20250305", "name": "web_search"}]), []),
    ],
)
def test_from_schema_follows_tool_choice(sent: ClientRequest, called: list[str]) -> None:
    responses = respond_once(f"validation: lenient\n{CALL}", sent)
    assert [name for name, _ in responses.calls] == called
    assert ("no tool is called" in responses.notes) is (called == [])


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (chat_request(), "the request offers none"),
        (offer(chat_request, "a", tool_choice="none"), "tool_choice is none"),
        (offer(chat_request, "a", tool_choice=named("b")), "the request offers none that is called b"),
        (
            chat_request(tools=[{"type": "web_search"}]),
            "the request offers only tools that the provider runs, or whose input is unknown",
        ),
    ],
)
def test_from_schema_without_tool_states_reason(sent: ClientRequest, reason: str) -> None:
    response = respond_once(f"validation: lenient\n{CALL}", sent)
    assert response.text == f"There is no tool to call: {reason}."
    assert response.notes == f"no tool is called: {reason}"
    assert response.choice["finish_reason"] == "stop"
    beside = "rules: [{reply: {text: Hm., tool_calls: from_schema}}]"
    assert respond_once(f"validation: lenient\n{beside}", sent).text == "Hm."


def test_call_by_name_has_arguments_of_offered_tool() -> None:
    key = "tool_calls: [{name: b, arguments: from_schema, id: call_1}, {name: a, arguments: {x: 1}}]"
    responses = respond_once(f"rules: [{{reply: {{{key}}}}}]", offer(chat_request, "a", "b"))
    assert [name for name, _ in responses.calls] == ["b", "a"]
    assert jsonschema_rs.is_valid(WEATHER, responses.calls[0][1])
    assert responses.calls[1][1] == {"x": 1}


def test_call_of_unoffered_tool_has_no_arguments_and_note() -> None:
    response = respond_once(
        "rules: [{reply: {tool_calls: [{name: c, arguments: from_schema}]}}]", offer(chat_request, "a")
    )
    assert response.calls == [("c", {})]
    assert response.notes == "no arguments are made for c: the request offers no such tool"


def test_from_schema_in_parts() -> None:
    key = "{parts: [{tool_calls: [{name: a, arguments: from_schema}]}, {json: from_schema}]}"
    responses = respond_once(f"rules: [{{reply: {key}}}]", offer(claude_request, "a"))
    assert [block["type"] for block in responses.json["content"]] == ["tool_use", "text"]
    assert set(json.loads(responses.text)) == {"answer"}


def test_from_schema_part_calls_offered_tool() -> None:
    key = "{parts: [Let me see., {tool_calls: from_schema}]}"
    responses = respond_once(f"rules: [{{reply: {key}}}]", offer(claude_request, "a"))
    assert [block["type"] for block in responses.json["content"]] == ["text", "tool_use"]
    assert respond_once(f"rules: [{{reply: {key}}}]").text == "Let me see."
    alone = respond_once("rules: [{reply: {parts: [{tool_calls: from_schema}]}}]")
    assert alone.text.startswith("There is no tool to call")


@pytest.mark.parametrize("schema", [{}, {"properties": {"a": {"type": "integer"}}}])
def test_arguments_of_untyped_schema_are_object(schema: Any) -> None:
    ((_, arguments),) = respond_once(
        f"validation: lenient\n{CALL}", offer(chat_request, "f", schema=schema)
    ).calls
    assert set(arguments) == set(schema.get("properties", {}))


def test_tool_without_parameters_has_no_arguments() -> None:
    assert respond_once(
        CALL, chat_request(tools=[{"type": "function", "function": {"name": "now"}}])
    ).calls == [("now", {})]


def test_unsatisfiable_tool_schema_is_noted() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 4}},
        "required": ["a"],
    }
    response = respond_once(CALL, offer(chat_request, "f", schema=schema))
    assert response.calls == [("f", {})]
    assert response.notes.startswith("the arguments of f do not fit its schema: no valid value was found")


# --- structured output ---------------------------------------------------------------------------


def form(schema: Any, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **more}}


def structured(response: ClientResponse) -> Any:
    return json.loads(response.text)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_json_from_schema_has_requested_form(stream: bool) -> None:
    strict = {**WEATHER, "required": ["location", "unit", "days"]}
    response = respond_once(JSON, chat_request(response_format=form(strict, strict=True), stream=stream))
    assert jsonschema_rs.is_valid(strict, structured(response))
    assert set(structured(response)) == set(WEATHER["properties"])  # type: ignore[call-overload]
    assert response.notes == ""


def test_json_for_anthropics_output_format() -> None:
    response = respond_once(
        JSON, claude_request(output_config={"format": {"type": "json_schema", "schema": CLOSED}})
    )
    assert jsonschema_rs.is_valid(CLOSED, structured(response))


@pytest.mark.parametrize("key", ["from_schema", "major"])
def test_enum_format_is_sent_without_quotes(key: str) -> None:
    """Gemini's `text/x.enum`; as JSON it has them."""
    message = {
        kind: respond_once(
            f"rules: [{{reply: {{json: {key}}}}}]",
            raw_request(
                "/v1beta/models/gemini-2.5-flash:generateContent",
                {
                    "contents": [{"parts": [{"text": "hi"}]}],
                    "generationConfig": {"responseMimeType": kind, "responseSchema": {"enum": ["major"]}},
                },
            ),
        ).json["candidates"][0]["content"]["parts"]
        for kind in ("text/x.enum", "application/json")
    }
    assert message == {"text/x.enum": [{"text": "major"}], "application/json": [{"text": '"major"'}]}


def test_json_without_schema_is_object() -> None:
    response = respond_once(JSON, chat_request("any json", response_format={"type": "json_object"}))
    assert set(structured(response)) == {"answer"}
    assert response.notes == ""
    response = respond_once(
        JSON, chat_request(response_format={"type": "json_schema", "json_schema": {"name": "x"}})
    )
    assert set(structured(response)) == {"answer"}


ANN = "Ann Smith is 42 years old."


@pytest.mark.parametrize(
    "example",
    [
        '{"name": string, "age": number}',
        '{"name": "string", "age": "integer"}',
        '{"name": "...", "age": 0}',
        '{"name": "<name>", "age": <age>}',
        '{"name": "", "age": 0.0}',
    ],
)
def test_placeholders_of_an_example_are_no_values(example: str) -> None:
    text = f"Answer as JSON like {example}: {ANN}"
    response = respond_once(JSON, chat_request(text, response_format={"type": "json_object"}))
    assert structured(response)["name"] not in ("string", "...", "<name>", "")
    assert structured(response)["age"] in (42, 42.0, "42")


def test_values_of_an_example_are_values() -> None:
    text = 'Return this as JSON: {"city": "Oslo", "days": 3}'
    response = respond_once(JSON, chat_request(text, response_format={"type": "json_object"}))
    assert structured(response) == {"city": "Oslo", "days": 3}


def test_instruction_needs_no_json_mode() -> None:
    """Anthropic's protocol has none: a prompt requests JSON."""
    text = 'Answer in JSON with the keys "title" and "year". The title is Dune, the year 1965.'
    for request in (claude_request(text), chat_request(text)):
        response = respond_once(JSON, request)
        assert structured(response) == {"title": "Dune", "year": 1965}
        assert response.notes == "from the conversation: title, year"


def test_unrequested_json_is_noted() -> None:
    response = respond_once(JSON)
    assert set(structured(response)) == {"answer"}
    assert response.notes == "json: from_schema where the request asks for no JSON"


def test_unsatisfiable_format_is_noted() -> None:
    response = respond_once(JSON, chat_request(response_format=form({"type": "object", "not": {}})))
    assert response.notes.startswith("json does not fit the schema: ")


# --- determinism ------------------------------------------------------------------------------------


def test_from_schema_varies_by_request_not_by_run() -> None:
    sent = [offer(chat_request, "f") for _ in range(10)]
    result = [response.calls for response in respond_all(CALL, *sent)]
    assert result == [response.calls for response in respond_all(CALL, *sent)]
    assert len({str(each) for each in result}) > 5
    assert result != [response.calls for response in respond_all(CALL, *sent, seed=1)]


def test_two_calls_of_one_response_differ() -> None:
    key = "tool_calls: [{name: f, arguments: from_schema}, {name: f, arguments: from_schema}]"
    response = respond_once(f"rules: [{{reply: {{{key}}}}}]", offer(chat_request, "f"))
    assert response.calls[0] != response.calls[1]


# --- the keyword -----------------------------------------------------------------------------


def test_from_schema_inside_text_is_text() -> None:
    response = respond_once("rules: [{reply: {json: {a: from_schema, b: [from_schema]}}}]")
    assert structured(response) == {"a": "from_schema", "b": ["from_schema"]}
    assert respond_once("rules: [{reply: from_schema}]").text == "from_schema"


def test_from_schema_from_template_is_text() -> None:
    response = respond_once('rules: [{reply: {json: "{{ user }}"}}]', chat_request("from_schema"))
    assert structured(response) == "from_schema"


def test_misspelt_from_schema_has_diagnostic() -> None:
    message = diagnostics_of("rules: [{reply: {tool_calls: from_shema}}]")
    assert message == [
        'rules[0].reply.tool_calls: expected a list, or the word from_schema; found "from_shema"'
    ]


# --- values of the conversation --------------------------------------------------------------


ADDING = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}


@BOTH
def test_arguments_are_from_the_question_and_noted(build_request: Any) -> None:
    response = respond_once(CALL, offer(build_request, "add", schema=ADDING, user="what is 3 plus 4"))
    assert response.calls == [("add", {"a": 3, "b": 4})]
    assert response.notes == "from the conversation: a, b"


def test_note_names_first_fields_only() -> None:
    schema = {"type": "object", "properties": {f"n{n}": {"type": "integer"} for n in range(12)}}
    text = ", ".join(f"n{n}={n}" for n in range(12))
    response = respond_once(CALL, offer(chat_request, "f", schema=schema, user=text))
    assert response.notes == "from the conversation: n0, n1, n2, n3, n4, n5, n6, n7 and 4 more"


def test_json_mode_has_keys_of_the_instruction() -> None:
    text = "Tell me a joke about cats. Return the result as a JSON with 'topic' and 'punchline' keys."
    response = respond_once(JSON, chat_request(text, response_format={"type": "json_object"}))
    assert structured(response)["topic"] == "cats"
    assert set(structured(response)) == {"topic", "punchline"}


def test_json_mode_after_a_tool_has_its_result() -> None:
    messages = [{"role": "system", "content": "Answer in JSON."}, *AFTER_A]
    sent = chat_request(messages=messages, response_format={"type": "json_object"})
    assert structured(respond_once(JSON, sent)) == {"answer": "x"}


def test_uncalled_tool_for_the_final_answer_comes_after_a_result() -> None:
    answer = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    sent = offer(
        chat_request, "a", "b", "final_answer", schema=answer, messages=AFTER_A, tool_choice="required"
    )
    assert respond_once(CALL, sent).calls == [("final_answer", {"answer": "x"})]


def test_mentioned_tool_is_called_first() -> None:
    sent = offer(chat_request, "search", "get_weather", user="the weather, please")
    assert [name for name, _ in respond_once(CALL, sent).calls] == ["get_weather"]


def test_custom_tool_takes_quoted_text() -> None:
    tool = {"type": "custom", "custom": {"name": "shell"}}
    (call,) = respond_once(CALL, chat_request("run 'ls -l'", tools=[tool])).choice["message"]["tool_calls"]
    assert call["custom"]["input"] == "ls -l"
