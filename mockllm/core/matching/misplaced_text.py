"""A hint for a text that a rule expects in one part of a conversation, and that is in another part.

Only near misses and explanations have hints, so matching does not become slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from mockllm.core.matching.conditions import OneOf
from mockllm.core.matching.hints import MAX_TEXT_LENGTH
from mockllm.core.matching.text_conditions import (
    Condition,
    Contains,
    EndsWith,
    Equals,
    Glob,
    Regex,
    StartsWith,
)
from mockllm.core.request.messages import ResultPart, TextPart
from mockllm.core.request.request import Request

FIELDS: Final = ("user", "typed", "system")
"""The fields that are one part of the conversation."""
MAX_MESSAGES: Final = 200
"""The most messages and results that are searched, the last ones: a client may send many short ones."""
_HINTS: Final = {
    "user": "an earlier user message matches: write messages",
    "assistant": "an assistant message matches: write messages",
    "tool": "an earlier tool result matches: write messages",
}


def misplaced_text(field: str, condition: Condition, request: Request) -> str | None:
    """Return a hint where another part of the conversation meets the condition on a field; None where none does."""
    if field not in FIELDS or not _is_about_words(condition):
        return None
    return next((hint for hint, text in _places(field, request) if condition.matches(text)), None)


def _places(field: str, request: Request) -> Iterator[tuple[str, str]]:
    """Yield a hint and the text of each other part, the last message first, up to a bound of characters."""
    length = 0
    for hint, texts in _all_places(request):
        length += sum(map(len, texts))
        if length > MAX_TEXT_LENGTH:
            return
        if any(texts) and not hint.endswith(f": write {field}"):
            yield hint, "\n".join(texts)


def _all_places(request: Request) -> Iterator[tuple[str, list[str]]]:
    yield "the user text matches: write user", [request.user or ""]
    yield "the system text matches: write system", [request.system or ""]
    for result in request.tool_results[-MAX_MESSAGES:]:
        yield "a tool result matches: write tool_result", [result.text]
    for message in islice(reversed(request.messages), MAX_MESSAGES):
        if message.role != "system":
            texts = [part.text for part in message.parts if isinstance(part, (TextPart, ResultPart))]
            yield _HINTS[message.role], texts


def _is_about_words(condition: Condition) -> bool:
    """Return whether the condition names words of a text: a text that only is long enough is no hint."""
    if isinstance(condition, OneOf):
        return all(_is_about_words(each) for each in condition.conditions)
    if isinstance(condition, Regex):
        return condition.compiled.is_linear
    return isinstance(condition, (Contains, StartsWith, EndsWith, Equals, Glob))
