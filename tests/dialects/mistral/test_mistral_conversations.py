"""Mistral's conversations: their requests, outputs, streams, stored entries and errors."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.messages import CallPart, MediaPart, OtherPart, TextPart, ThinkingPart
from mockllm.dialects.mistral.conversations import conversation
from mockllm.dialects.mistral.conversations.request import MistralConversationRequest
from tests.dialects.mistral.conversing import LOOK, Conversing, contents
from tests.language.virtual_server import raw_request

ENTRIES: Json = [
    {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": "x"}]},
    {
        "type": "message.output",
        "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}, {}]}],
    },
    {"type": "function.call", "tool_call_id": "c1", "name": "look", "arguments": '{"a":1}'},
    {"type": "function.call", "name": "look", "arguments": {}},
    {"type": "function.result", "tool_call_id": "c1", "result": "cat"},
    {"type": "tool.execution", "name": "web_search", "arguments": "{}"},
    {"type": "message.input", "role": "narrator", "content": "no"},
    {"type": "message.input", "role": "assistant", "content": [{"type": 3}, {"type": "tool_reference"}]},
    {"type": "unknown"},
    {"type": 7},
    7,
]


def request_of(inputs: Json, **fields: Json) -> MistralConversationRequest:
    body = dumps({"model": "m", "inputs": inputs, **fields})
    return MistralConversationRequest(method="POST", path="/v1/conversations", headers={}, raw=body)


# --- requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", ["hi", [{"role": "user", "content": "hi"}]])
def test_text_and_entry_are_the_users_message(inputs: Json) -> None:
    request = request_of(inputs, instructions="Be brief.")
    assert (request.user, request.system, request.turn, request.model) == ("hi", "Be brief.", 1, "m")
    assert request.input_tokens > request_of(inputs).input_tokens


def test_entries_are_messages() -> None:
    request = request_of(ENTRIES)
    assert [message.role for message in request.messages] == ["user", "assistant", "tool", "assistant"]
    user, first, result, last = (message.parts for message in request.messages)
    assert user == (TextPart("hi"), MediaPart("image"))
    assert first == (ThinkingPart("Hm"), CallPart("c1", "look", {"a": 1}), CallPart(None, "look", {}))
    assert (result[0].name, result[0].text) == ("look", "cat")  # type: ignore[union-attr]
    assert last == (OtherPart("tool.execution"), OtherPart("None"), OtherPart("tool_reference"))
    assert request_of([{"type": "function.result", "result": "x"}]).messages[0].role == "tool"


def test_arguments_of_the_completion_are_read() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}
    arguments: Json = {"max_tokens": 5, "stop": "x", "tool_choice": "required", "response_format": schema}
    request = request_of("hi", completion_args=arguments, tools=[*LOOK, {"type": "web_search"}, {}])
    assert (request.output_bounds.max_tokens, request.output_bounds.stop) == (5, ("x",))
    assert (request.tool_choice.mode, request.response_format.name) == ("any", "s")
    assert [(tool.name, tool.kind) for tool in request.tools] == [
        ("look", "function"),
        ("web_search", "web_search"),
    ]
    plain = request_of(
        "hi", completion_args={"stop": ["x", "y"], "tool_choice": "none"}, model=None, agent_id="ag_1"
    )
    assert (plain.output_bounds.stop, plain.tool_choice.mode, plain.model) == (("x", "y"), "none", "ag_1")
    assert request_of("hi").tool_choice.mode == "auto"


@pytest.mark.parametrize(
    ("path", "fields", "status", "word"),
    [
        ("conversations", {"model": "m"}, 400, "inputs"),
        ("conversations", {"inputs": "hi"}, 400, "agent_id"),
        ("conversations", {"model": "m", "inputs": 7}, 400, "inputs"),
        ("conversations", {"model": "m", "inputs": [7]}, 400, "inputs[0]"),
        ("conversations", {"model": "m", "inputs": [{"type": "x"}]}, 400, "message.input"),
        ("conversations", {"model": "m", "inputs": [{"role": "user"}]}, 400, "content"),
        ("conversations", {"model": "m", "inputs": "hi", "completion_args": {"top_p": 2}}, 400, "top_p"),
        ("conversations", {"model": "m", "inputs": "hi", "agent_version": []}, 400, "agent_version"),
        (
            "conversations",
            {
                "model": "m",
                "inputs": [{"type": "function.call", "tool_call_id": "c", "name": "f", "arguments": 7}],
            },
            400,
            "arguments",
        ),
        ("conversations/conv_none", {"inputs": "hi"}, 404, "conv_none"),
        ("conversations/other", {"inputs": "hi"}, 404, "other"),
        ("conversations/conv_none", {"inputs": "hi", "stream": "x"}, 400, "stream"),
        ("conversations/conv_none/restart", {"inputs": "hi"}, 400, "from_entry_id"),
        ("conversations/conv_none/restart", {"from_entry_id": "x"}, 404, "conv_none"),
    ],
)
def test_wrong_request_is_refused(path: str, fields: dict[str, Json], status: int, word: str) -> None:
    response = Conversing().respond(path, fields)
    assert response.status == status
    assert word in response.json["message"]


@pytest.mark.parametrize("path", ["conversations", "conversations/conv_x", "conversations/conv_x/restart"])
def test_body_without_json_object_is_refused(path: str) -> None:
    assert Conversing().respond(path, []).status == 400


def test_lenient_rule_responds_to_unknown_conversation() -> None:
    conversing = Conversing("validation: lenient\nrules: [{reply: hi}]")
    sent = conversing.append("conv_mine", "hi")
    assert sent["conversation_id"] == "conv_mine"
    assert contents(conversing.history("conv_mine")) == [("message.input", "hi"), ("message.output", "hi")]
    restarted = conversing.respond("conversations/conv_gone/restart", {"inputs": "yes"}).json
    assert contents(conversing.history(restarted["conversation_id"]))[0] == ("message.input", "yes")


# --- responses -----------------------------------------------------------------------------------


def test_response_has_a_message() -> None:
    sent = Conversing().start("one")
    assert sent["object"] == "conversation.response"
    assert sent["conversation_id"].startswith("conv_")
    (output,) = sent["outputs"]
    assert list(output) == [
        *("object", "type", "created_at", "completed_at", "model", "id", "role", "content"),
    ]
    assert (output["type"], output["content"], output["role"]) == (
        "message.output",
        "one! Turn 1.",
        "assistant",
    )
    assert (output["model"], output["id"][:4], len(output["id"])) == ("mistral-small-latest", "msg_", 36)
    assert output["created_at"] == "2023-11-14T22:13:20.000000Z"
    assert (
        sent["usage"]["total_tokens"] == sent["usage"]["prompt_tokens"] + sent["usage"]["completion_tokens"]
    )


def test_calls_and_thinking_are_entries() -> None:
    conversing = Conversing()
    sent = conversing.start("hi", tools=LOOK)
    message, first, second = sent["outputs"]
    assert message["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "I look."},
    ]
    assert (first["type"], first["name"], first["arguments"]) == ("function.call", "look", '{"a":1}')
    assert len(first["tool_call_id"]) == 9
    assert first["tool_call_id"] != second["tool_call_id"]
    results = [
        {"type": "function.result", "tool_call_id": call["tool_call_id"], "result": "cat"}
        for call in (first, second)
    ]
    seen = conversing.append(sent["conversation_id"], results)
    assert seen["conversation_id"] == sent["conversation_id"]
    assert seen["outputs"][0]["content"] == "I see cat."


def test_calls_of_unstored_response_are_known() -> None:
    conversing = Conversing()
    sent = conversing.start("hi", tools=LOOK, store=False)
    assert conversing.respond(f"conversations/{sent['conversation_id']}", method="GET").status == 404
    result: Json = {
        "type": "function.result",
        "tool_call_id": sent["outputs"][1]["tool_call_id"],
        "result": "dog",
    }
    again = conversing.start([{"role": "user", "content": "hi"}, result], tools=LOOK)
    assert again["outputs"][0]["content"] == "I see dog."


def test_tools_of_mistral_are_executions() -> None:
    sent = Conversing().start("tools")
    search, code, silent, message = sent["outputs"]
    assert (search["type"], search["name"], search["arguments"]) == (
        "tool.execution",
        "web_search",
        '{"query":"cats"}',
    )
    assert (code["info"], silent["info"]["code_output"]) == ({"code": "1+1", "code_output": "2"}, "")
    assert message["content"] == "Cats."
    assert sent["usage"]["connectors"] == {"web_search": 1, "code_interpreter": 2}


def test_other_tool_is_left_out_and_refusal_is_text() -> None:
    assert contents(Conversing().start("other")["outputs"]) == [("message.output", "No.")]


def test_reply_has_own_model_and_extras() -> None:
    sent = Conversing().start("extra")
    assert (sent["guardrails"], sent["outputs"][0]["model"]) == ([], "own")
    assert Conversing().stream("extra")[-1]["guardrails"] == []


# --- streams -------------------------------------------------------------------------------------


def test_stream_has_named_events() -> None:
    body = {"model": "m", "inputs": "one two", "stream": True}
    sent = Conversing().respond("conversations", body)
    assert sent.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert all(event.name == event.json["type"] for event in sent.events)
    started, *deltas, done = [event.json for event in sent.events]
    assert started["conversation_id"].startswith("conv_")
    assert {delta["type"] for delta in deltas} == {"message.output.delta"}
    assert "".join(delta["content"] for delta in deltas) == "one two! Turn 1."
    assert list(deltas[0]) == [
        *("type", "output_index", "id", "content_index", "model", "role", "content"),
    ]
    assert done["usage"]["completion_tokens"] > 0


def test_stream_of_calls_adds_up_to_entries() -> None:
    events = Conversing().stream("hi", tools=LOOK)
    deltas = [event for event in events if "output_index" in event]
    places = list(dict.fromkeys((event["output_index"], event.get("content_index")) for event in deltas))
    assert places == [(0, 0), (0, 1), (1, None), (2, None)]
    arguments = "".join(event["arguments"] for event in deltas if event["output_index"] == 1)
    assert arguments == '{"a":1}'
    assert deltas[0]["content"]["type"] == "thinking"
    assert len({event["tool_call_id"] for event in deltas if event["output_index"] == 1}) == 1


@pytest.mark.parametrize("inputs", ["one", "tools"])
def test_stream_is_stored_as_its_body(inputs: str) -> None:
    whole, streamed = Conversing(), Conversing()
    id = whole.start(inputs)["conversation_id"]
    started = streamed.stream(inputs)[0]
    assert contents(streamed.history(started["conversation_id"])) == contents(whole.history(id))


def test_stream_of_thinking_and_calls_is_stored() -> None:
    conversing = Conversing()
    id = conversing.stream("hi", tools=LOOK)[0]["conversation_id"]
    _, message, *calls = conversing.history(id)
    assert [part["type"] for part in message["content"]] == ["thinking", "text"]
    assert message["content"][0]["thinking"] == [{"type": "text", "text": "Hm."}]
    assert [call["arguments"] for call in calls] == ['{"a":1}', "{}"]


@pytest.mark.parametrize("inputs", ["broken", "unended"])
def test_broken_stream_stores_nothing(inputs: str) -> None:
    conversing = Conversing()
    started, *_ = conversing.stream(inputs)
    assert conversing.respond(f"conversations/{started['conversation_id']}", method="GET").status == 404


@pytest.mark.parametrize(("inputs", "code"), [("broken", 3800), ("gone", 418)])
def test_error_in_stream_is_an_event(inputs: str, code: int) -> None:
    error = Conversing().stream(inputs)[-1]
    assert (error["type"], error["code"]) == ("conversation.response.error", code)
    assert error["message"]


@pytest.mark.parametrize(("inputs", "status"), [("limit", 429), ("failing", 500)])
@pytest.mark.parametrize("stream", [True, False])
def test_error_has_mistrals_form(inputs: str, status: int, stream: bool) -> None:
    sent = Conversing().respond("conversations", {"model": "m", "inputs": inputs, "stream": stream})
    assert (sent.status, sent.json["object"], sent.json["raw_status_code"]) == (status, "error", status)


# --- stored conversations ------------------------------------------------------------------------


def test_conversation_goes_on() -> None:
    conversing = Conversing()
    id = conversing.start("one", instructions="Be brief.", name="Mine", metadata={"a": "b"})[
        "conversation_id"
    ]
    sent = conversing.append(id, "two")
    assert sent["outputs"][0]["content"] == "two! Turn 2."
    entries = conversing.history(id)
    assert contents(entries) == [
        ("message.input", "one"),
        ("message.output", "one! Turn 1."),
        ("message.input", "two"),
        ("message.output", "two! Turn 2."),
    ]
    assert len({entry["id"] for entry in entries}) == 4
    assert all(entry["object"] == "entry" and entry["completed_at"] is None for entry in entries)
    assert sent["outputs"][0]["id"] == entries[3]["id"]
    shown = conversing.get(f"conversations/{id}")
    assert (shown["object"], shown["id"], shown["name"]) == ("conversation", id, "Mine")
    assert (shown["model"], shown["instructions"], shown["metadata"]) == (
        "mistral-small-latest",
        "Be brief.",
        {"a": "b"},
    )
    assert shown["created_at"] < shown["updated_at"]


def test_settings_of_the_start_remain() -> None:
    conversing = Conversing(
        """
        rules:
          - {match: {system: Be brief., tools: look, model: mine}, reply: one two three}
        """
    )
    id = conversing.start("one", model="mine", instructions="Be brief.", tools=LOOK)["conversation_id"]
    assert conversing.append(id, "two")["outputs"][0]["content"] == "one two three"
    short = conversing.append(id, "two", completion_args={"max_tokens": 1})
    assert short["outputs"][0]["content"] == "one"


def test_messages_are_entries_without_calls() -> None:
    conversing = Conversing()
    id = conversing.start("hi", tools=LOOK)["conversation_id"]
    shown = conversing.get(f"conversations/{id}/messages")
    assert (shown["object"], shown["conversation_id"]) == ("conversation.messages", id)
    assert [entry["type"] for entry in shown["messages"]] == ["message.input", "message.output"]


def test_append_without_storage_changes_nothing() -> None:
    conversing = Conversing()
    id = conversing.start("one")["conversation_id"]
    assert conversing.append(id, "two", store=False)["conversation_id"] == id
    assert len(conversing.history(id)) == 2


def test_append_may_have_no_inputs() -> None:
    conversing = Conversing()
    id = conversing.start("one")["conversation_id"]
    assert conversing.respond(f"conversations/{id}", {}).json["outputs"][0]["content"] == "one! Turn 2."


def test_restart_begins_another_conversation() -> None:
    conversing = Conversing()
    id = conversing.start("one", name="Mine")["conversation_id"]
    conversing.append(id, "two")
    first = conversing.history(id)[1]["id"]
    body = {"inputs": "three", "from_entry_id": first, "metadata": {"a": 1}}
    sent = conversing.respond(f"conversations/{id}/restart", body).json
    assert sent["outputs"][0]["content"] == "three! Turn 2."
    assert sent["conversation_id"] != id
    assert [entry["content"] for entry in conversing.history(sent["conversation_id"])] == [
        *("one", "one! Turn 1.", "three", "three! Turn 2."),
    ]
    assert conversing.get(f"conversations/{sent['conversation_id']}")["metadata"] == {"a": 1}
    assert len(conversing.history(id)) == 4
    missing = conversing.respond(f"conversations/{id}/restart", {"from_entry_id": "msg_none"})
    assert (missing.status, missing.json["message"]) == (404, "No such entry: msg_none")


def test_conversations_are_listed_and_deleted() -> None:
    conversing = Conversing()
    ids = [conversing.start("one", metadata={"number": number})["conversation_id"] for number in range(3)]
    assert [each["id"] for each in conversing.get("conversations")] == ids[::-1]
    assert [each["id"] for each in conversing.get("conversations", "page=1&page_size=2")] == ids[:1]
    assert [each["id"] for each in conversing.get("conversations", 'metadata={"number":1}')] == ids[1:2]
    deleted = conversing.respond(f"conversations/{ids[0]}", method="DELETE")
    assert (deleted.status, deleted.bytes) == (204, b"")
    assert "content-type" not in deleted.headers
    assert len(conversing.get("conversations")) == 2
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/history"), ("GET", "/messages")):
        gone = conversing.respond(f"conversations/{ids[0]}{path}", method=method)
        assert (gone.status, gone.json["message"]) == (404, f"No such conversation: {ids[0]}")


def test_conversations_of_openai_are_others() -> None:
    conversing = Conversing()
    created = conversing.server.respond(raw_request("/v1/conversations", {})).json
    assert conversing.get("conversations") == []
    assert conversing.respond(f"conversations/{created['id']}", method="GET").status == 404


def test_oldest_entries_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_ENTRIES", 3)
    conversing = Conversing()
    id = conversing.start("one")["conversation_id"]
    conversing.append(id, "two")
    entries = conversing.history(id)
    assert [entry["content"] for entry in entries] == ["one! Turn 1.", "two", "two! Turn 2."]
    conversing.append(id, "three")
    assert not {entry["id"] for entry in conversing.history(id)} & {entry["id"] for entry in entries[:2]}


@pytest.mark.parametrize(("inputs", "kept"), [("odd", ["message.input"]), ("foreign", None)])
def test_own_body_of_rule_is_stored_if_it_fits(inputs: str, kept: list[str] | None) -> None:
    conversing = Conversing()
    id: Any = conversing.start(inputs)["conversation_id"]
    shown = conversing.respond(f"conversations/{id}/history", method="GET")
    assert shown.status == (404 if kept is None else 200)
    if kept is not None:
        assert [entry["type"] for entry in shown.json["entries"]] == kept


def test_line_of_batch_job_is_a_conversation() -> None:
    served = raw_request(
        "/mistral/v1/batch/jobs",
        {"endpoint": "/v1/conversations", "model": "m", "requests": [{"body": {"inputs": "hi"}}]},
    )
    assert Conversing().server.respond(served).status == 200
