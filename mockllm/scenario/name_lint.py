"""Warnings about names that no entry has: of rules and modifiers in examples, of MCP servers in matches.

They are no errors. An overlay may add a rule, and a rule may respond for a server or a tool that no file describes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from mockllm.scenario.diagnostics import Diagnostic, Path, nearest, suggestion
from mockllm.scenario.known_names import GLOB, KnownNames
from mockllm.scenario.language.base import Spec, children
from mockllm.scenario.language.examples import ExpectSpec
from mockllm.scenario.language.match import McpMatch
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.loader import LoadedScenarios
from mockllm.scenario.match_lint import texts_and_globs
from mockllm.scenario.raw_entries import EntryKind, raw_entries
from mockllm.scenario.rule_ids import names_in

_MODIFIERS: Final[tuple[EntryKind, ...]] = ("modifier",)
_RESPONDERS: Final[tuple[EntryKind, ...]] = ("rule", "modifier", "server")
"""The kinds of entries that may be the `rule` of a response: a modifier's error and a server's reply are."""


def unknown_names_in_examples(scenarios: LoadedScenarios) -> Iterator[Diagnostic]:
    """Warn about rules and modifiers in `expect` that no file has. Disabled ones count, since an example may set the
    parameter for them. With an error in a file, its rules may be missing."""
    if scenarios.diagnostics or not scenarios.examples:
        return
    files = {file.path: file for file in scenarios.loaded.files}
    rules, modifiers = _names(scenarios, _RESPONDERS), _names(scenarios, _MODIFIERS)
    for example in scenarios.examples:
        path: Path = ("examples", example.number)
        steps: list[tuple[Path, ExpectSpec]] = [((*path, "expect"), example.spec.expect)]
        for number, step in enumerate(example.spec.steps or ()):
            steps.append(((*path, "steps", number, "expect"), step.expect))
        for place, expect in steps:
            unknown = (
                *(("rule", each, rules) for each in _unknown(_rule_names(expect.rule), rules)),
                *(("modifier", each, modifiers) for each in _unknown(_texts(expect.modifier), modifiers)),
            )
            for key, name, names in unknown:
                if key == "rule" and is_own_call(name, scenarios.known_names):
                    continue
                short = sorted(each for each in names if ":" not in each)
                message = f'no {key} is called "{name}"{suggestion(name, short)}'
                yield files[example.file].source.diagnostic((*place, key), message)


def unknown_names_of_mcp(
    match: object, servers: Mapping[str, McpServerSpec], place: Path
) -> Iterator[tuple[Path, str]]:
    """Warn about servers, tools and prompts of a match that are almost those of a described server."""
    if isinstance(match, McpMatch):
        yield from _misspelt(match, servers, place)
        return
    for key, child in children(match):
        yield from unknown_names_of_mcp(child, servers, (*place, key))


def _misspelt(
    match: McpMatch, servers: Mapping[str, McpServerSpec], place: Path
) -> Iterator[tuple[Path, str]]:
    named = texts_and_globs(match.server)
    for name in _unknown(_texts(match.server), servers):
        if near := nearest(name, servers):
            yield (*place, "server"), f'no server is called "{name}"; did you mean "{near}"?'
    called = [servers[name] for name in (servers if match.server is None else named) if name in servers]
    for kind in ("tool", "prompt"):
        known = {each.name for server in called for each in getattr(server, f"{kind}s")}
        for name in _unknown(_texts(getattr(match, kind)), known):
            if near := nearest(name, known):
                holder = " or ".join(server.name for server in called)
                yield (*place, kind), f'{holder} has no {kind} "{name}"; did you mean "{near}"?'


def _names(scenarios: LoadedScenarios, kinds: Collection[EntryKind]) -> Collection[str]:
    """Return the names and ids of the entries of some kinds, in all forms that `expect` accepts."""
    names: set[str] = set()
    for file in (*scenarios.loaded.files, *scenarios.loaded.disabled):
        for entry in raw_entries(file):
            if entry.kind in kinds:
                names |= {*names_in(entry.id)}
    return names


def is_own_call(name: str, known_names: KnownNames) -> bool:
    """Return whether a name may be that of a call to which a protocol responds by itself: `openai:models`."""
    dialect, colon, call = name.rpartition(":")
    return call in known_names.apis and (not colon or dialect in known_names.dialects)


def _texts(condition: object) -> Iterator[str]:
    """Return the texts that a condition spells out, without globs."""
    return (text for text in texts_and_globs(condition) if not GLOB.search(text))


def _rule_names(condition: object) -> Iterator[str]:
    """Return the names that a condition on a rule spells out. A text without an operator is no glob."""
    for each in condition if isinstance(condition, list) else [condition]:
        yield from _texts(each) if isinstance(each, Spec) else texts_and_globs(each)


def _unknown(names: Iterable[str], known: Collection[str] | Mapping[str, object]) -> Sequence[str]:
    return [name for name in names if name not in known]
