"""Base of a server and of its sessions: methods that add rules, and properties of the received requests."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from mockllm.core.display import counted
from mockllm.dialects.route_table import BASE_PATHS
from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.language.rule import RuleSpec
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.raw_entries import EntryKind
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.server.access_log import MAX_PRINTED_LINE, printable_line
from mockllm.testing.added_rules_engine import AddedRulesEngine
from mockllm.testing.call_counts import CountBounds, miscounted
from mockllm.testing.caller import Caller, caller
from mockllm.testing.code_rules import compile_item, compile_match, load_rules
from mockllm.testing.environment import variables
from mockllm.testing.received_request import Received, is_from_stack, rule_key_of
from mockllm.testing.rule_stack import RuleStack

if TYPE_CHECKING:
    from mockllm.testing.verdicts import Verdicts

MatchMapping: TypeAlias = Mapping[str, object]

__tracebackhide__ = True  # a traceback shows the lines of the test only

MAX_SHOWN: Final = 50
"""The most requests in the message or the report of a failed test: a load test sends thousands."""
WEATHER: Final = "weather"
"""The pack of `climate`."""


class CodeRule(Struct, frozen=True):
    """A rule that was added in code."""

    id: str
    _key: str
    _server: MockBase

    @property
    def requests(self) -> list[Received]:
        """The requests for which the rule was selected."""
        return [each for each in self._server.requests if rule_key_of(each) == self._key]

    @property
    def used(self) -> bool:
        """Whether the rule was selected at least once."""
        return bool(self.requests)


class MockBase:
    """A server or a session."""

    _stack: RuleStack
    _names: itertools.count[int]
    session_id: str | None = None
    """The session of this object; None for the server, which gets all requests."""

    def release(self, name: str) -> int:
        """Release the responses that wait for a name (`hold`), and return their number. Where none waits yet, the
        next one does not wait."""
        return self._release(self.session_id or "", name)

    def _release(self, session: str, name: str) -> int:
        raise NotImplementedError  # pragma: no cover - abstract

    def reply(
        self, reply: str | Mapping[str, object], match: MatchMapping | None = None, **words: object
    ) -> CodeRule:
        """Add a rule with a reply: a text, or `{"text": …, "tool_calls": […], …}`. `words` are other keys of a rule:
        `name`, `times`, `per`, `delay`, `pace`, `faults` … Raise Broken for mistakes."""
        return self._rule("reply", {"match": match, "reply": reply, **words})

    def error(
        self, error: str | Mapping[str, object], match: MatchMapping | None = None, **words: object
    ) -> CodeRule:
        """Add a rule with an error: its name (`"rate_limit"`) or `{"type": …, "status": …, …}`."""
        return self._rule("error", {"match": match, "error": error, **words})

    def sequence(
        self, *steps: str | Mapping[str, object], match: MatchMapping | None = None, **words: object
    ) -> CodeRule:
        """Add a rule with steps in order: texts, or mappings such as `{"error": …, "times": 2}`. `then` sets the
        response after the last step."""
        listed = steps[0] if len(steps) == 1 and isinstance(steps[0], list) else steps
        return self._rule("sequence", {"match": match, "sequence": listed, **words})

    def rule(self, **words: object) -> CodeRule:
        """Add any rule, as in a file: `rule(match={…}, http={"status": 418})`."""
        return self._rule("rule", words)

    def modifier(self, **words: object) -> None:
        """Add a modifier of all responses: `modifier(delay="200ms")`."""
        self._written("modifier", "modifier", words)

    def load(self, *paths: str | os.PathLike[str]) -> None:
        """Add scenario files or folders above all others. Paths are relative to the folder of the calling file if
        they exist there, else to the current folder."""
        by = caller()
        matching = [_resolve_path(os.fspath(path), by) for path in paths]
        self._stack.add(load_rules(matching))

    def climate(self, climate: str) -> None:
        """Set the weather of the pack `weather` from now on: calm, flaky, rate-limited, slow, storm,
        provider-outage."""
        sources = self._stack.sources
        packs = [*sources.packs, *([] if WEATHER in sources.packs else [WEATHER])]
        values = {**sources.settings.values, f"{WEATHER}.climate": climate}
        self._stack.serve(scenario_sources(self._stack.scenarios, packs, values))

    def _rule(self, default_name: str, words: Mapping[str, object]) -> CodeRule:
        entries = self._written("rule", default_name, words)
        id, key = (entries[0].id, entries[0].key) if entries else ("", "")
        return CodeRule(id, key, self)

    def _written(
        self, kind: EntryKind, default_name: str, words: Mapping[str, object]
    ) -> Sequence[TypedEntry]:
        """Add an item, and return its entries: none where it is disabled."""
        keys = {name: value for name, value in words.items() if not (name == "match" and value is None)}
        name = f"{default_name} {next(self._names)}"
        addition = compile_item(kind, keys, caller(), name, self.session_id or "")
        self._stack.add(addition)
        return addition.entries

    @property
    def _rules_engine(self) -> AddedRulesEngine:
        raise NotImplementedError

    @property
    def requests(self) -> list[Received]:
        """All requests in their order, without those to `/`, `/health` and similar paths. Those of a session end
        when it closes: a later one may have its id."""
        every = self.session_id is None
        return [
            each for each in self._rules_engine.received.copy() if every or is_from_stack(each, self._stack)
        ]

    @property
    def unmatched(self) -> list[Received]:
        """The unmatched requests."""
        return [each for each in self.requests if each.missed]

    @property
    def unused_rules(self) -> list[str]:
        """The ids of rules that were never selected: rules in code and in the user's files, without packs and
        fallbacks. For a session, only the rules that were added to it."""
        stack = self._stack
        own_files = stack.below is None or stack.base is not stack.below.base
        return self._unused([*self._added, *(stack.base.entries if own_files else ())])

    @property
    def _added(self) -> list[TypedEntry]:
        """The entries that were added in code, and those of files loaded in code."""
        return [entry for addition in self._stack.additions for entry in addition.entries]

    def _unused(self, entries: Sequence[TypedEntry]) -> list[str]:
        used = set(map(rule_key_of, self.requests))
        rules = (
            each
            for each in entries
            if isinstance(each.spec, RuleSpec) and each.layer <= 0 and not each.spec.fallback
        )
        return list(dict.fromkeys(each.id for each in rules if each.key not in used))

    def verify(
        self,
        match: MatchMapping | None = None,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
    ) -> list[Received]:
        """Return the requests that match. Raise AssertionError if their number is wrong: by default less than one.
        Raise Broken for an invalid match."""
        bounds = CountBounds.of(times, at_least, at_most)
        matcher = compile_match({} if match is None else match, caller())
        received = self.requests
        matching = [each for each in received if matcher.matches(each.request)]
        lost = self._rules_engine.total - len(self._rules_engine.received)
        if not bounds.contains(len(matching)):
            raise AssertionError(miscounted(bounds, match, matcher, matching, received, lost))
        return matching

    @property
    def verdicts(self) -> Verdicts:
        """The verdicts on the clients: `assert not server.verdicts.bad`. A failure without a retry by now counts as
        abandoned."""
        from mockllm.testing.verdicts import verdicts

        self._catch_up()
        rules_engine = self._rules_engine
        return verdicts(self.requests, time.time(), lost=rules_engine.total > len(rules_engine.received))

    def _catch_up(self) -> None:
        """Wait until the ends of all finished responses are recorded."""
        raise NotImplementedError

    def journal(self, last: int | None = None) -> str:
        """Return a line for each request, or for the last ones, with the nearest rules for unmatched ones."""
        self._catch_up()
        requests = self.requests
        shown = requests if last is None else requests[max(0, len(requests) - last) :]
        omitted = len(requests) - len(shown)
        lines = [f"{counted(omitted, 'earlier request')} left out"] if omitted else []
        for each in shown:
            why = (f"    {printable_line(line, MAX_PRINTED_LINE)}" for line in each.explanation.splitlines())
            lines += [str(each), *why]
        return "\n".join(lines)

    def complaints(self, *, unmatched: bool, unused: bool, files: bool = True) -> list[str]:
        """Return texts about unmatched requests and unused rules. Without `files`, ignore the server's files,
        whose rules may belong to other tests."""
        texts = []
        missed = self.unmatched if unmatched else []
        if missed:
            lines = "".join(f"\n  {each}" for each in missed[:MAX_SHOWN])
            more = f"\n  and {len(missed) - MAX_SHOWN:,} more" if len(missed) > MAX_SHOWN else ""
            texts.append(f"{counted(len(missed), 'unmatched request')}:{lines}{more}")
        unused_rules = [] if not unused else self.unused_rules if files else self._unused(self._added)
        if unused_rules:
            lines = "".join(f"\n  {id}" for id in unused_rules)
            texts.append(f"{counted(len(unused_rules), 'unused rule')}:{lines}")
        return texts

    @property
    def warnings(self) -> Sequence[Diagnostic]:
        """The warnings of `mockllm check` about the files."""
        return self._stack.base.warnings

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`, for plain HTTP; that of a session ends in `/s/ID`."""
        raise NotImplementedError

    @property
    def openai_url(self) -> str:
        """For `OpenAI(base_url=…)`."""
        return self.base_url + BASE_PATHS["openai"]

    @property
    def anthropic_url(self) -> str:
        """For `Anthropic(base_url=…)`."""
        return self.base_url + BASE_PATHS["anthropic"]

    @property
    def gemini_url(self) -> str:
        """For `genai.Client(http_options={"base_url": …})`."""
        return self.base_url + BASE_PATHS["gemini"]

    @property
    def azure_url(self) -> str:
        """For `AzureOpenAI(azure_endpoint=…)`."""
        return self.base_url + BASE_PATHS["azure"]

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which SDKs find the server, with dummy keys."""
        return variables(self.base_url)


def scenario_sources(scenarios: object, packs: object, values: object) -> ScenarioSources:
    """Return the sources. The process's environment sets no parameter, so a test is the same on every machine. Raise
    ValueError for a value of a wrong type."""
    listed, named = _listed(scenarios), _listed(packs)
    paths = [os.fspath(each) for each in listed if isinstance(each, str | os.PathLike)]
    names = [each for each in named if isinstance(each, str)]
    if len(paths) < len(listed):
        raise ValueError(f"scenarios takes a path or a list of paths, and not {scenarios!r}")
    if len(names) < len(named):
        raise ValueError(f"packs takes a name or a list of names, and not {packs!r}")
    if not isinstance(values, Mapping):
        raise ValueError(f"params takes a mapping of names to values, and not {values!r}")
    settings = ParamSettings(values=dict(values))
    return ScenarioSources(tuple(paths), tuple(names), settings, KNOWN_NAMES, examples=False)


def _listed(value: object) -> list[object]:
    """Return the items of a list; a value that is none is its only item."""
    return [value] if isinstance(value, str | os.PathLike) or not isinstance(value, Iterable) else [*value]


def _resolve_path(path: str, by: Caller) -> str:
    """Return the path relative to the calling file if it exists there, else unchanged."""
    beside = os.path.join(os.path.dirname(by.file), path)
    return os.path.relpath(beside) if os.path.exists(beside) else path
