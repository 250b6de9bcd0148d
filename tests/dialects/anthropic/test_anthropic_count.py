"""Token counts of an input: equal to a message's usage, and refused for the same reasons."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.anthropic.provider import COUNT
from mockllm.dialects.router import RouteMatch, find_route
from tests.dialects.anthropic.messages_requests import IDENTITY, MINIMAL, body_of

PROMPT: dict[str, Any] = {"model": "claude-sonnet-5", "messages": [{"role": "user", "content": "hi there"}]}
TOOL = {"name": "get", "description": "Gets it.", "input_schema": {"type": "object", "properties": {}}}
FULL: dict[str, Any] = {
    **PROMPT,
    "system": "Be terse.",
    "tools": [TOOL],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 4096},
}


def count_request(body: Any) -> Request:
    return COUNT.request_class(method="POST", path="/v1/messages/count_tokens", headers={}, raw=dumps(body))


def count_body(body: Any) -> Any:
    plan = COUNT.own_response(count_request(body), IDENTITY)
    assert isinstance(plan, Plan)
    assert plan.head.status == 200
    assert dict(plan.head.headers).keys() == {"content-type", "request-id"}
    return body_of(plan)


@pytest.mark.parametrize("body", [PROMPT, FULL], ids=["a text", "with system and tools"])
def test_count_equals_the_usage_of_the_same_message(body: Any) -> None:
    message = MESSAGES.request_class(
        method="POST", path="/v1/messages", headers={}, raw=dumps({**body, "max_tokens": 9})
    )
    assert count_body(body) == {"input_tokens": message.input_tokens}
    assert message.input_tokens > 0


def test_count_includes_tools_and_system_text() -> None:
    assert count_body(FULL)["input_tokens"] > count_body(PROMPT)["input_tokens"] + 10


def test_count_with_context_management_has_original_tokens() -> None:
    body = count_body({**PROMPT, "context_management": {"edits": []}})
    assert body["context_management"] == {"original_input_tokens": body["input_tokens"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (PROMPT, None),
        (FULL, None),
        ({**PROMPT, "max_tokens": None, "temperature": 7}, None),
        ({"messages": PROMPT["messages"]}, "model: Field required"),
        ({"model": "m"}, "messages: Field required"),
        ({**PROMPT, "messages": []}, "messages: at least one message is required"),
        ({**PROMPT, "tools": [{"name": "x"}]}, "tools.0.custom.input_schema: Field required"),
        (
            {**PROMPT, "thinking": {"type": "enabled", "budget_tokens": 1}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        ([], "Input should be a valid dictionary"),
    ],
)
def test_count_check_on_invalid_request_returns_message(body: Any, message: str | None) -> None:
    failure = COUNT.check(count_request(body))
    assert (failure.message if failure else None) == message


def test_count_dialect_has_error_and_readable_check() -> None:
    assert COUNT.check_readable(count_request(PROMPT)) is None
    assert COUNT.check_readable(count_request([])) is not None
    plan = COUNT.error(Failure("rate_limit"), count_request(PROMPT), IDENTITY)
    assert (plan.head.status, body_of(plan)["error"]["type"]) == (429, "rate_limit_error")
    assert count_request({**PROMPT, "stop_sequences": []}).undocumented_fields == []


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/anthropic/v1/messages/count_tokens"])
def test_count_route_finds_the_dialect(path: str) -> None:
    match = find_route("POST", path, {}, "beta=true")
    assert isinstance(match, RouteMatch)
    assert (match.dialect, match.provider) == (COUNT, "anthropic")


def test_count_needs_no_max_tokens_but_messages_do() -> None:
    failure = MESSAGES.check(MESSAGES.request_class(method="POST", path="", headers={}, raw=dumps(PROMPT)))
    assert failure is not None
    assert failure.message == "max_tokens: Field required"
    assert "max_tokens" in MINIMAL
