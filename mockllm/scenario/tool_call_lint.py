"""Warnings about calls of a tool whose name is a slip of the one by which the rule matches. Also about results of a
tool whose name is a slip of one that a rule calls.

Rules often match requests with one tool and call another: `lock_door` and `unlock_door`. A name is a slip only if
it differs by case, by `_` and `-`, or by one letter. And the file must have no further sign of that tool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from mockllm.core.values.types import is_static
from mockllm.scenario.diagnostics import Path
from mockllm.scenario.known_names import GLOB
from mockllm.scenario.language.base import children
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.match_lint import Warnings, texts_and_globs
from mockllm.scenario.rule_lint import calls_of_reply, may_call_any_tool, replies, responses

MAX_TOOLS: Final = 100
"""A rule that matches by more tools has no warnings on its calls, nor have results where rules call more."""
MAX_LENGTH: Final = 100
"""A longer name is compared only but for case, `_` and `-`."""
_WORD: Final = re.compile(r"[\w-]+")
_UNSOUNDED: Final = str.maketrans("", "", "_-")
_OFFERED: Final = ("tools", "uncalled", "mentioned")
"""Conditions on the names of offered tools."""


class ToolNames(Struct, frozen=True):
    """The names of tools in some rules and modifiers: those by which they match requests, those whose results they
    match, and those that they call."""

    offered: Collection[str]
    returned: Collection[str]
    called: Collection[str]
    called_slips: Mapping[str, str]
    """The called tools by their slips (`_slips_of`); empty where more than MAX_TOOLS are called."""
    written: Collection[str] | None
    """The words of responses without a reply, such as the body of `http`. None where a response may call any tool."""

    @staticmethod
    def of(specs: Sequence[RuleSpec | ModifierSpec]) -> ToolNames:
        """Return the names in these rules and modifiers."""
        offered, returned, called = set[str](), set[str](), set[str]()
        for spec in specs:
            offered.update(_offered_tools(spec.match))
            returned.update(name for _, name in _returned_tools(spec.match, ("match",)))
            if isinstance(spec, RuleSpec):
                called.update(
                    name for place, reply in replies(spec) for _, name in calls_of_reply(reply, place)
                )
        slips = _slips_of(sorted(called)) if len(called) <= MAX_TOOLS else {}
        return ToolNames(offered, returned, called, slips, _written_words(specs))

    def is_used_beside(self, name: str, other: str) -> bool:
        """Return whether rules match requests with a tool, or call it and match its result, and call another one."""
        return name in self.offered or (name in self.returned and {name, other} <= {*self.called})


def misspelt_results(spec: RuleSpec | ModifierSpec, tools_of_all: Callable[[], ToolNames]) -> Warnings:
    """Warn about results of a tool that no rule calls, and that is almost one that a rule calls. `tools_of_all`
    returns the tools of all rules; most rules match no result and do not need them."""
    for path, name in _returned_tools(spec.match, ("match",)):
        names = tools_of_all()
        if len(names.called) > MAX_TOOLS or names.written is None:
            return
        if name in names.called or name in names.offered or name in names.written:
            continue
        near = _meant(name, sorted(names.called), names.called_slips)
        if near is not None:
            yield path, f'no rule calls the tool "{name}"; did you mean "{near}"?'


def misspelt_calls(spec: RuleSpec, tools_of_file: Callable[[], ToolNames]) -> Warnings:
    """Warn about calls of a tool that is almost the one by which the rule matches. `tools_of_file` returns the tools
    of all rules of its file."""
    tools = texts_and_globs(spec.match.tools)
    if not tools or len(tools) > MAX_TOOLS or any(GLOB.search(tool) for tool in tools):
        return
    named: Collection[str] | None = None
    slips: Mapping[str, str] = {}
    for place, reply in replies(spec):
        calls = [*calls_of_reply(reply, place)]
        if any(name in tools for _, name in calls):
            continue
        for path, name in calls:
            slips = slips or _slips_of(tools)
            near = _meant(name, tools, slips)
            if near is None:
                continue
            if named is None:
                named = {*_words(spec.match)}
            if name not in named and not tools_of_file().is_used_beside(name, near):
                yield (
                    path,
                    f'the rule matches requests with the tool "{near}" and calls "{name}"; did you mean "{near}"?',
                )


def _written_words(specs: Sequence[RuleSpec | ModifierSpec]) -> Collection[str] | None:
    """Return the words of the bodies of `http`; None where a template, a file or another server may call any tool."""
    words = set[str]()
    for spec in specs:
        for _, response in responses(spec) if isinstance(spec, RuleSpec) else ():
            reply, http = response.reply, response.http
            if response.replay or response.proxy or (reply is not None and may_call_any_tool(reply)):
                return None
            if http is not None and (http.body_file is not None or not is_static(http.body)):
                return None
            words.update(_words(None if http is None else http.body))
    return words


def _slips_of(tools: Sequence[str]) -> Mapping[str, str]:
    """Return the tools by the texts that their names become without one letter, or with two letters swapped."""
    return {slip: tool for tool in reversed(tools) for slip in _slips(tool)}


def _offered_tools(match: Match) -> Iterator[str]:
    """Yield the names of offered tools that a match spells out, itself or in its parts."""
    for name in _OFFERED:
        yield from _texts(getattr(match, name))
    for _, each in _parts(match, ()):
        yield from _offered_tools(each)


def _returned_tools(match: Match, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the places and names of tools whose results a match spells out, itself or in its parts."""
    names = () if match.tool_result is None else texts_and_globs(match.tool_result.name)
    yield from (((*path, "tool_result", "name"), name) for name in names if not GLOB.search(name))
    for below, each in _parts(match, path):
        yield from _returned_tools(each, below)


def _parts(match: Match, path: Path) -> Iterator[tuple[Path, Match]]:
    """Yield the matches in a match, with their places."""
    for key, parts in (("all", match.all), ("any", match.any)):
        yield from (((*path, key, index), each) for index, each in enumerate(parts or ()))
    if match.not_ is not None:
        yield (*path, "not"), match.not_


def _meant(name: str, tools: Sequence[str], slips: Mapping[str, str]) -> str | None:
    """Return the tool whose name a text almost is. `slips` is from `_slips_of`."""
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
