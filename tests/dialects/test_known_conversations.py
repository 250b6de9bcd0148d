"""Conversations that repeat an earlier request: the check of the new turns alone finds what the whole check finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.divided_bodies import BODIES, MIN_DIVIDED_BYTES
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic import messages_check
from mockllm.dialects.gemini import generate_check
from mockllm.dialects.openai.chat import check as chat_check
from mockllm.dialects.openai.responses.check import ItemOrder
from mockllm.dialects.openai.responses.check import _fast_accepts_next as passes_item
from mockllm.dialects.router import RouteMatch, find_route

LONG = "x" * MIN_DIVIDED_BYTES
"""A first text with which a body is long enough to be recognized later."""
MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"
GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
MEMBER = {MESSAGES: "messages", CHAT: "messages", GENERATE: "contents"}
WHOLE = {
    MESSAGES: (messages_check, "_check_whole"),
    CHAT: (chat_check, "check_fields"),
    GENERATE: (generate_check, "_check"),
}
"""A function that only the check of a whole body calls."""


def message(role: str, *blocks: Json) -> Json:
    return {"role": role, "content": list(blocks)}


def text(value: str) -> Json:
    return {"type": "text", "text": value}


def use(id: str) -> Json:
    return {"type": "tool_use", "id": id, "name": "look", "input": {}}


def result(id: str) -> Json:
    return {"type": "tool_result", "tool_use_id": id}


def calling(*ids: str) -> Json:
    function = {"name": "look", "arguments": "{}"}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": id, "type": "function", "function": function} for id in ids],
    }


def tool(id: str) -> Json:
    return {"role": "tool", "tool_call_id": id, "content": "rain"}


def content(role: str, *parts: Json) -> Json:
    return {"role": role, "parts": list(parts)}


REPORTED: Json = {"text": "Hi"}
SEARCH: Json = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
BUILT: Json = {"functionCall": {"name": "look", "args": {}}}
GOT: Json = {"functionResponse": {"name": "look", "response": {}}}
FIRST = {
    MESSAGES: message("user", text(LONG)),
    CHAT: {"role": "user", "content": LONG},
    GENERATE: content("user", {"text": LONG}),
}
VALID: dict[str, tuple[str, list[Json]]] = {
    "messages: a call and its result": (
        MESSAGES,
        [message("assistant", text("Wait."), use("a")), message("user", result("a"), text("So?"))],
    ),
    "messages: a system turn": (MESSAGES, [message("user", text("So?")), {"role": "system", "content": "Brief."}]),
    "messages: a search and its result": (
        MESSAGES,
        [message("assistant", SEARCH), message("assistant", FOUND), message("user", text("So?"))],
    ),
    "messages: begun text": (MESSAGES, [{"role": "assistant", "content": "So"}]),
    "chat: calls and their results": (CHAT, [calling("a", "b"), tool("b"), tool("a")]),
    "contents: a second content of one side": (GENERATE, [content("user", REPORTED), content("model", REPORTED)]),
    "contents: a call and its response": (GENERATE, [content("model", BUILT), content("user", GOT)]),
}  # fmt: skip
REFUSED: dict[str, tuple[str, list[Json], str]] = {
    "messages: a result of no call": (
        MESSAGES, [message("assistant", use("a")), message("user", result("b"))], "tool_use",
    ),
    "messages: a turn behind a missing result": (
        MESSAGES,
        [message("assistant", use("a")), message("user", text("So?")), message("assistant", text("No."))],
        "tool_use",
    ),
    "messages: a search without a result": (
        MESSAGES,
        [message("assistant", SEARCH), message("user", text("So?")), message("assistant", text("No."))],
        "without a corresponding `web_search_tool_result`",
    ),
    "messages: a result without a search": (
        MESSAGES, [message("user", text("So?")), message("assistant", FOUND)], "`server_tool_use` block before it",
    ),
    "messages: begun text with a space": (MESSAGES, [{"role": "assistant", "content": "So "}], "whitespace"),
    "chat: a result of another call": (CHAT, [calling("a"), tool("b")], "'tool_call_id' of 'b' not found"),
    "chat: a turn in place of a result": (
        CHAT, [calling("a"), {"role": "user", "content": "So?"}], "must be followed by tool messages",
    ),
    "messages: a message that is a text": (MESSAGES, ["So?"], "messages.1"),
    "chat: a message that is a text": (CHAT, ["So?"], "messages"),
    "contents: a content that is a text": (GENERATE, ["So?"], "contents[1]"),
    "contents: a content without parts": (GENERATE, [content("model")], "contents[1].parts"),
    "contents: too few responses": (
        GENERATE,
        [content("model", BUILT, BUILT), content("user", GOT), content("model", REPORTED)],
        "number of function response parts",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_earlier_bodies() -> Iterator[None]:
    BODIES.clear()
    yield
    BODIES.clear()


def sent(path: str, turns: list[Any]) -> tuple[Request, Failure | None]:
    """The request with these turns, and what its check returns."""
    route = find_route("POST", path, {}, "")
    assert isinstance(route, RouteMatch)
    head = {} if path == GENERATE else {"model": "m", "max_tokens": 9}
    raw = json.dumps({**head, MEMBER[path]: turns}).encode()
    request = route.dialect.request_class(
        method="POST",
        path=route.path,
        headers={},
        raw=raw,
        provider=route.provider,
        path_variables=route.path_variables,
    )
    return request, route.dialect.check(request)


def continued(path: str, turns: list[Json]) -> Failure | None:
    """What the check of turns returns that continue a conversation whose first request passed."""
    request, failure = sent(path, [FIRST[path], *turns])
    divided = request.divided_body
    assert divided is not None
    assert (divided.known_turns.count, divided.all_turns.count) == (1, 1 + len(turns))
    return failure


@pytest.mark.parametrize(("path", "turns"), VALID.values(), ids=VALID)
def test_valid_continuation_passes_without_whole_check(
    path: str, turns: list[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sent(path, [FIRST[path]])[1] is None
    monkeypatch.setattr(*WHOLE[path], lambda *_: pytest.fail("the whole body is checked"))
    assert continued(path, turns) is None


@pytest.mark.parametrize(("path", "turns", "words"), REFUSED.values(), ids=REFUSED)
def test_wrong_continuation_is_refused_as_alone(path: str, turns: list[Json], words: str) -> None:
    assert sent(path, [FIRST[path]])[1] is None
    failure = continued(path, turns)
    assert failure is not None
    assert words in (failure.message or "")
    BODIES.clear()
    assert sent(path, [FIRST[path], *turns])[1] == failure


def test_result_without_its_call_needs_whole_check() -> None:
    call = {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"}
    order = ItemOrder()
    found = [passes_item(order, item) for item in (call, output("a"), output("b"))]
    assert found == [True, True, False]


def output(id: str) -> Json:
    return {"type": "function_call_output", "call_id": id, "output": "rain"}
