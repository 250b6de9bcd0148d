"""Which offered tools a request's turns have called, and which ones the person's last text is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.request.agent_frames import called_in_text, result_in_text
from mockllm.core.request.messages import CallPart, Message, ResultPart, TextPart
from mockllm.core.request.person_texts import shortened
from mockllm.core.text_cache import text_cache
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


def uncalled_tools(names: Sequence[str], messages: Sequence[Message]) -> tuple[str, ...]:
    """Return those of the tools that were not called since the last message of a person."""
    called: set[str | None] = set()
    for message in reversed(messages):
        if message.role == "user":
            if not _is_result(message):
                break
            continue
        for part in message.parts:
            if isinstance(part, CallPart | ResultPart):
                called.add(part.name)
            elif type(part) is TextPart:
                called.update(called_in_text(part.text))
    return tuple([name for name in names if name not in called])


def text_results(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the results of tools that an agent sends as a person's message, those after the last turn of the
    model."""
    for message in reversed(messages):
        if message.role != "user":
            return
        results = map(result_in_text, _texts(message))
        yield from (result for result in results if result is not None)


def mentioned_tools(uncalled: Sequence[str], text: str, *, any_called: bool = False) -> tuple[str, ...]:
    """Return those of the tools that the person's text mentions, by their names or by words of them: the best
    match first. A text that requires a tool without a name mentions all of them, until one was called."""
    if not uncalled:
        return ()
    text = shortened(text, MAX_TEXT)
    scores = _scores_of(text)
    found = [name for name in uncalled[:_MAX_TOOLS] if scores[name]]
    if not found and not any_called and _requires_tool(text):
        return tuple(uncalled)
    return tuple(sorted(found, key=scores.__getitem__, reverse=True))


class _ToolScores(dict[str, float]):
    """How well a text mentions each tool, by the tool's name: computed at the first read. 0 where it does not."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._words = frozenset([stem(word) for word in _WORD.findall(text)])
        self._folded = text.lower()

    def __missing__(self, name: str) -> float:
        whole, spellings = _telling_words(name)
        if whole is not None and whole in self._folded:
            score = 2.0
        else:
            matches = [spelling for spelling in spellings if not self._words.isdisjoint(spelling)]
            score = len(matches) / len(spellings) if matches else 0.0
        if len(self) < _MAX_TOOLS:
            self[name] = score
        return score


@text_cache(64, 2_000)
def _scores_of(text: str) -> _ToolScores:
    """Return how well a text mentions tools. Agents repeat their question, and their tools, in each request."""
    return _ToolScores(text)


@text_cache(1024)
def _telling_words(name: str) -> tuple[str | None, Sequence[frozenset[str]]]:
    """Return a tool's name in lower case, where no other word is like it. Return too each of its stems that says
    something about its use, with the synonyms of the stem."""
    stems = [word for word in name_stems(name) if word not in _PLAIN]
    whole = name.lower() if len(name) > 2 and "_" in name else None
    return whole, tuple([frozenset((word, *SYNONYMS.get(word, ()))) for word in stems])


@text_cache(64, 2_000)
def _requires_tool(text: str) -> bool:
    """Return whether a text requires a tool without a name."""
    return _USE.search(text) is not None


def _is_result(message: Message) -> bool:
    """Return whether the first text of a person's message is the result of a tool."""
    for part in message.parts:
        if type(part) is TextPart:
            return result_in_text(part.text) is not None
    return False


def _texts(message: Message) -> Iterator[str]:
    return (part.text for part in message.parts if type(part) is TextPart)
