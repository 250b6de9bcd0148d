"""Values that Cohere refuses: numbers out of their range, other words than the documented ones, too long lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import raw_request, respond_once

SCENARIO = "rules: [{reply: Yes.}]"
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
EMBED: dict[str, Any] = {"model": "embed-v4.0", "input_type": "search_query", "texts": ["a"]}
RERANK: dict[str, Any] = {"model": "m", "query": "q", "documents": ["a", "b"]}
CALLS: dict[str, dict[str, Any]] = {
    "v2/chat": CHAT,
    "v1/chat": {"message": "hi"},
    "v1/generate": {"prompt": "hi"},
    "v2/embed": EMBED,
    "v1/embed": EMBED,
    "v2/rerank": RERANK,
    "v1/rerank": RERANK,
}
ANY_CHAT = ("v2/chat", "v1/chat", "v1/generate")
NO_INPUT_TYPE = "invalid request: valid input_type must be provided with the provided model"
REFUSED: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
    (ANY_CHAT, {"k": 501}, "invalid request: k must be between 0 and 500"),
    (ANY_CHAT, {"k": 1.5}, "invalid type: parameter k is of another type"),
    (ANY_CHAT, {"p": 2}, "invalid request: p must be between 0 and 1"),
    (ANY_CHAT, {"p": "x"}, "invalid type: parameter p is of another type"),
    (ANY_CHAT, {"p": True}, "invalid type: parameter p is of another type"),
    (ANY_CHAT, {"temperature": -1}, "invalid request: temperature must not be negative"),
    (ANY_CHAT, {"stream": "yes"}, "invalid type: parameter stream is of another type"),
    (
        ("v2/chat", "v1/chat"),
        {"stop_sequences": list("abcdef")},
        "invalid request: at most 5 stop_sequences are allowed",
    ),
    (("v2/chat",), {"tool_choice": "x"}, "invalid request: tool_choice must be one of REQUIRED, NONE"),
    (
        ("v2/embed", "v1/embed"),
        {"texts": ["a"] * 97},
        "invalid request: total number of texts must be at most 96 - received 97",
    ),
    (("v2/embed", "v1/embed"), {"input_type": "foo"}, NO_INPUT_TYPE),
    (
        ("v2/embed", "v1/embed"),
        {"output_dimension": 7},
        "invalid request: output_dimension must be one of 256, 512, 1024, 1536",
    ),
    (("v2/rerank", "v1/rerank"), {"documents": []}, "invalid request: list of documents must not be empty"),
    (("v2/rerank", "v1/rerank"), {"top_n": "1"}, "invalid type: parameter top_n is of another type"),
    (("v2/rerank", "v1/rerank"), {"top_n": 0}, "invalid request: top_n must be at least 1"),
]
ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("v2/chat", {"k": 0, "p": 1, "temperature": 0, "stop_sequences": list("abcde"), "tool_choice": "NONE"}),
    ("v2/chat", {"k": None, "p": None, "temperature": 1.5, "stream": False, "tool_choice": None}),
    ("v1/chat", {"stop_sequences": "x", "tool_choice": "x"}),
    ("v2/embed", {"texts": ["a"] * 96, "output_dimension": 256}),
    ("v2/embed", {"model": "mine", "output_dimension": 7}),
    ("v1/embed", {"input_type": None}),
    ("v2/rerank", {"top_n": 9}),
    ("v2/rerank", {"top_n": None}),
]


def respond(call: str, fields: dict[str, Any]) -> Any:
    return respond_once(SCENARIO, raw_request(f"/cohere/{call}", {**CALLS[call], **fields}))


@pytest.mark.parametrize(("calls", "fields", "message"), REFUSED)
def test_value_out_of_its_range_is_refused(
    calls: tuple[str, ...], fields: dict[str, Any], message: str
) -> None:
    for call in calls:
        response = respond(call, fields)
        assert (response.status, response.json["message"]) == (400, message)


@pytest.mark.parametrize(("call", "fields"), ACCEPTED)
def test_value_in_its_range_is_accepted(call: str, fields: dict[str, Any]) -> None:
    assert respond(call, fields).status == 200
