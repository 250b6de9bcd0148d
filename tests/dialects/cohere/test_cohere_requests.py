"""Requests and responses of Cohere's API: what is read, what is refused, and what a response has."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.messages import CallPart, MediaPart, ResultPart, ThinkingPart
from mockllm.core.request.request import Request, TextPart
from mockllm.dialects.cohere.decoder import decode
from mockllm.dialects.cohere.encoder import COHERE_LAYOUT
from mockllm.dialects.cohere.lookups import in_form, relevance
from tests.language.virtual_server import VirtualServer, raw_request, respond_once

SCENARIO = """
rules:
  - {match: {user: native}, reply: {parts: [x], extras: {cohere: {served: true}}}}
  - {match: {api: embeddings, user: fixed}, reply: {embedding: [1.0, -1.0], usage: {input_tokens: 5}}}
  - {match: {user: broken}, reply: {chunks: [Half, {error: overloaded}]}}
  - {match: {user: refuse}, reply: {refusal: No.}}
  - {match: {user: searched}, reply: {text: Found., server_tools: [{web_search: {query: rain}}]}}
  - {reply: {thinking: Hm., text: Yes., tool_calls: [{name: look, arguments: {a: 1}}, {name: now, id: x}]}}
"""
ENGINE = VirtualServer(SCENARIO).engine


def chat(**fields: Any) -> Any:
    return raw_request(
        "/cohere/v2/chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    )


def read(path: str, body: Any) -> Request:
    sent = raw_request(f"/cohere/v2/{path}", body)
    return ENGINE.read("POST", sent.path, "", {}, sent.body, "", 0.0)


def test_messages_of_every_role_are_read() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    content = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"thinking": "hm"},
        {"other": 1},
    ]
    body = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": content},
            {"role": "assistant", "tool_plan": "I look.", "tool_calls": [call, {"function": 3}]},
            {
                "role": "tool",
                "tool_call_id": "c",
                "content": [{"document": {"data": "d"}}, {"text": "t"}, {}],
            },
            {"role": "tool", "tool_call_id": "other", "content": "plain"},
            {"role": "stranger", "content": "x"},
            {"role": 3},
        ],
        "tools": [
            {"type": "function", "function": {"name": "look", "parameters": {}, "description": "d"}},
            {},
        ],
        "max_tokens": 9,
        "stop_sequences": ["a", 3],
        "thinking": {"type": "disabled"},
    }
    request = read("chat", body)
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool", "tool"]
    assert request.messages[1].parts == (TextPart("see"), MediaPart("image"), ThinkingPart("hm"))
    assert request.messages[2].parts[:2] == (ThinkingPart("I look."), CallPart("c", "look", {}))
    assert request.messages[3].parts == (ResultPart("c", "look", "d\nt\n"),)
    assert [tool.name for tool in request.tools] == ["look"]
    assert (request.output_bounds.max_tokens, request.output_bounds.stop) == (9, ("a",))


@pytest.mark.parametrize(
    ("choice", "mode"), [("REQUIRED", "any"), ("NONE", "none"), (None, "auto"), (7, "auto")]
)
def test_tool_choice_is_read(choice: Any, mode: str) -> None:
    assert read("chat", {"tool_choice": choice}).tool_choice.mode == mode


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ({"type": "json_object"}, "json"),
        ({"type": "json_object", "json_schema": {}}, "schema"),
        ({"type": "json_object", "json_schema": None, "schema": {}}, "schema"),
        ({"type": "text"}, "text"),
        (3, "text"),
    ],
)
def test_response_format_is_read(form: Any, kind: str) -> None:
    assert read("chat", {"response_format": form}).response_format.kind == kind


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("chat", None, "the request body is missing"),
        ("chat", "[]", "no JSON object"),
        ("chat", {}, "model is required"),
        ("chat", {"model": 3}, "parameter model is of another type"),
        ("chat", {"model": "m", "messages": []}, "messages must not be empty"),
        ("chat", {"model": "m", "messages": [3]}, "each message needs a role"),
        ("chat", {"model": "m", "messages": [{"role": "x"}]}, "each message needs a role"),
        ("chat", {"model": "m", "messages": [{"role": "user"}], "max_tokens": -1}, "max_tokens"),
        ("embed", {"model": "m"}, "input_type is required"),
        ("embed", {"model": "m", "input_type": "search_query"}, "one of texts, images or inputs"),
        (
            "embed",
            {"model": "m", "input_type": "x", "texts": ["a"], "embedding_types": ["half"]},
            "unknown embedding type half",
        ),
        ("rerank", {"model": "m", "query": "q", "documents": True}, "parameter documents"),
    ],
)
def test_wrong_request_is_refused(path: str, body: Any, message: str) -> None:
    answer = respond_once(SCENARIO, raw_request(f"/cohere/v2/{path}", body))
    assert answer.status == 400
    assert message in answer.json["message"]
    assert answer.json["id"]


def test_response_has_blocks_calls_and_usage() -> None:
    body = respond_once(SCENARIO, chat()).json
    assert body["message"]["content"] == [{"type": "thinking", "thinking": "Hm."}]
    assert body["message"]["tool_plan"] == "Yes."
    first, second = body["message"]["tool_calls"]
    assert (first["function"], second["id"]) == ({"name": "look", "arguments": '{"a":1}'}, "x")
    assert body["finish_reason"] == "TOOL_CALL"
    assert set(body["usage"]) == {"billed_units", "tokens", "cached_tokens"}


def test_disabled_thinking_is_left_out() -> None:
    body = respond_once(SCENARIO, chat(thinking={"type": "disabled"})).json
    assert "content" not in body["message"]
    assert body["message"]["tool_plan"] == "Yes."


CITED = """
rules:
  - match: {user: tool}
    reply: &cited
      text: It rains in Oslo.
      citations: [{url: "https://a.example", title: Rain, quote: wet, words: rains}]
  - reply: {thinking: Hm., text: It rains., citations: [{url: "https://a.example", words: rains}]}
"""


def test_citations_have_their_place_and_source() -> None:
    body = respond_once(CITED, chat()).json
    (cited,) = body["message"]["citations"]
    assert (cited["start"], cited["end"], cited["text"], cited["content_index"]) == (3, 8, "rains", 1)
    assert cited["sources"][0]["document"]["url"] == "https://a.example"
    call: Any = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns: Any = [
        {"role": "user", "content": "tool"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "wet"},
    ]
    (cited,) = respond_once(CITED, chat(messages=turns)).json["message"]["citations"]
    assert cited["sources"][0]["tool_output"] == {"title": "Rain", "url": "https://a.example", "text": "wet"}


def test_citations_are_events_before_the_end_of_a_text() -> None:
    answer = respond_once(CITED, chat(stream=True))
    kinds = [event.name for event in answer.events]
    assert kinds[-5:] == ["citation-start", "citation-end", "content-end", "message-end", None]


def test_tool_plan_is_decoded() -> None:
    event = {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I look."}}}
    decoded = decode(Plan(ResponseHead(200, ()), (EventStep(dumps(event), 0, "body"),)))
    assert decoded is not None
    assert decoded.text == "I look."
    place = COHERE_LAYOUT.text(event)
    assert place is not None
    assert place.member == "tool_plan"


def test_stream_has_events_of_each_block() -> None:
    answer = respond_once(SCENARIO, chat(stream=True))
    kinds = [event.name for event in answer.events]
    assert kinds[0] == "message-start"
    assert kinds.count("content-start") == kinds.count("content-end") == 1
    assert kinds.count("tool-plan-delta") > 0
    assert kinds.count("tool-call-start") == kinds.count("tool-call-end") == 2
    assert answer.events[-1].data == "[DONE]"


def test_error_in_a_stream_is_its_end() -> None:
    sent = chat(stream=True, messages=[{"role": "user", "content": "broken"}])
    last = respond_once(SCENARIO, sent).events[-1].json
    assert (last["type"], last["delta"]["finish_reason"]) == ("message-end", "ERROR")


def test_refusal_is_a_text_and_extras_are_added() -> None:
    refused = respond_once(SCENARIO, chat(messages=[{"role": "user", "content": "refuse"}])).json
    assert refused["message"]["content"] == [{"type": "text", "text": "No."}]
    native = respond_once(SCENARIO, chat(messages=[{"role": "user", "content": "native"}])).json
    assert native["served"] is True


def test_server_tools_are_left_out_with_a_note() -> None:
    requested = [{"role": "user", "content": "searched"}]
    whole = respond_once(SCENARIO, chat(messages=requested))
    assert whole.json["message"]["content"] == [{"type": "text", "text": "Found."}]
    streamed = respond_once(SCENARIO, chat(messages=requested, stream=True))
    assert [event.name for event in streamed.events].count("content-start") == 1
    assert "server_tools left out" in whole.notes
    assert "server_tools left out" in streamed.notes


def test_embeddings_of_a_rule_are_its_vectors() -> None:
    body = {
        "model": "m",
        "input_type": "search_query",
        "texts": ["fixed"],
        "embedding_types": ["float", "ubinary"],
    }
    answer = respond_once(SCENARIO, raw_request("/cohere/v2/embed", body)).json
    assert answer["embeddings"] == {"float": [[1.0, -1.0]], "ubinary": [[128]]}
    assert answer["meta"]["billed_units"] == {"input_tokens": 5}


def test_embeddings_take_images_and_inputs() -> None:
    inputs = [{"content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]}]
    body = {
        "model": "m",
        "input_type": "image",
        "images": ["data:x", 3],
        "inputs": inputs,
        "output_dimension": 4,
    }
    answer = respond_once(SCENARIO, raw_request("/cohere/v2/embed", body)).json
    assert [len(vector) for vector in answer["embeddings"]["float"]] == [4, 4]
    assert answer["texts"] == []


def test_vector_has_each_form() -> None:
    values = (0.5, -0.5, 1.0, -1.0)
    assert in_form(values, "int8") == [64, -64, 127, -127]
    assert in_form(values, "uint8") == [192, 64, 255, 1]
    assert in_form(values, "ubinary") == [160]
    assert in_form(values, "binary") == [32]
    assert in_form(values, "base64") == "AAAAPwAAAL8AAIA/AACAvw=="


def test_ranking_is_by_shared_words() -> None:
    body = {"model": "m", "query": "rain in Oslo", "documents": ["bread", {"text": "rain in Oslo"}, "Oslo"]}
    answer = respond_once(SCENARIO, raw_request("/cohere/v2/rerank", body)).json
    assert [result["index"] for result in answer["results"]] == [1, 2, 0]
    assert read("rerank", body).user == "rain in Oslo"
    assert read("rerank", {}).messages == ()
    assert relevance(frozenset(), "x") == 0.05


def test_decoder_ignores_what_it_does_not_know() -> None:
    def plan(*events: Any, status: int = 200) -> Plan:
        steps = tuple(EventStep(json.dumps(event).encode(), 0, "open") for event in events)
        return Plan(ResponseHead(status, ()), steps, Framing.SSE)

    assert decode(plan({"a": 1}, [1])) is None
    odd = [
        {"type": "content-delta", "delta": {"message": {"content": {"image": 1}}}},
        {"type": "tool-call-start", "index": [1], "delta": {"message": {"tool_calls": {}}}},
        {"type": "citation-start"},
        {"type": "message-end", "delta": {"finish_reason": 3, "usage": {"tokens": 3}}},
    ]
    found = decode(plan(*odd))
    assert found is not None
    assert (found.text, found.calls, found.finish, found.usage) == (None, (), None, None)
    whole = decode(plan({"finish_reason": "COMPLETE", "message": {"content": [{"x": 1}]}}))
    assert whole is not None
    assert whole.text is None


@pytest.mark.parametrize("stream", [False, True])
def test_result_alone_has_tool_of_earlier_response(stream: bool) -> None:
    game = VirtualServer("""
        rules:
          - {match: {tool_result: {name: look}}, reply: "{{ tool_result.text }}"}
          - {match: {user: hi}, reply: {tool_calls: [{name: look, arguments: {}}]}}
        """)
    result = {"role": "tool", "content": "sunny"}
    for _ in range(3):  # the later ones are cached
        called = sent_bytes(game.respond(chat(stream=stream)).planned.plan).decode()
        (id,) = re.findall(r'"id":"(look_\w+)"', called)
        received = game.respond(chat(messages=[{**result, "tool_call_id": id}]))
        assert received.json["message"]["content"][0]["text"] == "sunny"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("v2/chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        ("v1/chat", {"message": "hi"}),
        ("v1/generate", {"prompt": "hi", "end_sequences": [" two"]}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_stop_sequence_is_the_finish_reason(path: str, fields: Any, stream: bool) -> None:
    scenario = "rules: [{reply: one two three}]"
    body = {"stop_sequences": [" two"], **fields, "stream": stream}
    response = respond_once(scenario, raw_request(f"/cohere/{path}", body))
    assert set(re.findall(rb'"finish_reason":"(\w+)"', response.bytes)) == {b"STOP_SEQUENCE"}
    assert b"two" not in response.bytes


def test_raw_finish_reason_stays_at_a_stop_sequence() -> None:
    scenario = "rules: [{reply: {text: one two, finish_reason: {raw: COMPLETE}}}]"
    response = respond_once(scenario, chat(stop_sequences=[" two"]))
    assert response.json["finish_reason"] == "COMPLETE"
