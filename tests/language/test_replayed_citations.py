"""Citations of recordings that are replayed as replies: they stay where the language has them, else noted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientResponse,
    chat_request,
    claude_request,
    raw_request,
    respond_once,
)

RUBY = {
    "type": "web_search_result_location",
    "url": "https://ruby.test/downloads",
    "title": "Downloads",
    "cited_text": "The stable version is 4.0.6.",
    "encrypted_index": "Eo8B",
}
FILE = {"type": "char_location", "cited_text": "x", "document_index": 0, "document_title": "facts.txt"}


def event(payload: dict[str, Any]) -> str:
    return f"event: {payload['type']}\ndata: {json.dumps(payload)}\n\n"


def block(index: int, *deltas: dict[str, Any]) -> str:
    """The events of a text block."""
    opened = {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
    changes = ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
    return "".join(map(event, (opened, *changes, {"type": "content_block_stop", "index": index})))


def text(words: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": words}


def cites(citation: dict[str, Any]) -> dict[str, Any]:
    return {"type": "citations_delta", "citation": citation}


MESSAGE = {"type": "message", "role": "assistant", "model": "claude-sonnet-5", "stop_reason": "end_turn"}
START = event({"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}})
END = event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}) + event({"type": "message_stop"})
RECORDED = {
    "body": json.dumps(
        {
            **MESSAGE,
            "content": [
                {"type": "text", "text": "It is "},
                {"type": "text", "text": "4.0.6", "citations": [RUBY]},
                {"type": "text", "text": ", found today."},
            ],
        }
    ),
    "stream": START
    + block(0, text("It is "))
    + block(1, cites(RUBY), text("4.0"), text(".6"))
    + block(2, text(", found today."))
    + END,
    "cut stream": START
    + block(0, text("It is "))
    + block(1, cites(RUBY), text("4.0.6")).rpartition("event:")[0],
}


def replayed(data: str, request: Any) -> ClientResponse:
    media = "text/event-stream" if data.startswith(("event:", "data:")) else "application/json"
    replay = {"headers": {"content-type": media}, "frames": [{"data": data}], "as": "reply"}
    return respond_once(json.dumps({"validation": "off", "rules": [{"replay": replay}]}), request)


@pytest.mark.parametrize("form", RECORDED)
def test_citations_of_claude_stay(form: str) -> None:
    response = replayed(RECORDED[form], claude_request())
    content = [{key: part[key] for key in part if key != "type"} for part in response.json["content"]]
    assert [part["text"] for part in content][:2] == ["It is ", "4.0.6"]
    (cited,) = content[1]["citations"]
    assert (cited["url"], cited["title"], cited["cited_text"]) == (
        RUBY["url"],
        RUBY["title"],
        RUBY["cited_text"],
    )
    assert "left out" not in response.notes


def test_citations_of_claude_become_annotations() -> None:
    response = replayed(RECORDED["stream"], chat_request())
    (annotation,) = response.choice["message"]["annotations"]
    source = annotation["url_citation"]
    assert (source["url"], source["start_index"], source["end_index"]) == (RUBY["url"], 6, 11)


@pytest.mark.parametrize("stream", [False, True])
def test_citations_without_an_address_are_noted(stream: bool) -> None:
    content = [{"type": "text", "text": "Red.", "citations": [FILE]}]
    body = json.dumps({**MESSAGE, "content": content})
    response = replayed(
        START + block(0, text("Red."), cites(FILE)) + END if stream else body, claude_request()
    )
    assert response.text == "Red."
    assert "char_location left out: a reply made of a recording has none" in response.notes


REPLY_TEXT = "Zürich is in the north. Bern is the capital."
GROUNDING: dict[str, Any] = {
    "groundingChunks": [
        {"web": {"uri": "https://a.test", "title": "A"}},
        {"web": {"uri": "https://b.test", "title": "B"}},
    ],
    "groundingSupports": [
        {"segment": {"endIndex": 24, "text": "Zürich is in the north."}, "groundingChunkIndices": [0]},
        {
            "segment": {"startIndex": 25, "endIndex": 45, "text": "Bern is the capital."},
            "groundingChunkIndices": [0, 1],
        },
    ],
}


def gemini(grounding: dict[str, Any], *, stream: bool) -> str:
    """A recording of Gemini. Positions are in bytes of UTF-8."""
    ends = {"finishReason": "STOP", "groundingMetadata": grounding}
    if not stream:
        return json.dumps({"candidates": [{"content": {"parts": [{"text": REPLY_TEXT}]}, **ends}]})
    chunks: list[dict[str, Any]] = [
        {"content": {"parts": [{"text": REPLY_TEXT[:9]}]}, "groundingMetadata": {}},
        {"content": {"parts": [{"text": REPLY_TEXT[9:]}]}, "groundingMetadata": {}},
        {"content": {"parts": [{"text": ""}]}, **ends},
    ]
    return "".join(f"data: {json.dumps({'candidates': [chunk]})}\r\n\r\n" for chunk in chunks)


def search_request() -> Any:
    return raw_request("/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "x"}]}]})


@pytest.mark.parametrize("stream", [False, True])
def test_grounding_of_gemini_stays(stream: bool) -> None:
    response = replayed(gemini(GROUNDING, stream=stream), search_request())
    (candidate,) = response.json["candidates"]
    assert candidate["groundingMetadata"] == GROUNDING
    assert "left out" not in response.notes
    annotations = replayed(gemini(GROUNDING, stream=stream), chat_request()).choice["message"]["annotations"]
    sources = [each["url_citation"] for each in annotations]
    assert [(each["url"], each["start_index"], each["end_index"]) for each in sources] == [
        ("https://a.test", 0, 23),
        ("https://a.test", 24, 44),
        ("https://b.test", 24, 44),
    ]


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"webSearchQueries": ["x"]}, "webSearchQueries"),
        ({"searchEntryPoint": {"renderedContent": "<p>"}}, "searchEntryPoint"),
        ({"groundingChunks": [{"retrievedContext": {"title": "A"}}]}, "retrievedContext"),
        (
            {
                "groundingChunks": [{"retrievedContext": {"title": "A"}}],
                "groundingSupports": [{"groundingChunkIndices": [0, 1, "0"]}],
            },
            "retrievedContext",
        ),
        ({"groundingChunks": [{"web": {"uri": "https://c.test"}}]}, "groundingChunks without a support"),
    ],
)
def test_lost_grounding_of_gemini_is_noted(more: dict[str, Any], name: str) -> None:
    response = replayed(gemini({"groundingSupports": [], **more}, stream=False), search_request())
    assert f"{name} left out: a reply made of a recording has none" in response.notes


@pytest.mark.parametrize("name", ["citationMetadata", "urlContextMetadata"])
def test_other_sources_of_gemini_are_noted(name: str) -> None:
    candidate = {"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP", name: {"x": []}}
    response = replayed(json.dumps({"candidates": [candidate]}), search_request())
    assert f"{name} left out: a reply made of a recording has none" in response.notes


@pytest.mark.parametrize("name", ["executableCode", "codeExecutionResult", "inlineData"])
def test_other_parts_of_gemini_are_noted(name: str) -> None:
    candidate = {"content": {"parts": [{"text": "a"}, {name: {"data": ""}}]}, "finishReason": "STOP"}
    response = replayed(json.dumps({"candidates": [candidate]}), search_request())
    assert f"{name} left out: a reply made of a recording has none" in response.notes
