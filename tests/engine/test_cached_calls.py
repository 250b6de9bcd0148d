"""Calls `from_schema` through the response cache: equal to rendered ones, in every dialect."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.request.tools import Tool
from mockllm.dialects.neutral_request import NeutralRequest
from tests.engine.cached_and_rendered import CALLS, Call, compare
from tests.language.virtual_server import NOW, ClientRequest, chat_request, claude_request, raw_request

CALL = "rules: [{reply: {tool_calls: from_schema}}]"
OF_CONVERSATION = """
rules: [{per: conversation, reply: {tool_calls: from_schema}}]
modifiers: [{limit: {strategy: token-bucket, requests: 1000, tokens: 1000000}}]
"""
PROPERTIES: dict[str, Any] = {
    "path": {"type": "string"},
    "limit": {"type": "integer", "minimum": 1},
    "ratio": {"type": "number"},
    "mode": {"enum": ["exact", "<fuzzy> & é"]},
    "edits": {"type": "array", "items": {"type": "object", "properties": {"line": {"type": "integer"}}}},
    "note": {"type": "object", "properties": {"text": {"type": "string"}}},
    "none": {"type": "object", "properties": {}},
}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": ["path", "limit"]}
TEXTS = (
    "Read src/a.py, at most 7 lines.",
    'The path is "<b>é\U0001f642</b>\u2028 & more", the mode is <fuzzy> & é.',
    "path: `a\x7fb`, ratio 0.00001, limit 10000000000000000",
    'Path "c:\\\\d\\te".',
    "Nothing.",
)


def tool(name: str = "read_file", schema: Any = SCHEMA, kind: str = "function") -> Tool:
    return Tool(name, schema, "Reads a file.", kind)


def ask_for_call(call: Call, user: str, turn: int, *tools: Tool, stream: bool) -> ClientRequest:
    request = NeutralRequest(user=user, stream=stream, max_tokens=5_000, tools=tools)
    composed = call.dialect.build_request(request)
    path, _, query = composed.path.partition("?")
    more = {"query": query, "headers": composed.headers, "now": NOW + turn}
    return raw_request(call.path or path, dumps(composed.body), **more)


def requests(*tools: Tool, count: int = 9, ask: Any = chat_request, **more: Any) -> list[ClientRequest]:
    functions = [{"name": each.name, "parameters": each.schema} for each in tools]
    offered: list[dict[str, Any]] = [{"type": "function", "function": each} for each in functions]
    if ask is claude_request:
        offered = [{"name": each["name"], "input_schema": each["parameters"]} for each in functions]
    return [
        ask(TEXTS[turn % len(TEXTS)], now=NOW + turn, **{"tools": offered, **more}) for turn in range(count)
    ]


def is_cached(scenario: str, sent: list[ClientRequest]) -> bool:
    """Whether the last response comes from the cache."""
    server = compare(scenario, sent)
    return isinstance(server.respond(sent[-1]).planned.content, PrerenderedResponse)


@pytest.mark.parametrize("stream", [False, True], ids=["non-streaming", "streaming"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("scenario", [CALL, OF_CONVERSATION], ids=["once", "of-conversation"])
@pytest.mark.covering
def test_cached_calls_equal_rendered_ones(call: Call, stream: bool, scenario: str) -> None:
    tools = (tool(), tool("add", {"type": "object", "properties": {"a": {"type": "number"}}}))
    offered = [tools[: 1 + turn % 2] for turn in range(15)]
    compare(
        scenario,
        [
            ask_for_call(call, TEXTS[turn % len(TEXTS)], turn, *each, stream=stream)
            for turn, each in enumerate(offered)
        ],
    )


@pytest.mark.parametrize(
    ("ask", "stream", "cached"),
    [
        (chat_request, False, True),
        (chat_request, True, False),  # the chunks are padded by their lengths
        (claude_request, False, True),
        (claude_request, True, True),
    ],
)
def test_calls_of_large_providers_are_cached(ask: Any, stream: bool, cached: bool) -> None:
    assert is_cached(CALL, requests(tool(), ask=ask, stream=stream)) is cached


def test_stream_without_padding_is_cached() -> None:
    options = {"include_obfuscation": False, "include_usage": True}
    assert is_cached(CALL, requests(tool(), stream=True, stream_options=options))


def test_arguments_of_paced_call_are_not_cached() -> None:
    paced = CALL.replace("]", "]\nmodifiers: [{pace: {itl: 5ms}}]")
    assert not is_cached(paced, requests(tool(), ask=claude_request, stream=True))


def test_calls_in_larger_chunks_are_cached() -> None:
    chunked = CALL.replace("]", "]\nmodifiers: [{pace: {chunk_size: 3 characters}}]")
    assert is_cached(chunked, requests(tool(), ask=claude_request, stream=True))


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "object", "properties": {}}, id="no arguments"),
        pytest.param({"type": "array", "items": {"type": "integer"}}, id="no object"),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "string", "minLength": 20_000}}}, id="long"
        ),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "string", "minLength": 200_000_000}}},
            id="too much work",
        ),
    ],
)
@pytest.mark.parametrize("ask", [chat_request, claude_request])
@pytest.mark.parametrize("stream", [False, True])
def test_unusual_arguments_equal_rendered(schema: Any, ask: Any, stream: bool) -> None:
    """After the usual arguments of a tool of the same name are in the cache."""
    sent = [
        each
        for one, other in zip(
            requests(tool(), ask=ask, stream=stream, count=4),
            requests(tool(schema=schema), ask=ask, stream=stream, count=4),
            strict=True,
        )
        for each in (one, one, other)
    ]
    compare(CALL, sent)


def test_few_chunks_do_not_show_what_is_between_them() -> None:
    short = tool(schema={"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]})
    chunks = CALL.replace("]", "]\nmodifiers: [{pace: {chunk_size: 9 characters}}]")
    assert not is_cached(chunks, requests(short, ask=claude_request, stream=True))


def test_notes_on_marked_arguments_prevent_caching() -> None:
    """The marked arguments, which have more tokens than the maximum, have a note on it."""
    short = tool("f", {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]})
    assert is_cached(CALL, requests(short, ask=claude_request, max_tokens=900))
    assert not is_cached(CALL, requests(short, ask=claude_request, max_tokens=15))


def test_long_name_of_tool_is_no_key() -> None:
    lax = f'validation: "off"\n{CALL}'
    assert is_cached(lax, requests(tool("a" * 2_000), count=4))
    assert not is_cached(lax, requests(tool("a" * 3_000), count=4))


def test_tokens_over_the_maximum_are_noted() -> None:
    few = requests(tool(), max_tokens=3, ask=claude_request)
    assert not is_cached(CALL, [*requests(tool(), ask=claude_request), *few])


def test_request_without_tool_to_call_gets_the_reason() -> None:
    sent = requests(tool(), count=3)
    refused = requests(tool(), count=2, tool_choice="none")
    compare(CALL, [*sent, *refused, *requests(count=2, tools=None), *sent])


def test_custom_tool_is_not_cached() -> None:
    custom = [{"type": "custom", "custom": {"name": "write", "description": "Writes."}}]
    assert not is_cached(CALL, requests(tools=custom))


def test_several_choices_are_not_cached() -> None:
    assert not is_cached(CALL, requests(tool(), n=2))


def test_calls_of_sessions_equal_rendered() -> None:
    random = Random(1)
    sent = [
        each
        for _ in range(4)
        for each in requests(tool(), count=3, session=random.choice([None, "a", "b"]), surprise=1)
    ]
    compare(CALL, sent)
