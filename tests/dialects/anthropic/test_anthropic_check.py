"""Refusals of a messages request, in the provider's wording."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import EMPTY_USER, GOOD, messages, refusal_message

HI = {"role": "user", "content": "hi"}
TOOL = {"name": "get", "input_schema": {"type": "object"}}
STRICT = {"strict": True, "input_schema": {"type": "object", "additionalProperties": False}}


def call(*ids: Any) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "id": id, "name": "get", "input": {}} for id in ids or ("t1",)]
    return {"role": "assistant", "content": blocks}


def result(*ids: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, **more} for id in ids]}


def block(kind: str, **fields: Any) -> list[Any]:
    return [{"role": "user", "content": [{"type": kind, **fields}]}]


TEXT = {"type": "text", "text": "x"}
SYSTEM = {"role": "system", "content": "x"}
DIRECTIVE = {"role": "system", "content": [], "output_config": {"effort": "low"}}
ASSISTANT = {"role": "assistant", "content": "x"}
SYSTEM_TURNS = {"model": "claude-x"}
"""A model that has turns of the system."""
SEARCHED = {
    "role": "assistant",
    "content": [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    ],
}
IMAGE = {"type": "base64", "media_type": "image/png", "data": "aGk="}

ACCEPTED: list[Any] = [
    pytest.param({}, id="the least that is needed"),
    pytest.param({"model": "gpt-17", "frobnicate": [1]}, id="any model, and fields that nobody knows"),
    pytest.param(
        {
            "metadata": None,
            "stop_sequences": None,
            "container": None,
            "inference_geo": None,
            "cache_control": None,
        },
        id="null is absent",
    ),
    pytest.param(
        {"temperature": 0, "top_k": -1, "stream": False, "max_tokens": 0}, id="the low ends of the ranges"
    ),
    pytest.param({"top_p": 1.0, "service_tier": "standard_only"}, id="the high end of a range"),
    pytest.param({"system": [{**TEXT, "cache_control": {"type": "ephemeral"}}]}, id="system blocks"),
    pytest.param({"messages": [HI, {"role": "assistant", "content": ""}]}, id="an empty last assistant turn"),
    pytest.param(
        {"messages": [HI, call("a"), result("a"), call("a"), result("a")]}, id="an id that occurs again later"
    ),
    pytest.param({**SYSTEM_TURNS, "messages": [HI, SYSTEM]}, id="a system turn at the end"),
    pytest.param(
        {**SYSTEM_TURNS, "messages": [HI, SYSTEM, SYSTEM, ASSISTANT, HI]}, id="system turns before an answer"
    ),
    pytest.param(
        {**SYSTEM_TURNS, "messages": [DIRECTIVE, HI, ASSISTANT, DIRECTIVE, HI]}, id="system turns of settings"
    ),
    pytest.param(
        {**SYSTEM_TURNS, "messages": [HI, SEARCHED, SYSTEM]}, id="a system turn after a server's result"
    ),
    pytest.param(
        {**SYSTEM_TURNS, "messages": [HI, {"role": "system", "content": [TEXT, {"type": "tool_addition"}]}]},
        id="a system turn that adds a tool",
    ),
    pytest.param({"messages": [{"role": "user", "content": []}, HI]}, id="an empty message before another"),
    pytest.param({"messages": [HI, {"role": "user", "content": ""}]}, id="an empty message after another"),
    pytest.param({"messages": block("image", source=IMAGE)}, id="an image"),
    pytest.param(
        {"messages": block("document", source={"type": "content", "content": "x"})}, id="a document of texts"
    ),
    pytest.param({"messages": [HI, call(), result("t1")]}, id="a call and its result"),
    pytest.param(
        {"messages": [HI, call(), result("t1", content="x", is_error=True)]}, id="a result with text"
    ),
    pytest.param(
        {"messages": [HI, call(), result("t1", content=[{"type": "text", "text": ""}])]},
        id="a result of an empty text block",
    ),
    pytest.param({"messages": [HI, call("a"), call("b"), result("b"), result("a")]}, id="turns are joined"),
    pytest.param(
        {**SYSTEM_TURNS, "messages": [HI, call(), DIRECTIVE, result("t1")]},
        id="a system turn does not part a call from its result",
    ),
    pytest.param({"tools": [TOOL, {"type": "web_search_20250305", "name": "w"}]}, id="tools"),
    pytest.param({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "get"}}, id="a named tool"),
    pytest.param(
        {"mcp_servers": [{"name": "m"}], "tool_choice": {"type": "tool", "name": "get"}},
        id="a tool of a server that nobody here knows",
    ),
    pytest.param(
        {
            "tools": [TOOL],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "temperature": 1,
            "max_tokens": 2000,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        id="thinking beside tools",
    ),
    pytest.param({"stop_sequences": ["END"], "metadata": {"user_id": "u"}}, id="stop sequences"),
    pytest.param({"model": "claude-sonnet-5", "thinking": {"type": "adaptive"}}, id="adaptive thinking"),
    pytest.param(
        {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}, id="a thinking budget"
    ),
    pytest.param(
        {"model": "claude-opus-4-6", "output_config": {"effort": "low"}},
        id="an output configuration without a format",
    ),
    *(
        pytest.param({"container": "c", "tools": [{"type": kind, "name": "n"}]}, id=f"a container for {kind}")
        for kind in ("code_execution_20250825", "web_search_20260209")
    ),
    pytest.param({"output_format": {"type": "json_schema", "schema": {}}}, id="a schema"),
    pytest.param({"tools": [{**TOOL, "strict": False}]}, id="a tool that need not be strict"),
    pytest.param(
        {"messages": block("document", source={**IMAGE, "media_type": "application/pdf"})}, id="a PDF"
    ),
    pytest.param({"messages": [HI, {"role": "assistant", "content": "So"}]}, id="the beginning of an answer"),
    pytest.param(
        {"messages": [HI, {"role": "assistant", "content": [{"type": "text", "text": " "}]}, HI]},
        id="an answer with a blank text",
    ),
    pytest.param(
        {"messages": [HI, {"role": "assistant", "content": "So\n"}, HI]},
        id="an answer that ends with a space",
    ),
]


@pytest.mark.parametrize("change", ACCEPTED)
def test_messages_check_on_valid_request_accepts_it(change: dict[str, Any]) -> None:
    assert refusal_message({**GOOD, **change}) is None


EMPTY = "all messages must have non-empty content except for the optional final assistant message"
EFFORTS = "Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
NO_CONTAINER = "container: Container identifier can only be provided when using the code execution tool"
GONE = object()

REFUSED: list[Any] = [
    ({"model": GONE}, "model: Field required"),
    ({"model": 3}, "model: Input should be a valid string"),
    ({"model": ""}, "model: String should have at least 1 character"),
    ({"max_tokens": GONE}, "max_tokens: Field required"),
    ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": -1}, "max_tokens: must be greater than or equal to 0"),
    ({"messages": GONE}, "messages: Field required"),
    ({"messages": "hi"}, "messages: Input should be a valid array"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": [None]}, "messages.0: Input does not match the expected shape."),
    ({"messages": ["hi"]}, "messages.0: Input does not match the expected shape."),
    ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
    (
        {"messages": [HI, {"role": "tool", "content": "x"}]},
        'messages: Unexpected role "tool". Allowed roles are "user" or "assistant"',
    ),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages.0.role: Input should be a valid string"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [{"role": "user", "content": 3}]}, "messages.0.content: Input should be a valid array"),
    (
        {"messages": [{"role": "user", "content": ""}, {"role": "user", "content": []}]},
        f"messages.0: {EMPTY_USER}",
    ),
    ({"messages": [HI, ASSISTANT, {"role": "user", "content": []}]}, f"messages.2: {EMPTY_USER}"),
    (
        {"messages": [HI, {"role": "assistant", "content": []}, HI]},
        f"messages.1: {EMPTY}",
    ),
    (
        {"messages": [{"role": "user", "content": ["x"]}]},
        "messages.0.content.0: Input should be an object",
    ),
    ({"messages": [{"role": "user", "content": [{}]}]}, "messages.0.content.0.type: Field required"),
    ({"messages": block("text")}, "messages.0.content.0.text.text: Field required"),
    ({"messages": block("text", text=3)}, "messages.0.content.0.text.text: Input should be a valid string"),
    ({"messages": block("text", text="")}, "messages: text content blocks must be non-empty"),
    ({"messages": block("text", text=" ")}, "messages: text content blocks must contain non-whitespace text"),
    (
        {"messages": [{"role": "user", "content": " \n"}]},
        "messages: text content blocks must contain non-whitespace text",
    ),
    (
        {"messages": [HI, call("a", "b", "a"), result("a", "b")]},
        "messages.1.content.2: `tool_use` ids must be unique",
    ),
    (
        {"messages": [HI, call("bad id!"), result("bad id!")]},
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    (
        {"messages": [HI, call("a"), result("")]},
        "messages.2.content.0.tool_result.tool_use_id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    ({"messages": block("image")}, "messages.0.content.0.image.source: Field required"),
    ({"messages": block("image", source={})}, "messages.0.content.0.image.source.type: Field required"),
    (
        {"messages": block("image", source={"type": "text"})},
        "messages.0.content.0.image.source: Input tag 'text' found using 'type' does not match any of the "
        "expected tags: 'base64', 'file', 'url'",
    ),
    (
        {"messages": block("document", source={"type": "url"})},
        "messages.0.content.0.document.source.url.url: Field required",
    ),
    (
        {"messages": block("tool_use", id="t", name="get", input="{}")},
        "messages.0.content.0.tool_use.input: Input should be an object",
    ),
    (
        {"messages": block("tool_use", id="t", name="get", input={})},
        "messages.0: `tool_use` blocks can only be in `assistant` messages",
    ),
    (
        {"messages": [HI, {"role": "assistant", "content": result("t1")["content"]}]},
        "messages.1: `tool_result` blocks can only be in `user` messages",
    ),
    (
        {"messages": [HI, call(), result("t1", content=[{"type": "sound"}])]},
        "messages.2.content.0.tool_result.content.0: Input tag 'sound' found using 'type' does not match any "
        "of the expected tags: 'document', 'image', 'search_result', 'text', 'tool_reference'",
    ),
    (
        {"messages": [HI, call("t1")]},
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message.",
    ),
    (
        {"messages": [result("a")]},
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: a. Each `tool_result` "
        "block must have a corresponding `tool_use` block in the previous message.",
    ),
    (
        {"messages": [HI, call("a"), call("b"), HI]},
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a, b. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message.",
    ),
    (
        {"messages": [HI, call("a"), result("a", "z")]},
        "messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: z. Each `tool_result` "
        "block must have a corresponding `tool_use` block in the previous message.",
    ),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ({"system": 3}, "system: Input should be a valid array"),
    ({"system": ["x"]}, "system.0: Input does not match the expected shape."),
    ({"system": [{"text": "x"}]}, "system.0.type: Field required"),
    ({"system": [{"type": "text"}]}, "system.0.text: Field required"),
    ({"temperature": "hot"}, "temperature: Input should be a valid number"),
    ({"temperature": 1.1}, "temperature: range: 0..1"),
    ({"temperature": -1}, "temperature: range: 0..1"),
    ({"top_p": 2}, "top_p: range: 0..1"),
    ({"top_k": None}, "top_k: Input should be a valid integer"),
    ({"temperature": None}, "temperature: Input should be a valid number"),
    ({"stream": None}, "stream: Input should be a valid boolean"),
    ({"system": None}, "system: Input should be a valid array"),
    ({"thinking": None}, "thinking: Input should be an object"),
    ({"output_config": None}, "output_config: Input does not match the expected shape."),
    ({"output_config": {"effort": "some"}}, f"output_config.effort: {EFFORTS}"),
    ({"service_tier": "fast"}, "service_tier: Input should be 'auto' or 'standard_only'"),
    ({"service_tier": None}, "service_tier: Input should be 'auto' or 'standard_only'"),
    ({"metadata": {"user_id": 7}}, "metadata.user_id: Input should be a valid string"),
    ({"inference_geo": 7}, "inference_geo: Input should be a valid string"),
    ({"cache_control": "x"}, "cache_control: Input should be an object"),
    ({"container": 7}, "container.ContainerParams: Input does not match the expected shape."),
    ({"container": "c"}, NO_CONTAINER),
    ({"container": {"id": "c"}, "tools": [TOOL, {"type": "web_search_20250305", "name": "w"}]}, NO_CONTAINER),
    ({"stop_sequences": "END"}, "stop_sequences: Input should be a valid array"),
    ({"stop_sequences": ["a", 3]}, "stop_sequences.1: Input should be a valid string"),
    ({"stop_sequences": [" "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
    ({"tools": {}}, "tools: Input should be a valid array"),
    ({"tools": ["get"]}, "tools.0: Input should be an object"),
    ({"tools": [{**TOOL, "name": ""}]}, "tools.0.custom.name: String should have at least 1 character"),
    ({"tools": [{}]}, "tools.0.custom.name: Field required"),
    ({"tools": [{"name": "get"}]}, "tools.0.custom.input_schema: Field required"),
    (
        {"tools": [{"type": "custom", "name": "get", "input_schema": {}}]},
        "tools.0.custom.input_schema.type: Field required",
    ),
    (
        {"tools": [{"name": "get", "input_schema": {"type": "string"}}]},
        "tools.0.custom.input_schema.type: Input should be 'object'",
    ),
    (
        {"tools": [TOOL, {**TOOL, "name": "a.b"}]},
        "tools.1.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    ),
    ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
    (
        {"tools": [{**TOOL, "name": f"t{number}", **STRICT} for number in range(21)]},
        "Too many strict tools (21). The maximum number of strict tools supported is 20. Try reducing the number of "
        "tools marked as strict.",
    ),
    ({"tool_choice": "auto"}, "tool_choice: Input should be an object"),
    (
        {"tool_choice": {"type": "function"}},
        "tool_choice: Input tag 'function' found using 'type' does not match any of the expected tags: "
        "'auto', 'any', 'tool', 'none'",
    ),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.tool.name: Field required"),
    ({"tool_choice": {"type": "any"}}, "tool_choice.any may only be specified while providing tools"),
    ({"tool_choice": {"type": "tool", "name": "x"}}, "Tool 'x' not found in provided tools"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "gone"}},
        "Tool 'gone' not found in provided tools",
    ),
    (
        {
            "tools": [TOOL],
            "tool_choice": {"type": "any"},
            "max_tokens": 2000,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        {"temperature": 0.5, "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "`temperature` may only be set to 1 when thinking is enabled.",
    ),
    ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 1023}},
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1024},
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    ({"metadata": 3}, "metadata: Input does not match the expected shape."),
    ({"output_config": {"format": "json"}}, "output_config.format: Input should be an object"),
    ({"output_format": {"type": "json_schema"}}, "output_format.schema: Field required"),
    (
        {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
        "output_format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
    ),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
    ),
    (
        {"tools": [{**TOOL, "strict": True}]},
        "tools.0.custom: For 'object' type, 'additionalProperties' must be explicitly set to false",
    ),
    (
        {"messages": block("image", source={**IMAGE, "media_type": "image/bmp"})},
        "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', "
        "'image/gif' or 'image/webp'",
    ),
    (
        {"messages": block("document", source=IMAGE)},
        "messages.0.content.0.document.source.base64.media_type: Input should be 'application/pdf'",
    ),
    *(
        (
            {"messages": [HI, {"role": "assistant", "content": content}]},
            "messages: final assistant content cannot end with trailing whitespace",
        )
        for content in ("So ", [{"type": "text", "text": "So\n"}])
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[row[1][:80] for row in REFUSED])
def test_messages_check_on_invalid_request_returns_message(change: dict[str, Any], message: str) -> None:
    body = {key: value for key, value in {**GOOD, **change}.items() if value is not GONE}
    assert refusal_message(body) == message


def test_interleaved_thinking_budget_may_exceed_max_tokens() -> None:
    body = {**GOOD, "thinking": {"type": "enabled", "budget_tokens": 4000}}
    assert MESSAGES.check(messages(body)) is not None
    headers = {"anthropic-beta": "other,interleaved-thinking-2025-05-14"}
    assert MESSAGES.check(messages(body, headers)) is None


def test_thread_is_refused_so_that_the_sdk_sends_its_history() -> None:
    failure = MESSAGES.check(messages({"thread": {"type": "create"}}))
    assert failure is not None
    assert failure.type == "bad_request"
    details = failure.fields["details"]
    assert details == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
