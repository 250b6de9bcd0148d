"""Which offered tools a request's turns have called, and which ones the person's last text is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from mockllm.core.request.agent_frames import called_in_text, is_result
from mockllm.core.request.messages import CallPart, Message, ResultPart, TextPart
from mockllm.core.request.person_texts import person_texts, shortened
from mockllm.core.request.tools import CALLABLE, Tool
from mockllm.core.word_stems import SYNONYMS, name_stems, stem

MAX_TEXT: Final = 4_000
"""The most characters of a text that are searched for a tool's name."""
_MAX_TOOLS: Final = 256
"""The most tools that are searched for."""
_WORD: Final = re.compile(r"[^\W_]{1,40}")
_USE: Final = re.compile(
    r"\b(?:use|using|call|calling|invoke|run|with) (?:the|a|an|one of the|your|my|this|that|any) "
    r"(?:\w{1,30} ){0,2}(?:tools?|functions?)\b",
    re.IGNORECASE,
)
_PLAIN_WORDS: Final = (
    "a all an and any api by call do fetch for from function get in is it list make me my new of on or our run set "
    "that the this to tool use with you your"
)
_PLAIN: Final = frozenset(_PLAIN_WORDS.split())
"""Words of a tool's name that say nothing about its use."""


def uncalled_tools(
    tools: Sequence[Tool], allowed: Collection[str], messages: Sequence[Message]
) -> tuple[str, ...]:
    """Return the names of the tools that may be called and were not called since the last message of a person.
    `allowed`: the names to which the request limits its tools; empty for no limit."""
    left = [tool.name for tool in tools if tool.kind in CALLABLE and (not allowed or tool.name in allowed)]
    if not left:
        return ()
    called: set[str | None] = set()
    for message in reversed(messages):
        if message.role == "user":
            if not _is_result(message):
                break
        else:
            called |= {part.name for part in message.parts if isinstance(part, CallPart | ResultPart)}
            called.update(name for text in _texts(message) for name in called_in_text(text))
    return tuple(name for name in left if name not in called)


def text_results(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the results of tools that an agent sends as a person's message, those after the last turn of the
    model."""
    for message in reversed(messages):
        if message.role != "user":
            return
        for text in _texts(message):
            if is_result(text):
                yield text.partition("\n")[2]


def mentioned_tools(
    uncalled: Sequence[str], messages: Sequence[Message], *, any_called: bool = False
) -> tuple[str, ...]:
    """Return those of the tools that the person's last text mentions, by their names or by words of them: the best
    match first. A text that requires a tool without a name mentions all of them, until one was called."""
    if not uncalled:
        return ()
    text = shortened(next(person_texts(messages), ""), MAX_TEXT)
    words = {stem(word) for word in _WORD.findall(text)}
    folded = text.lower()
    scores = []
    for number, name in enumerate(uncalled[:_MAX_TOOLS]):
        stems = [word for word in name_stems(name) if word not in _PLAIN]
        matches = [word for word in stems if word in words or not words.isdisjoint(SYNONYMS.get(word, ()))]
        if len(name) > 2 and name.lower() in folded and "_" in name:
            scores.append((-2.0, number, name))
        elif matches:
            scores.append((-len(matches) / len(stems), number, name))
    if not scores and not any_called and _USE.search(text):
        return tuple(uncalled)
    return tuple(name for *_, name in sorted(scores))


def _is_result(message: Message) -> bool:
    return next((is_result(text) for text in _texts(message)), False)


def _texts(message: Message) -> Iterator[str]:
    return (part.text for part in message.parts if type(part) is TextPart)
