"""Cache breakpoints of a messages request: four at most, each with a known type and lifetime."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import MINIMAL, messages, refusal_message

TOOL = {"name": "get", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "t1", "name": "get", "input": {}}
CALL = {"role": "assistant", "content": [USE]}


def marked(top: bool, tools: int, system: int, turns: int, inner: int) -> dict[str, Any]:
    """A request with so many breakpoints in each place, and some that are none."""
    mark = {"cache_control": {"type": "ephemeral"}}
    text = {"type": "text", "text": '"cache_control"', "cache_control": None}
    result = {"type": "tool_result", "tool_use_id": "t1"}
    blocks: list[Any] = [text, *[{**text, **mark}] * turns]
    found: dict[str, Any] = {
        **MINIMAL,
        "tools": [{**TOOL, "name": f"t{number}", **mark} for number in range(tools)],
        "system": [text, *[{**text, **mark}] * system],
        "messages": [
            {"role": "user", "content": blocks},
            CALL,
            {"role": "user", "content": [{**result, "content": [{**text, **mark}] * inner}]},
        ],
    }
    return {**found, **mark} if top else found


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ((False, 1, 1, 1, 1), 4),
        ((True, 1, 1, 1, 0), 4),
        ((True, 1, 1, 1, 1), 5),
        ((False, 2, 0, 4, 0), 6),
        ((False, 0, 5, 0, 0), 5),
        ((False, 0, 0, 0, 5), 5),
    ],
)
def test_more_than_four_breakpoints_are_refused(places: tuple[bool, int, int, int, int], found: int) -> None:
    message = f"A maximum of 4 blocks with cache_control may be provided. Found {found}."
    failure = MESSAGES.check(messages(marked(*places)))
    assert (failure and failure.message) == (None if found == 4 else message)


def with_lifetimes(
    tool: str | None, system: str | None, inner: str | None, turn: str | None
) -> dict[str, Any]:
    """A request whose breakpoints have these lifetimes."""

    def mark(ttl: str | None) -> dict[str, Any]:
        return {} if ttl is None else {"cache_control": {"type": "ephemeral", "ttl": ttl}}

    text = {"type": "text", "text": "x"}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{**text, **mark(inner)}]}
    return {
        **MINIMAL,
        "tools": [{**TOOL, **mark(tool)}],
        "system": [text, {**text, **mark(system)}],
        "messages": [
            {"role": "user", "content": "hi"},
            CALL,
            {"role": "user", "content": [result, {**text, **mark(turn)}]},
        ],
    }


@pytest.mark.parametrize(
    ("lifetimes", "path"),
    [
        (("1h", "1h", "5m", "5m"), None),
        ((None, "1h", "5m", None), None),
        (("5m", "1h", None, None), "system.1"),
        (("5m", None, None, "1h"), "messages.2.content.1"),
        ((None, None, "5m", "1h"), "messages.2.content.1"),
        (("1h", "5m", "1h", None), "messages.2.content.0.content.0"),
    ],
)
def test_hour_behind_five_minutes_is_refused(lifetimes: tuple[str | None, ...], path: str | None) -> None:
    failure = MESSAGES.check(messages(with_lifetimes(*lifetimes)))
    message = (
        f"{path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control "
        "block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
    )
    assert (failure and failure.message) == (path and message)


def test_hour_of_the_body_follows_any_lifetime() -> None:
    marked_body = with_lifetimes("5m", None, None, None)
    marked_body["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    assert MESSAGES.check(messages(marked_body)) is None


RESULT = {"type": "tool_result", "tool_use_id": "t1"}
TEXT = {"type": "text", "text": "x"}
WRONG: list[tuple[Any, str]] = [
    (
        {"type": "ephemral"},
        ": Input tag 'ephemral' found using 'type' does not match any of the expected tags: 'ephemeral'",
    ),
    ({"type": "ephemeral", "ttl": "10m"}, ".ephemeral.ttl: Input should be '5m' or '1h'"),
    ({"type": "ephemeral", "ttl": 5}, ".ephemeral.ttl: Input should be '5m' or '1h'"),
    ({"type": "ephemeral", "ttl": []}, ".ephemeral.ttl: Input should be '5m' or '1h'"),
    ({}, ".type: Field required"),
    ("ephemeral", ": Input should be an object"),
]
"""Wrong values of `cache_control`, and the message after its path."""
RIGHT: list[Any] = [
    None,
    {"type": "ephemeral"},
    {"type": "ephemeral", "ttl": "5m"},
    {"type": "ephemeral", "ttl": "1h"},
    {"type": "ephemeral", "ttl": None},
    {"type": "ephemeral", "scope": "global"},
]


def placed(breakpoint: Any) -> dict[str, dict[str, Any]]:
    """Requests with `cache_control` in each place, by its path."""
    mark = {"cache_control": breakpoint}
    user = {"role": "user", "content": "hi"}
    call = {"role": "assistant", "content": [{**USE, **mark}]}
    results = {"role": "user", "content": [{**RESULT, **mark}]}
    inner = {"role": "user", "content": [{**RESULT, "content": [TEXT, {**TEXT, **mark}]}]}
    turns = {
        "messages.0.content.1.text": [{"role": "user", "content": [TEXT, {**TEXT, **mark}]}],
        "messages.1.content.0.tool_use": [user, call, {"role": "user", "content": [RESULT]}],
        "messages.2.content.0.tool_result": [user, CALL, results],
        "messages.2.content.0.tool_result.content.1.text": [user, CALL, inner],
    }
    tool = {"type": "web_search_20250305", "name": "web_search"}
    return {
        "cache_control": {**MINIMAL, **mark},
        "system.1.cache_control": {**MINIMAL, "system": [TEXT, {**TEXT, **mark}]},
        "tools.0.custom.cache_control": {**MINIMAL, "tools": [{**TOOL, **mark}]},
        "tools.0.web_search_20250305.cache_control": {**MINIMAL, "tools": [{**tool, **mark}]},
        **{f"{path}.cache_control": {**MINIMAL, "messages": items} for path, items in turns.items()},
    }


@pytest.mark.parametrize(("breakpoint", "message"), WRONG)
def test_wrong_breakpoint_is_refused_in_each_place(breakpoint: Any, message: str) -> None:
    for path, body in placed(breakpoint).items():
        assert refusal_message(body) == path + message


@pytest.mark.parametrize("breakpoint", RIGHT)
def test_right_breakpoint_is_accepted_in_each_place(breakpoint: Any) -> None:
    assert [refusal_message(body) for body in placed(breakpoint).values()] == [None] * 8


def test_wrong_breakpoint_after_known_turns_is_refused() -> None:
    user, turn = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "x"}
    wrong = {"role": "user", "content": [{**TEXT, "cache_control": {"type": "x"}}]}
    assert refusal_message({**MINIMAL, "messages": [user, turn, user]}) is None
    assert "messages.2.content.0.text.cache_control" in str(
        refusal_message({**MINIMAL, "messages": [user, turn, wrong]})
    )
