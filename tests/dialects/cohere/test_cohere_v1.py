"""Requests and responses of version 1 of Cohere's API: what is read, what is refused, and what a response has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import Choice, Reply, Text
from mockllm.core.request.messages import CallPart, ResultPart
from mockllm.core.request.request import Request, TextPart, Tool
from mockllm.dialects.cohere.decoder import decode
from mockllm.dialects.cohere.provider import CHAT_V1, GENERATE
from mockllm.dialects.cohere.v1_request import MAX_REPEATED
from mockllm.dialects.neutral_request import OPEN_SCHEMA, NeutralRequest
from tests.dialects.test_building_and_decoding import IDENTITY, requested
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request, respond_once

SCENARIO = """
rules:
  - {match: {user: broken}, reply: {chunks: [Half, {error: overloaded}]}}
  - {match: {user: refuse}, reply: {refusal: No.}}
  - {match: {user: gone}, error: model_not_found}
  - {match: {user: extended}, reply: {text: x, extras: {cohere: {events: {stream-end: {seen: 1}}, meta: {seen: 1}}}}}
  - {match: {user: cited}, reply: {text: It rains in Oslo., citations: [
      {url: "https://a.example", title: Rain, quote: wet, words: rains}, {url: "https://b.example", words: Oslo}]}}
  - match: {user: called}
    reply: {thinking: Hm., text: I look., tool_calls: [{name: look, arguments: {a: 1}}, {name: now}]}
  - match: {tools: look, tool_result: {exists: false}}
    reply: {tool_calls: [{name: look, arguments: from_schema}]}
  - {match: {api: embeddings}, reply: {embedding: [1.0, -1.0], usage: {input_tokens: 5}}}
  - {reply: Forty two.}
"""
ENGINE = VirtualServer(SCENARIO).engine
CALL: Any = {"name": "look", "parameters": {"city": "Oslo"}}
RESULT: Any = {"call": CALL, "outputs": [{"degrees": 3}]}
TURNS: Any = [{"role": "USER", "message": "hi"}, {"role": "CHATBOT", "message": "", "tool_calls": [CALL]}]


def sent(call: str = "chat", headers: dict[str, str] | None = None, **fields: Any) -> ClientResponse:
    return respond_once(SCENARIO, raw_request(f"/cohere/v1/{call}", fields, headers=headers or {}))


def read(call: str, body: Any) -> Request:
    request = raw_request(f"/cohere/v1/{call}", body)
    return ENGINE.read("POST", request.path, "", {}, request.body, "", 0.0)


def lines(response: ClientResponse) -> list[Any]:
    return [json.loads(line) for line in response.bytes.splitlines()]


def kinds(response: ClientResponse) -> list[str]:
    return [line["event_type"] for line in lines(response)]


def test_turns_of_every_role_are_read() -> None:
    history = [
        {"role": "System", "message": "Be kind."},
        *TURNS,
        {"role": "TOOL", "tool_results": [RESULT, {"outputs": []}, 3]},
        {"role": "stranger", "message": "x"},
        {"message": 3},
        3,
    ]
    request = read("chat", {"preamble": "Be brief.", "chat_history": history, "message": "now?"})
    assert [message.role for message in request.messages] == [
        *("system", "system", "user", "assistant", "tool", "user")
    ]
    assert (request.system, request.user, request.turn) == ("Be brief.\nBe kind.", "now?", 2)
    assert request.messages[3].parts == (CallPart(None, "look", {"city": "Oslo"}),)
    assert request.messages[4].parts[0] == ResultPart(None, "look", '{"degrees":3}')
    assert request.messages[4].parts[1] == ResultPart(None, None, "[]")


def test_results_beside_a_message_follow_their_calls() -> None:
    body = {"message": "hi", "tool_results": [RESULT], "force_single_step": True}
    request = read("chat", body)
    assert [message.role for message in request.messages] == ["user", "assistant", "tool"]
    assert request.messages[1].parts == (CallPart(None, "look", {"city": "Oslo"}),)
    assert read("chat", {"tool_results": [RESULT]}).messages[0].role == "assistant"


def test_results_of_several_turns_follow_one_another() -> None:
    history = [*TURNS, {"role": "TOOL", "tool_results": [RESULT]}, {"role": "TOOL", "tool_results": []}]
    request = read("chat", {"message": "", "chat_history": history, "tool_results": [RESULT]})
    assert [message.role for message in request.messages] == ["user", "assistant", "tool", "tool", "tool"]


def test_parameters_of_tools_become_a_schema() -> None:
    definitions = {
        "city": {"type": "str", "description": "Where.", "required": True},
        "days": {"type": "integer"},
        "names": {"type": "List[str]"},
        "other": {"type": "datetime"},
        "odd": 3,
    }
    tools = [
        {"name": "look", "description": "Looks.", "parameter_definitions": definitions},
        {"name": "now"},
        {},
        3,
    ]
    first, second = read("chat", {"message": "hi", "tools": tools}).tools
    assert first.schema == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": "integer"},
            "names": {"type": "array"},
            "other": {},
            "odd": {},
        },
        "required": ["city"],
    }
    assert second == Tool("now", dict(OPEN_SCHEMA))


def test_built_parameters_have_types_of_python() -> None:
    schema: Any = {
        "properties": {"n": {"type": "integer", "description": "Days."}, "x": {"type": ["null"]}, "y": 3},
        "required": ["n"],
    }
    turns: Any = [{"role": "user", "content": "a"}, {"role": "nobody", "content": "b"}, TURNS[1]]
    body: Any = CHAT_V1.build_request(NeutralRequest(messages=turns, tools=(Tool("look", schema),))).body
    assert body["tools"][0]["parameter_definitions"] == {
        "n": {"description": "Days.", "type": "int", "required": True},
        "x": {"type": "str"},
        "y": {"type": "str"},
    }
    assert [turn["role"] for turn in body["chat_history"]] == ["USER", "USER"]
    assert CHAT_V1.build_request(NeutralRequest(messages=[])).body["message"] == ""


def test_call_is_generated_from_the_schema() -> None:
    definitions = {"days": {"type": "int", "required": True}}
    body = sent(message="hi", tools=[{"name": "look", "parameter_definitions": definitions}]).json
    (call,) = body["tool_calls"]
    assert call["name"] == "look"
    assert type(call["parameters"]["days"]) is int


@pytest.mark.parametrize(
    ("call", "body", "message"),
    [
        ("chat", None, "the request body is missing"),
        ("chat", {}, "message is required"),
        ("chat", {"message": 3}, "parameter message is of another type"),
        ("chat", {"message": ""}, "message must be at least 1 token long"),
        ("chat", {"message": "hi", "chat_history": [{"role": "USER"}]}, "all elements in history"),
        ("chat", {"message": "hi", "chat_history": [3]}, "all elements in history"),
        ("chat", {"message": "hi", "tool_results": [RESULT]}, "cannot specify both message and tool_results"),
        (
            "chat",
            {"message": "hi", "chat_history": [{"role": "TOOL", "tool_results": [RESULT]}]},
            "the last entry in chat history contains tool results",
        ),
        ("chat", {"message": "hi", "max_tokens": "9"}, "max_tokens"),
        ("generate", {}, "prompt is required"),
        ("generate", {"prompt": "hi", "max_tokens": -1}, "max_tokens"),
        ("embed", {}, "one of texts, images or inputs"),
        ("rerank", {"query": "q"}, "documents is required"),
    ],
)
def test_wrong_request_is_refused_without_an_id(call: str, body: Any, message: str) -> None:
    answer = respond_once(SCENARIO, raw_request(f"/cohere/v1/{call}", body))
    assert answer.status == 400
    assert message in answer.json["message"]
    assert list(answer.json) == ["message"]


def test_results_without_a_message_are_accepted() -> None:
    body = sent(message="", chat_history=TURNS, tool_results=[RESULT]).json
    assert body["text"] == "Forty two."
    assert [turn["role"] for turn in body["chat_history"]] == ["USER", "CHATBOT", "TOOL", "CHATBOT"]


def test_body_has_history_and_counts() -> None:
    body = sent(message="hi", chat_history=[{"role": "USER", "message": "before"}]).json
    assert body["chat_history"] == [
        {"role": "USER", "message": "before"},
        {"role": "USER", "message": "hi"},
        {"role": "CHATBOT", "message": "Forty two."},
    ]
    assert list(body) == ["response_id", "text", "generation_id", "chat_history", "finish_reason", "meta"]
    assert body["meta"]["tokens"]["output_tokens"] == body["meta"]["billed_units"]["output_tokens"] > 0
    assert body["meta"]["api_version"] == {"version": "1"}


def test_cached_tokens_are_counted_where_there_are_any() -> None:
    rule = "rules: [{reply: {text: x, usage: {input_tokens: 9, cached_tokens: 4}}}]"
    assert respond_once(rule, raw_request("/cohere/v1/chat", {"message": "hi"})).json["meta"][
        "cached_tokens"
    ] == (4)


@pytest.mark.parametrize("call", ["chat", "generate"])
def test_history_of_a_large_request_is_left_out(call: str) -> None:
    text = "x" * MAX_REPEATED
    body = sent(call, message=text, prompt=text)
    assert body.status == 200
    assert len(body.bytes) < 2_000


def test_responses_to_other_histories_differ() -> None:
    server = VirtualServer("rules: [{reply: Yes.}]")
    first, second = (
        server.respond(raw_request("/cohere/v1/chat", {"message": text})).json for text in ("a", "b")
    )
    assert [body["chat_history"][0]["message"] for body in (first, second)] == ["a", "b"]


def test_calls_follow_their_plan_and_come_whole() -> None:
    body = sent(message="called").json
    assert (body["text"], body["finish_reason"]) == ("I look.", "COMPLETE")
    assert body["tool_calls"] == [{"name": "look", "parameters": {"a": 1}}, {"name": "now", "parameters": {}}]
    assert body["chat_history"][-1]["tool_calls"] == body["tool_calls"]
    response = sent(message="called", stream=True)
    deltas = [line["tool_call_delta"] for line in lines(response) if "tool_call_delta" in line]
    assert [(delta["index"], delta["name"]) for delta in deltas if "name" in delta] == [
        (0, "look"),
        (1, "now"),
    ]
    assert "".join(each.get("parameters", "") for each in deltas if each["index"] == 0) == '{"a":1}'
    *_, whole, last = lines(response)
    assert whole == {
        "is_finished": False,
        "event_type": "tool-calls-generation",
        "text": "I look.",
        "tool_calls": body["tool_calls"],
    }
    assert last["response"]["tool_calls"] == body["tool_calls"]
    assert last["is_finished"] is True


def test_calls_without_a_plan_have_no_text() -> None:
    response = sent(message="hi", stream=True, tools=[{"name": "look"}])
    assert "text" not in lines(response)[-2]


def test_citations_name_documents() -> None:
    body = sent(message="cited").json
    first, second = body["citations"]
    assert (first["start"], first["end"], first["text"]) == (3, 8, "rains")
    assert [document["id"] for document in body["documents"]] == [
        *first["document_ids"],
        *second["document_ids"],
    ]
    assert body["documents"][0]["url"] == "https://a.example"
    response = sent(message="cited", stream=True)
    assert kinds(response)[-3:] == ["citation-generation", "citation-generation", "stream-end"]
    assert lines(response)[-3]["citations"] == [first]


def test_citations_have_their_place_in_the_whole_text() -> None:
    parts = "[{text: One.}, {text: Two., citations: [{url: 'https://a.example', words: Two}]}]"
    rule = f"rules: [{{reply: {{parts: {parts}}}}}]"
    (cited,) = respond_once(rule, raw_request("/cohere/v1/chat", {"message": "hi"})).json["citations"]
    assert (cited["start"], cited["end"]) == (4, 7)


def test_results_of_tools_are_sources() -> None:
    fields: Any = {"message": "cited", "tool_results": [RESULT], "force_single_step": True}
    documents = sent(**fields).json["documents"]
    assert documents[0] == {"id": "call:0", "title": "Rain", "url": "https://a.example", "text": "wet"}


@pytest.mark.parametrize("call", ["chat", "generate"])
def test_stream_is_lines_of_json_or_events(call: str) -> None:
    stream: Any = {"message": "hi", "prompt": "hi", "stream": True}
    as_lines = sent(call, **stream)
    assert as_lines.headers["content-type"] == "application/stream+json"
    assert kinds(as_lines)[-1] == "stream-end"
    as_events = sent(call, {"accepts": "text/event-stream"}, **stream)
    assert as_events.headers["content-type"] == "text/event-stream"
    assert [event.json for event in as_events.events] == lines(as_lines)
    assert as_events.events[-1].name == "stream-end"


def test_error_in_a_stream_is_its_end() -> None:
    last = lines(sent(message="broken", stream=True))[-1]
    assert (last["event_type"], last["finish_reason"]) == ("stream-end", "ERROR")
    assert "overloaded" in last["error"]
    failed = lines(sent("generate", prompt="broken", stream=True))[-1]
    assert (failed["event_type"], failed["is_finished"]) == ("stream-error", True)
    assert "overloaded" in failed["err"]


def test_refusal_is_a_text_and_an_error_a_message() -> None:
    assert sent(message="refuse").json["text"] == "No."
    assert sent("generate", prompt="refuse").json["generations"][0]["text"] == "No."
    assert sent(message="gone", model="m").json["message"].startswith("model 'm' not found")


def test_extras_are_in_the_response_and_its_events() -> None:
    assert sent(message="extended").json["meta"]["seen"] == 1
    last = lines(sent(message="extended", stream=True))[-1]
    assert (last["seen"], last["response"]["meta"]["seen"]) == (1, 1)


def test_generations_are_numbered() -> None:
    fields = {"prompt": "hi", "num_generations": 9, "end_sequences": ["a", 3], "stop_sequences": ["b"]}
    assert read("generate", fields).output_bounds[:2] == (5, ("b", "a"))
    assert read("generate", {"num_generations": True}).output_bounds.n == 1
    request = requested(GENERATE, NeutralRequest(n=2))
    reply = Reply((Choice((Text(("a", "b"), whole="c"),)), Choice((Text(("d",)),), "length")))
    body: Any = GENERATE.decode(GENERATE.encode_body(reply, request, IDENTITY))
    assert (body.text, body.finish) == ("c", "stop")
    stream = GENERATE.encode_stream(reply, request, IDENTITY)
    payloads = [json.loads(step.payload) for step in stream.steps if isinstance(step, EventStep)]
    assert [(each.get("index"), each.get("text")) for each in payloads[:-1]] == [(0, "a"), (1, "d"), (0, "b")]
    generations = payloads[-1]["response"]["generations"]
    assert [each["index"] for each in generations] == [0, 1]
    assert [each["finish_reason"] for each in generations] == ["COMPLETE", "MAX_TOKENS"]
    decoded: Any = GENERATE.decode(stream)
    assert decoded.text == "ab"


def test_generation_repeats_its_prompt() -> None:
    body = sent("generate", prompt="hi").json
    assert list(body) == ["id", "generations", "prompt", "meta"]
    assert (body["prompt"], body["generations"][0]["text"]) == ("hi", "Forty two.")
    assert read("generate", {}).messages == ()
    last = lines(sent("generate", prompt="hi", stream=True))[-1]
    assert list(last["response"]) == ["id", "generations", "prompt"]


def test_vectors_are_a_list_unless_types_are_named() -> None:
    plain = sent("embed", texts=["a", "b"]).json
    assert (plain["embeddings"], plain["response_type"]) == ([[1.0, -1.0]] * 2, "embeddings_floats")
    assert plain["meta"]["api_version"] == {"version": "1"}
    assert sent("embed", texts=["a", "b"], embedding_types=None).json == plain
    typed = sent("embed", texts=["a"], embedding_types=["ubinary"]).json
    assert (typed["embeddings"], typed["response_type"]) == ({"ubinary": [[128]]}, "embeddings_by_type")


def test_ranked_documents_are_returned_on_request() -> None:
    fields: Any = {"query": "rain", "documents": ["bread", {"text": "rain", "id": "x"}]}
    assert "document" not in sent("rerank", **fields).json["results"][0]
    results = sent("rerank", **fields, return_documents=True).json["results"]
    assert [result["document"] for result in results] == [{"text": "rain", "id": "x"}, {"text": "bread"}]


@pytest.mark.parametrize("path", ["/cohere/v1/connectors", "/cohere/v1/summarize", "/cohere/v1/datasets/x"])
def test_other_call_of_the_api_is_not_served(path: str) -> None:
    answer = respond_once(SCENARIO, raw_request(path, {}))
    assert answer.status == 501
    assert "mockllm does not serve" in answer.json["message"]


def test_decoder_ignores_what_version_1_does_not_have() -> None:
    def plan(*payloads: Any) -> Plan:
        steps = tuple(EventStep(dumps(payload), 0, "open") for payload in payloads)
        return Plan(ResponseHead(200, ()), steps, Framing.NDJSON)

    odd: Any = decode(
        plan(
            {"event_type": "tomorrow"},
            {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": [], "parameters": 3}},
            {"event_type": "stream-end", "response": 3, "finish_reason": 3},
        )
    )
    assert (odd.text, odd.calls, odd.finish, odd.error) == (None, (), None, None)
    whole: Any = decode(plan({"text": "", "generation_id": "x", "tool_calls": [{"name": 3}, {"name": "a"}]}))
    assert [call.arguments for call in whole.calls] == [None]
    assert decode(plan({"generations": [], "text": "a"})) is not None
    assert read("chat", {"preamble": "p", "message": "m"}).messages[1].parts == (TextPart("m"),)
