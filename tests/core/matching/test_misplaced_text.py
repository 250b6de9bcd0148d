"""Hints for a text that is in another part of the conversation than the rule expects."""

from __future__ import annotations

import pytest

from mockllm.core.matching.conditions import Contains, Exists, OneOf, Regex
from mockllm.core.matching.hints import MAX_TEXT_LENGTH
from mockllm.core.matching.matchers import Field, FieldMatcher
from mockllm.core.matching.misplaced_text import MAX_MESSAGES
from mockllm.core.matching.text_conditions import Condition, Equals
from tests.core.json_requests import JsonRequest, json_request

MESSAGES = [
    ["system", "You are kind."],
    ["user", "first <b>"],
    ["assistant", "Let me look."],
    ["tool", ["12 degrees"]],
    ["assistant", "And there."],
    ["tool", ["9 metres"]],
    ["user", "second"],
]


def hint(field: str, condition: Condition, request: JsonRequest | None = None) -> str | None:
    """Return the hint of the test of a field."""
    (result,) = FieldMatcher(Field(field), condition).test_results(
        request or json_request({"messages": MESSAGES})
    )
    return result.hint


@pytest.mark.parametrize(
    ("field", "condition", "expected"),
    [
        ("user", Contains("kind"), "the system text matches: write system"),
        ("user", Contains("first"), "an earlier user message matches: write messages"),
        ("typed", Contains("look"), "an assistant message matches: write messages"),
        ("user", Regex(r"\d+ metres"), "a tool result matches: write tool_result"),
        ("user", Regex(r"\d+ degrees"), "an earlier tool result matches: write messages"),
        ("system", Contains("second"), "the user text matches: write user"),
        (
            "user",
            OneOf((Contains("x"), Contains("first"))),
            "an earlier user message matches: write messages",
        ),
        ("user", Contains("third"), None),
        ("user", Exists(False), None),
        ("user", Regex(r"(?=fi)\w+rst"), None),
        ("model", Contains("first"), None),
    ],
)
def test_place_of_text_is_named(field: str, condition: Condition, expected: str | None) -> None:
    assert hint(field, condition) == expected


@pytest.mark.parametrize("field", ["user", "system"])
def test_near_text_has_the_first_hint(field: str) -> None:
    texts = {"user": "Second", "system": "you are kind."}
    assert hint(field, Contains(texts[field])) == "only the case differs"


def test_empty_text_is_no_other_place() -> None:
    assert hint("user", Equals(""), json_request({"messages": [["user", ""], ["user", "second"]]})) is None


def test_last_messages_of_many_are_searched() -> None:
    messages = [["user", "first"], *[["user", ""]] * MAX_MESSAGES]
    assert hint("system", Contains("first"), json_request({"messages": messages})) is None


def test_long_conversation_is_not_searched() -> None:
    messages = [["user", "first"], ["assistant", "x" * MAX_TEXT_LENGTH], ["user", "second"]]
    assert hint("user", Contains("first"), json_request({"messages": messages})) is None
