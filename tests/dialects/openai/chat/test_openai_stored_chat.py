"""Stored chat completions: create, get, list, update and delete."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.placeholders import Placeholders
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, ResponseHead
from mockllm.core.rendering.prerendered_response import prerender_response
from mockllm.core.reply.reply import Choice, Media, Refusal, Reply, Text, ToolCall
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.chat.stored_calls import (
    DeleteChat,
    StoredChatRequest,
    UpdateChat,
    merge_chunks,
    storage_update,
)
from mockllm.dialects.openai.provider import CHAT_MESSAGES, DELETE_CHAT, GET_CHAT, LIST_CHAT, UPDATE_CHAT
from tests.dialects.openai.chat.chat_requests import IDENTITY, MINIMAL, chat, of_bytes
from tests.dialects.openai.chat.storing_session import StoringSession, body, ids

CALL = ToolCall("get_weather", ('{"city":', ' "Paris"}'), "call_1")


@pytest.mark.parametrize("stream", [False, True])
def test_stored_completion_equals_the_response(stream: bool) -> None:
    session = StoringSession()
    id = session.respond(
        Text(("Hel", "lo")), CALL, stream=stream, metadata={"team": "a"}, user="u", top_p=0.5
    )
    match = body(session.call(GET_CHAT, id))
    message = match["choices"][0]["message"]
    assert (match["id"], match["object"], match["model"]) == (id, "chat.completion", "gpt-4o-2024-08-06")
    assert (message["content"], message["role"]) == ("Hello", "assistant")
    assert message["tool_calls"] == [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
        }
    ]
    assert match["metadata"] == {"team": "a"}
    assert (match["input_user"], match["top_p"], match["temperature"]) == ("u", 0.5, 1.0)
    assert match["request_id"].startswith("req_")
    assert match["usage"]["total_tokens"] >= 0


def test_stored_stream_without_usage_is_counted() -> None:
    session = StoringSession()
    id = session.respond(Text(("Hello there",)), CALL, stream=True)
    usage = body(session.call(GET_CHAT, id))["usage"]
    assert usage["completion_tokens"] > 5
    assert usage["total_tokens"] == usage["completion_tokens"] + usage["prompt_tokens"]


def test_stored_stream_has_its_own_usage() -> None:
    session = StoringSession()
    id = session.respond(Text(("Hi",)), stream=True, stream_options={"include_usage": True})
    assert body(session.call(GET_CHAT, id))["usage"]["completion_tokens"] == 0


def test_stored_stream_joins_calls_and_refusal() -> None:
    session = StoringSession()
    note = ToolCall("note", ("free ", "text"), "call_2")
    tools = [{"type": "custom", "custom": {"name": "note"}}]
    id = session.respond(CALL, note, Refusal(("No", ".")), stream=True, tools=tools)
    message = body(session.call(GET_CHAT, id))["choices"][0]["message"]
    assert [call["id"] for call in message["tool_calls"]] == ["call_1", "call_2"]
    assert message["tool_calls"][1]["custom"] == {"name": "note", "input": "free text"}
    assert message["refusal"] == "No."


def test_stored_stream_has_audio_of_the_body() -> None:
    stored: list[Json] = []
    for stream in (False, True):
        session = StoringSession()
        parts = (Text(("Hi", " there.")), Media("audio/wav", "QUJD" * 9_000))
        audio: Json = {"voice": "alloy", "format": "pcm16"}
        id = session.respond(*parts, stream=stream, modalities=["text", "audio"], audio=audio)
        completion = body(session.call(GET_CHAT, id))
        stored.append(completion["choices"][0]["message"]["audio"])
        assert completion["choices"][0]["message"]["content"] is None
    assert stored[0] == stored[1]
    assert (stored[1]["transcript"], stored[1]["data"]) == ("Hi there.", "QUJD" * 9_000)
    assert completion["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("audio", [None, "x", {"data": 7, "transcript": None}])
def test_odd_audio_of_stored_stream_never_raises(audio: Json) -> None:
    chunk: dict[str, Json] = {"choices": [{"index": 0, "delta": {"audio": audio}}]}
    assert merge_chunks([chunk, chunk])["choices"][0]["index"] == 0


@pytest.mark.parametrize("fields", [{"store": False}, {"store": None}, {"store": "yes"}])
def test_completion_without_store_is_not_stored(fields: dict[str, Json]) -> None:
    session = StoringSession()
    id = session.respond(Text(("Hi",)), **fields)
    assert isinstance(session.call(GET_CHAT, id), Failure)
    assert ids(session.call(LIST_CHAT)) == []


def stream_plan(*payloads: bytes) -> Plan:
    steps = tuple(EventStep(payload, 0, "chunk") for payload in payloads)
    return Plan(ResponseHead(200, ()), steps, Framing.SSE)


def body_plan(payload: bytes, status: int = 200) -> Plan:
    return Plan(ResponseHead(status, ()), (EventStep(payload, 0, "body"),))


CHUNK = b'{"id":"chatcmpl-1","choices":[]}'


@pytest.mark.parametrize(
    "plan",
    [
        stream_plan(),
        stream_plan(CHUNK),
        stream_plan(CHUNK, b'{"error":{}}', b"[DONE]"),
        stream_plan(b"{", b"[DONE]"),
        replace(
            stream_plan(CHUNK, b"[DONE]"), steps=(*stream_plan(CHUNK, b"[DONE]").steps, CutStep("reset", 1))
        ),
        body_plan(b"no JSON"),
        body_plan(b"[]"),
        body_plan(b'{"id":"chatcmpl-1"}', 500),
        body_plan(b'{"id":"resp_1"}'),
    ],
)
def test_incomplete_completion_is_not_stored(plan: Plan) -> None:
    assert storage_update(plan, chat(store=True)) is None


def test_raw_bytes_of_a_scenario_are_stored_unchanged() -> None:
    payload = b'{"id":"chatcmpl-1","choices":["?",{"message":{"content":"Hi there"}}]}'
    result = storage_update(body_plan(payload), chat(store=True))
    assert result is not None
    assert result.stored is not None
    assert loads(result.stored.response_body)["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize(
    ("chunks", "choices"),
    [
        ([{"choices": [{"index": "x", "delta": {"content": "a"}}]}], []),
        ([{"choices": "?"}], []),
    ],
)
def test_invalid_chunks_add_nothing_to_stored_completion(
    chunks: list[dict[str, Json]], choices: Json
) -> None:
    assert merge_chunks(chunks)["choices"] == choices


def test_stored_stream_joins_function_call_and_logprobs() -> None:
    def chunk(delta: Json, logprobs: Json = None) -> dict[str, Json]:
        return {"choices": [{"index": 0, "delta": delta, "logprobs": logprobs}]}

    (choice,) = merge_chunks(
        [
            chunk({"function_call": {"name": "f", "arguments": ""}}, {"content": [1], "refusal": None}),
            chunk({"function_call": {"arguments": "{}"}}, {"content": [2], "refusal": None}),
            chunk({"tool_calls": [{"index": 0, "function": "?"}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": "lost"}}]}),
        ]
    )["choices"]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert choice["logprobs"] == {"content": [1, 2], "refusal": None}


@pytest.mark.parametrize("stream", [False, True])
def test_prerendered_completion_is_stored_with_its_values(stream: bool) -> None:
    placeholders = Placeholders(IDENTITY.ids, 7.0, 1)
    request = chat(store=True, stream=stream)
    say = CHAT.encode_stream if stream else CHAT.encode_body
    plan = say(
        Reply((Choice((Text(("Hi",)),)),)), request, ResponseIdentity(placeholders.ids, placeholders.now)
    )
    prerendered = prerender_response(plan, placeholders)
    result = CHAT.storage_update(
        prerendered.plan(prerendered.compute_placeholder_values(IDENTITY.ids.id_seed, 7, 1)), request
    )
    assert result is not None
    assert result.stored is not None
    assert loads(result.stored.response_body)["choices"][0]["message"]["content"] == "Hi"


def test_completion_list_has_pages() -> None:
    session = StoringSession()
    payload = [session.respond(Text((text,))) for text in ("one", "two", "three")]
    assert ids(session.call(LIST_CHAT)) == payload
    assert ids(session.call(LIST_CHAT, query="order=desc")) == payload[::-1]
    first = body(session.call(LIST_CHAT, query="limit=2&order=sideways"))
    assert (first["first_id"], first["last_id"], first["has_more"]) == (payload[0], payload[1], True)
    assert ids(session.call(LIST_CHAT, query=f"after={payload[1]}&limit=x")) == payload[2:]


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("model=gpt-4o-2024-08-06", [0, 1]),
        ("model=other", []),
        ("metadata%5Bteam%5D=a", [0]),
        ("metadata[team]=a&metadata[env]=test", []),
        ("metadata[team]=b&model=gpt-4o-2024-08-06", [1]),
        ("unknown=1", [0, 1]),
    ],
)
def test_completion_list_filters_by_model_and_metadata(query: str, match: list[int]) -> None:
    session = StoringSession()
    payload = [session.respond(Text(("Hi",)), metadata={"team": team}) for team in "ab"]
    assert ids(session.call(LIST_CHAT, query=query)) == [payload[place] for place in match]


def test_update_replaces_the_metadata() -> None:
    session = StoringSession()
    payload = [session.respond(Text((text,))) for text in ("one", "two")]
    changed = body(session.call(UPDATE_CHAT, payload[0], body={"metadata": {"a": "b"}}))
    assert changed["metadata"] == {"a": "b"}
    assert body(session.call(GET_CHAT, payload[0])) == changed
    assert ids(session.call(LIST_CHAT)) == payload
    assert body(session.call(UPDATE_CHAT, payload[0], body={"metadata": None}))["metadata"] == {}


@pytest.mark.parametrize(
    ("payload", "param"),
    [
        ({}, "metadata"),
        ([], None),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"metadata": dict.fromkeys(map(str, range(17)), "")}, "metadata"),
    ],
)
def test_update_with_invalid_metadata_is_refused(payload: Json, param: str | None) -> None:
    session = StoringSession()
    wrong = session.call(UPDATE_CHAT, session.respond(Text(("Hi",))), body=payload)
    assert isinstance(wrong, Failure)
    assert (wrong.type, wrong.fields["param"]) == ("bad_request", param)


def test_unreadable_update_is_refused_in_any_validation() -> None:
    request = StoredChatRequest(method="POST", path="/", headers={}, raw=b"{")
    assert UPDATE_CHAT.check_readable(request) is not None
    assert GET_CHAT.check_readable(request) is None


def test_deleted_completion_is_not_found() -> None:
    session = StoringSession()
    id = session.respond(Text(("Hi",)))
    deleted = body(session.call(DELETE_CHAT, id))
    assert deleted == {"object": "chat.completion.deleted", "id": id, "deleted": True}
    for call in (GET_CHAT, UPDATE_CHAT, DELETE_CHAT, CHAT_MESSAGES):
        match = session.call(call, id, body={"metadata": None})
        assert isinstance(match, Failure)
        assert (match.type, match.message) == ("not_found", f"Chat completion with id '{id}' not found.")


def test_missing_completion_gets_the_providers_404() -> None:
    request = StoredChatRequest(method="GET", path="/v1/chat/completions/x", headers={})
    plan = GET_CHAT.error(Failure("not_found", message="Not there."), request, IDENTITY)
    assert plan.head.status == 404
    assert body(plan)["error"] == {
        "message": "Not there.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


@pytest.mark.parametrize("call", [UPDATE_CHAT, DELETE_CHAT])
def test_error_response_updates_no_store(call: UpdateChat | DeleteChat) -> None:
    session = StoringSession()
    id = session.respond(Text(("Hi",)))
    for name in (id, "chatcmpl-other"):
        request = StoredChatRequest(
            method="POST",
            path="/",
            headers={},
            path_variables={"completion": name},
            object_lookup=session.memory.lookup(""),
        )
        assert call.storage_update(body_plan(b"{}", 503), request) is None


def test_id_of_another_kind_is_no_completion() -> None:
    session = StoringSession()
    assert isinstance(session.call(GET_CHAT, "resp_1"), Failure)


def test_completion_messages_are_listed() -> None:
    session = StoringSession()
    parts = [{"type": "text", "text": "hi"}]
    request = [
        {"role": "system", "content": "be kind", "name": "boss"},
        {"role": "user", "content": parts},
        {"role": "tool", "content": "21", "tool_call_id": "call_1"},
    ]
    id = session.respond(Text(("Hi",)), messages=request)
    shown = body(session.call(CHAT_MESSAGES, id))
    assert shown["data"] == [
        {"id": f"{id}-0", "role": "system", "content": "be kind", "name": "boss", "content_parts": None},
        {"id": f"{id}-1", "role": "user", "content": None, "name": None, "content_parts": parts},
        {
            "id": f"{id}-2",
            "role": "tool",
            "content": "21",
            "name": None,
            "content_parts": None,
            "tool_call_id": "call_1",
        },
    ]
    assert (shown["first_id"], shown["last_id"]) == (f"{id}-0", f"{id}-2")
    assert ids(session.call(CHAT_MESSAGES, id, "order=desc&limit=1")) == [f"{id}-2"]


def test_request_with_store_in_a_text_is_not_stored() -> None:
    raw = dumps({**MINIMAL, "user": '"store"'})
    assert storage_update(body_plan(b'{"id":"chatcmpl-1"}'), of_bytes(raw)) is None


def test_list_with_limit_0_has_the_default_size() -> None:
    session = StoringSession()
    session.respond(Text(("one",)))
    listed = session.call(LIST_CHAT, query="limit=0")
    assert isinstance(listed, Plan)
    first = listed.steps[0]
    assert isinstance(first, EventStep)
    page = loads(first.payload)
    assert (len(page["data"]), page["has_more"]) == (1, False)
