"""Recordings as replies: what remains of errors, empty responses, citations and searches, and what is noted."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, dumps
from tests.language.virtual_server import (
    ClientResponse,
    VirtualServer,
    chat_request,
    claude_request,
    raw_request,
)

CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
GEMINI = "/v1beta/models/gemini-3.5-flash:generateContent"
REQUESTS = {
    "chat": chat_request(),
    "responses": raw_request("/v1/responses", {"model": "m", "input": "hi"}),
    "embeddings": raw_request("/v1/embeddings", {"model": "m", "input": "hi"}),
    "claude": claude_request(),
    "gemini": raw_request(GEMINI, CONTENTS),
    "ollama": raw_request("/api/chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
}


def replayed(recorded: Json, request: str, status: int = 200) -> ClientResponse:
    """The response to a request with a recording: a body, or the events of a stream."""
    stream = isinstance(recorded, list)
    data = "".join(f"data: {dumps(event).decode()}\n\n" for event in recorded) if stream else dumps(recorded)
    kind = "text/event-stream" if stream else "application/json"
    text = data if isinstance(data, str) else data.decode()
    replay = {"as": "reply", "status": status, "frames": [{"data": text}], "headers": {"content-type": kind}}
    match = "{api: embeddings}" if request == "embeddings" else "{}"
    rule = f"{{match: {match}, replay: {dumps(replay).decode()}}}"
    return VirtualServer(f"rules: [{rule}]").respond(REQUESTS[request])


# --- errors ------------------------------------------------------------------------------------------

WRONG = {"message": "No.", "type": "invalid_request_error", "param": "tools[0]", "code": "invalid_parameters"}


@pytest.mark.parametrize("request_name", ["chat", "responses", "embeddings"])
def test_error_of_the_same_protocol_has_its_members(request_name: str) -> None:
    response = replayed({"error": WRONG}, request_name, 400)
    assert (response.status, response.json) == (400, {"error": WRONG})


def test_error_has_a_null_and_further_members() -> None:
    gone = {**WRONG, "code": "model_not_found", "param": None, "help": "x"}
    assert replayed({"error": gone}, "chat", 404).json == {"error": gone}


@pytest.mark.parametrize(
    ("request_name", "expected"),
    [
        ("claude", {"type": "invalid_request_error", "message": "No."}),
        ("gemini", {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}),
        ("ollama", "No."),
    ],
)
def test_error_of_another_protocol_has_the_message(request_name: str, expected: Json) -> None:
    assert replayed({"error": WRONG}, request_name, 400).json["error"] == expected


def test_other_protocols_have_their_members_too() -> None:
    limited = {"type": "error", "error": {"type": "billing_error", "message": "Pay."}}
    assert replayed(limited, "claude", 400).json["error"] == limited["error"]
    assert replayed(limited, "chat", 400).json["error"]["type"] == "invalid_request_error"
    details = [{"@type": "x", "reason": "R"}]
    denied = {"error": {"code": 403, "message": "No.", "status": "DENIED", "details": details}}
    assert replayed(denied, "gemini", 403).json["error"]["status"] == "DENIED"


def test_error_that_no_protocol_reads_has_its_status() -> None:
    assert replayed("odd", "chat", 404).status == 404


# --- responses without content -----------------------------------------------------------------------

EXHAUSTED: dict[str, Any] = {
    "object": "response",
    "status": "incomplete",
    "incomplete_details": {"reason": "max_output_tokens"},
    "output": [{"type": "reasoning", "id": "rs_1", "summary": []}],
    "usage": {
        "input_tokens": 9,
        "output_tokens": 50,
        "total_tokens": 59,
        "output_tokens_details": {"reasoning_tokens": 50},
    },
}
EMPTY: dict[str, tuple[Json, str]] = {
    "responses": (EXHAUSTED, "length"),
    "a stream of responses": (
        [
            {"type": "response.output_item.added", "output_index": 0, "item": EXHAUSTED["output"][0]},
            {"type": "response.output_item.done", "output_index": 0, "item": EXHAUSTED["output"][0]},
            {"type": "response.incomplete", "response": EXHAUSTED},
        ],
        "length",
    ),
    "an empty text": (
        {"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP"}]},
        "stop",
    ),
    "no parts": (
        {
            "candidates": [{"content": {"role": "model"}, "finishReason": 2}],
            "usageMetadata": {"promptTokenCount": 5},
        },
        "length",
    ),
    "no content": ({"candidates": [{"finishReason": "MODEL_ARMOR"}]}, "MODEL_ARMOR"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_response_without_content_is_replayed(name: str) -> None:
    recorded, finish = EMPTY[name]
    (choice,) = replayed(recorded, "chat").json["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", finish)
    (candidate,) = replayed(recorded, "gemini").json["candidates"]
    assert candidate["finishReason"] == {"length": "MAX_TOKENS", "stop": "STOP"}.get(finish, finish)


def test_response_without_content_has_its_usage() -> None:
    response = replayed(EXHAUSTED, "responses").json
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["usage"]["output_tokens_details"] == {"reasoning_tokens": 50}


@pytest.mark.parametrize("recorded", [{"fruit": 1}, {"object": "response", "output": [], "status": "failed"}])
def test_response_of_no_model_is_refused(recorded: Json) -> None:
    response = replayed(recorded, "chat")
    assert response.status == 400
    assert "no protocol decodes the recording" in response.json["error"]["message"]


# --- citations and searches --------------------------------------------------------------------------

TEXT = "Blue is a colour (a). Red is one too (a)."


def cited(start: int, **more: Json) -> dict[str, Json]:
    return {"url": "https://a.example", "title": "A", "start_index": start, "end_index": start + 3, **more}


FIRST, SECOND = cited(TEXT.index("(a)")), cited(TEXT.rindex("(a)"))


def annotated(*citations: dict[str, Json]) -> list[Json]:
    return [{"type": "url_citation", **citation} for citation in citations]


def completion(annotations: Json) -> Json:
    message = {"role": "assistant", "content": TEXT, "annotations": annotations}
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


def output(*items: Json) -> Json:
    return {"object": "response", "status": "completed", "output": list(items)}


def message(*parts: Json) -> Json:
    return {"type": "message", "role": "assistant", "content": list(parts)}


NESTED: list[Json] = [{"type": "url_citation", "url_citation": citation} for citation in (FIRST, SECOND)]
OPENED = {"type": "response.content_part.added", "output_index": 0, "part": {"type": "output_text"}}


def streamed(text: str, *citations: dict[str, Json]) -> list[Json]:
    added = {"type": "response.output_text.annotation.added", "output_index": 0}
    return [
        OPENED,
        {"type": "response.output_text.delta", "output_index": 0, "delta": text},
        *({**added, "annotation": annotation} for annotation in annotated(*citations)),
    ]


@pytest.mark.parametrize(
    "recorded",
    [
        completion(NESTED),
        [
            {"choices": [{"index": 0, "delta": {"content": TEXT}}]},
            {"choices": [{"index": 0, "delta": {"annotations": NESTED}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        ],
        output(message({"type": "output_text", "text": TEXT, "annotations": annotated(FIRST, SECOND)})),
        output(
            message(
                {"type": "output_text", "text": TEXT[:21], "annotations": annotated(FIRST)},
                {"type": "output_text", "text": TEXT[21:], "annotations": annotated(cited(16))},
            )
        ),
        [
            *streamed(TEXT[:21], FIRST),
            *streamed(TEXT[21:], cited(16)),
            {"type": "response.completed", "response": output()},
        ],
    ],
)
def test_citations_are_in_the_reply(recorded: Json) -> None:
    chat = replayed(recorded, "chat")
    assert chat.json["choices"][0]["message"]["content"] == TEXT
    assert chat.json["choices"][0]["message"]["annotations"] == NESTED
    assert not chat.planned.notes
    (item,) = replayed(recorded, "responses").json["output"]
    assert item["content"][0]["annotations"] == annotated(FIRST, SECOND)
    assert "citations" in dumps(replayed(recorded, "claude").json["content"]).decode()


def test_citation_of_no_place_is_of_the_whole_text() -> None:
    recorded = completion([{"type": "url_citation", "url_citation": {"url": "https://a.example"}}])
    (found,) = replayed(recorded, "chat").json["choices"][0]["message"]["annotations"]
    place = {"start_index": 0, "end_index": len(TEXT)}
    assert found["url_citation"].items() >= place.items()


def test_citation_without_a_text_is_noted() -> None:
    recorded = completion(NESTED)
    recorded["choices"][0]["message"] |= {"content": None, "refusal": "No."}
    assert replayed(recorded, "chat").planned.notes == (
        "citations left out: a reply made of a recording has none",
    )


def search(action: Json = None, **more: Json) -> Json:
    return {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": action, **more}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (search({"type": "search", "query": "q", "queries": ["q"]}), {"query": "q"}),
        (search({"type": "search", "queries": ["q"]}), {"query": "q"}),
        (search({"type": "open_page", "url": "https://a"}), {"type": "open_page", "url": "https://a"}),
        (
            search({"type": "find_in_page", "url": "https://a", "pattern": "p"}),
            {"type": "find_in_page", "url": "https://a", "pattern": "p"},
        ),
        (search(), {"query": ""}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_searches_are_in_the_reply(item: Json, expected: dict[str, Json], stream: bool) -> None:
    text = message({"type": "output_text", "text": "Hi", "annotations": []})
    events = [
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        *streamed("Hi"),
        {"type": "response.output_item.done", "output_index": 1, "item": text},
        {"type": "response.completed", "response": output(item, text)},
    ]
    response = replayed(events if stream else output(item, text), "responses")
    found, _ = response.json["output"]
    assert found["type"] == "web_search_call"
    assert found["action"].items() >= expected.items()
    assert not response.planned.notes


def test_failed_search_and_its_sources_are_in_the_reply() -> None:
    source = {"type": "url", "url": "https://a.example"}
    action = {"type": "search", "query": "q", "sources": [source, {"type": "api", "name": "x"}]}
    found, *_ = replayed(output(search(action, status="failed")), "responses").json["output"]
    assert found["status"] == "failed"
    results = replayed(output(search(action)), "claude").json["content"][1]["content"]
    assert [result["url"] for result in results] == ["https://a.example"]


@pytest.mark.parametrize(
    ("recorded", "name"),
    [
        (
            output(message({"type": "output_text", "text": "a"}), {"type": "image_generation_call"}),
            "image_generation_call",
        ),
        (completion([{"type": "file_citation", "file_id": "f"}]), "file_citation"),
        (
            output(search({"type": "search", "query": "q", "queries": ["q", "r"]})),
            "a second query of web_search_call",
        ),
    ],
)
def test_what_a_reply_lacks_is_noted(recorded: Json, name: str) -> None:
    notes = replayed(recorded, "responses").planned.notes
    assert notes == (f"{name} left out: a reply made of a recording has none",)


def test_error_in_a_recorded_stream_is_noted() -> None:
    recorded = [{"choices": [{"index": 0, "delta": {"content": "Hi"}}]}, {"error": WRONG}]
    (note,) = replayed(recorded, "chat").planned.notes
    assert note == "the error in the recorded stream left out: the reply ends before it"


def test_notes_repeat_with_each_response() -> None:
    replay = {"as": "reply", "frames": [{"data": dumps(completion([{"type": "file_citation"}])).decode()}]}
    server = VirtualServer(f"rules: [{{replay: {dumps(replay).decode()}}}]")
    first, second = (server.respond(chat_request()).planned.notes for _ in range(2))
    assert first == second != ()


def test_odd_items_are_no_content() -> None:
    response = replayed(output({}, 1, message({"type": "output_text", "text": "a"})), "responses")
    assert len(response.json["output"]) == 1
    assert not response.planned.notes
