"""The properties of a request that all dialects share."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mockllm.core.json.codec import MISSING
from mockllm.core.matching.fields import Field
from mockllm.core.request.messages import CallPart, MediaPart, OtherPart, ResultPart, ThinkingPart
from mockllm.core.request.request import Message, Request, TextPart, Tool, estimate_input
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from mockllm.core.tokens import estimate


def sent(raw: bytes = b"", query: str = "", headers: Mapping[str, str] | None = None) -> Request:
    return Request(method="POST", path="/x", headers=headers or {}, raw=raw, query_string=query)


def saying(*messages: Message, tools: tuple[Tool, ...] = ()) -> Request:
    request = sent()
    vars(request).update(messages=messages, tools=tools)
    return request


def test_request_without_protocol_is_empty() -> None:
    request = sent()
    assert (request.dialect, request.api, request.generates) == (None, None, False)
    assert (request.model, request.stream, request.messages, request.system, request.user) == (
        None,
        False,
        (),
        None,
        None,
    )
    assert (request.turn, request.tools, request.tool_choice, request.tool_results) == (
        1,
        (),
        ToolChoice(),
        (),
    )
    assert (request.has_image, request.response_format, request.output_bounds) == (
        False,
        Format(),
        OutputBounds(),
    )
    assert request.input_tokens == 3
    assert request.vector_components == 0


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        ("a=1&a=2", {"a": "2"}),
        ("a=%C3%A9+x", {"a": "é x"}),
    ],
)
def test_request_query_parameters(query: str, read: dict[str, str]) -> None:
    assert sent(query=query).query == read


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({"authorization": "Bearer sk-1"}, "sk-1"),
        ({"authorization": "bearer  sk-1 "}, "sk-1"),
        ({"authorization": "Bearer "}, None),
        ({"authorization": "Basic abc"}, None),
        ({"authorization": "Basic abc", "x-api-key": "k"}, "k"),
        ({"x-api-key": "k"}, "k"),
    ],
)
def test_request_api_key(headers: dict[str, str], key: str | None) -> None:
    assert sent(headers=headers).api_key == key


@pytest.mark.parametrize(
    ("raw", "body", "fields"),
    [
        (b'{"a": 1}', {"a": 1}, {"a": 1}),
        (b"[1]", [1], {}),
        (b"null", None, {}),
        (b"{", MISSING, {}),
        (b"", MISSING, {}),
    ],
)
def test_request_body_and_fields(raw: bytes, body: object, fields: dict[str, object]) -> None:
    request = sent(raw)
    assert request.body == body
    assert request.fields == fields


def test_request_raw_text_and_host() -> None:
    assert sent(b"a\xff").raw_text == "a\ufffd"
    assert (sent(headers={"host": "h"}).host, sent().host) == ("h", None)


def test_request_unread_has_no_body() -> None:
    request = Request(
        method="POST", path="/x", headers={"a": "b"}, raw=b"{}", query_string="q=1", provider="p",
        path_variables={"model": "m"}, session="s", client_address="::1", now=7.0,
    )  # fmt: skip
    vars(request).update(mcp_servers={}, volatile="v")
    without_body = request.without_body()
    assert without_body.raw == b""
    assert {**vars(without_body), "raw": b"{}"} == vars(request)


def test_request_messages_and_turn() -> None:
    request = saying(
        Message("system", (TextPart("a"),)),
        Message("user", (TextPart("one"), MediaPart("image"), TextPart("two"))),
        Message("assistant", (TextPart("x"),)),
        Message("system", (TextPart("b"),)),
        Message("tool", (ResultPart("c1", "f", "r"),)),
    )
    assert (request.system, request.user, request.turn, request.has_image) == ("a\nb", "one\ntwo", 2, True)


def test_request_uncalled_tools_may_still_be_called() -> None:
    tools = (Tool("look"), Tool("web_search", kind="web_search"), Tool("find", kind="custom"))

    def left(*messages: Message, named: str | None = None) -> tuple[str, ...]:
        request = saying(*messages, tools=tools)
        if named is not None:
            vars(request).update(tool_choice=ToolChoice("named", (named,)))
        return request.uncalled

    sent, call = Message("user", (TextPart("hi"),)), CallPart("1", "look", {})
    text = Message("assistant", (TextPart("Well."), call))
    result = Message("tool", (ResultPart("1", "look", "x"),))
    assert left() == left(sent) == ("look", "find")
    assert left(sent, text) == left(sent, result) == left(sent, text, result) == ("find",)
    assert left(sent, text, result, sent) == ("look", "find"), "the user has spoken since"
    assert left(sent, result, named="look") == ()
    assert left(sent, result, named="find") == ("find",)
    assert left(sent, named="other") == ()


def test_request_tool_results_follow_last_assistant_turn() -> None:
    old, one, two = (ResultPart(name, None, "") for name in ("old", "one", "two"))
    turns = (
        Message("tool", (old,)),
        Message("assistant", ()),
        Message("tool", (one,)),
        Message("tool", (two,)),
    )
    assert saying(*turns, Message("user", (TextPart("and?"),))).tool_results == (one, two)
    assert saying(Message("tool", (one, two))).tool_results == (one, two)


def test_tool_result_is_parsed_as_json() -> None:
    assert ResultPart(None, None, '{"t": 21}').json == {"t": 21}
    assert ResultPart(None, None, "sunny").json is MISSING


def test_request_input_tokens_count_all_parts() -> None:
    assert estimate_input(saying(Message("user", (TextPart("one two three"),)))) == 7 + estimate(
        "one two three"
    )
    assert estimate_input(
        saying(Message("assistant", (ThinkingPart("hm"), OtherPart("odd"))))
    ) == 7 + estimate("hm")
    assert estimate_input(saying(Message("assistant", (CallPart("c", "f", {"a": 1}),)))) == 7 + estimate(
        "f{'a': 1}"
    )
    assert estimate_input(saying(Message("tool", (ResultPart("c", "f", "sunny"),)))) == 7 + estimate("sunny")
    assert estimate_input(saying(Message("user", (MediaPart("image"),)))) == 7 + 85
    assert saying(tools=(Tool("f", {"type": "object"}, "Says."),)).input_tokens > 3


def test_request_of_no_protocol_wants_no_media() -> None:
    assert Request(method="POST", path="/x", headers={}).requested_media == frozenset()


def test_forgotten_values_are_read_again() -> None:
    """Values of fields, too: those of conditions and templates."""
    request = saying(Message("user", (TextPart("one"),)))
    read = Field("messages").read
    assert read(request) == ({"role": "user", "text": "one"},)
    request.forget_read_values()
    assert read(request) == ()
