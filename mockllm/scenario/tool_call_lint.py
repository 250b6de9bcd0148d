"""Warnings about calls of a tool whose name is a slip of the one by which the rule matches.

Rules often match requests with one tool and call another: `lock_door` and `unlock_door`. A name is a slip only if
it differs by case, by `_` and `-`, or by one letter. And the file must have no further sign of that tool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from mockllm.scenario.known_names import GLOB
from mockllm.scenario.language.base import children
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.rule import RuleSpec
from mockllm.scenario.match_lint import Warnings, texts_and_globs
from mockllm.scenario.rule_lint import calls_of_reply, replies

MAX_TOOLS: Final = 100
"""A rule that matches by more tools has no warnings."""
MAX_LENGTH: Final = 100
"""A longer name is compared only but for case, `_` and `-`."""
_WORD: Final = re.compile(r"[\w-]+")
_UNSOUNDED: Final = str.maketrans("", "", "_-")
_OFFERED: Final = ("tools", "uncalled", "mentioned")
"""Conditions on the names of offered tools."""


def misspelt_calls(spec: RuleSpec, tools_of_file: Callable[[], Collection[str]]) -> Warnings:
    """Warn about calls of a tool that is almost the one by which the rule matches. `tools_of_file` returns the tools
    by which any rule of its file matches."""
    tools = texts_and_globs(spec.match.tools)
    if not tools or len(tools) > MAX_TOOLS or any(GLOB.search(tool) for tool in tools):
        return
    named: Collection[str] | None = None
    slips: dict[str, str] = {}
    for place, reply in replies(spec):
        calls = [*calls_of_reply(reply, place)]
        if any(name in tools for _, name in calls):
            continue
        for path, name in calls:
            slips = slips or {slip: tool for tool in reversed(tools) for slip in _slips(tool)}
            near = _meant(name, tools, slips)
            if near is None:
                continue
            if named is None:
                named = {*_words(spec.match), *tools_of_file()}
            if name not in named:
                yield (
                    path,
                    f'the rule matches requests with the tool "{near}" and calls "{name}"; did you mean "{near}"?',
                )


def offered_tools(match: Match) -> Iterator[str]:
    """Yield the names of offered tools that a match spells out, itself or in its parts."""
    for name in _OFFERED:
        yield from _texts(getattr(match, name))
    for each in (*(match.all or ()), *(match.any or ()), *([match.not_] if match.not_ else ())):
        yield from offered_tools(each)


def _meant(name: str, tools: Sequence[str], slips: dict[str, str]) -> str | None:
    """Return the tool whose name a text almost is. `slips` has the tools by the texts of `_slips`."""
    if found := slips.get(name):
        return found
    shorter, plain = _slips(name), _plain(name)
    return next((tool for tool in tools if tool in shorter or _plain(tool) == plain), None)


def _slips(name: str) -> set[str]:
    """Return what a name becomes without one of its letters, or with two letters swapped."""
    if len(name) > MAX_LENGTH:
        return set()
    slips = set()
    for at, letter in enumerate(name):
        if letter.isalpha():
            slips.add(name[:at] + name[at + 1 :])
            if name[at + 1 : at + 2].isalpha():
                slips.add(name[:at] + name[at + 1] + letter + name[at + 2 :])
    return slips - {name}


def _plain(name: str) -> str:
    return name.lower().translate(_UNSOUNDED)


def _words(value: object) -> Iterator[str]:
    """Yield the texts of a match, and the words of each."""
    for text in _texts(value):
        yield text
        yield from _WORD.findall(text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for _, child in children(value):
        yield from _texts(child)
