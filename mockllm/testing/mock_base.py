"""What a server and a session of one have in common: they are told what to answer, and tell what came."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from mockllm.dialects.routes import BASES
from mockllm.scenario.compiler import sees
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.raw_entries import Kind
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.testing.call_counts import CountBounds, miscounted
from mockllm.testing.catalog_cache import VOCABULARY
from mockllm.testing.code_rules import Caller, caller, loaded, written
from mockllm.testing.environment import variables
from mockllm.testing.received_request import Received
from mockllm.testing.recording_engine import RecordingEngine, RuleStack

if TYPE_CHECKING:
    from mockllm.testing.verdicts import Verdicts

Match: TypeAlias = Mapping[str, Any]

__tracebackhide__ = True  # of a test that fails, the test's own lines are shown

WEATHER: Final = "weather"
"""The pack that `climate` is about."""


class CodeRule(Struct, frozen=True):
    """A rule that was given in code."""

    id: str
    _server: MockBase

    @property
    def requests(self) -> list[Received]:
        """The requests that it answered."""
        return [each for each in self._server.requests if each.rule == self.id]

    @property
    def used(self) -> bool:
        """Whether it has answered."""
        return bool(self.requests)


class MockBase:
    """A server or a session."""

    _stage: RuleStack
    _names: itertools.count[int]
    session_id: str | None = None
    """The session whose requests are seen here; None where all are."""

    # --- what is answered ----------------------------------------------------------------------

    def reply(self, reply: str | Mapping[str, Any], match: Match | None = None, **words: Any) -> CodeRule:
        """Answers with a reply: a text, or `{"text": …, "tool_calls": […], …}`. `words` are those of a rule:
        `name`, `times`, `per`, `delay`, `pace`, `faults` … Broken where something is wrong with them."""
        return self._rule("reply", {"match": match, "reply": reply, **words})

    def error(self, error: str | Mapping[str, Any], match: Match | None = None, **words: Any) -> CodeRule:
        """Answers with an error, by its name (`"rate_limit"`) or as `{"type": …, "status": …, …}`."""
        return self._rule("error", {"match": match, "error": error, **words})

    def sequence(self, *steps: str | Mapping[str, Any], match: Match | None = None, **words: Any) -> CodeRule:
        """Answers with one step after the other: texts, or `{"error": …, "times": 2}` and the like; `then` says
        what comes behind the last."""
        listed = steps[0] if len(steps) == 1 and isinstance(steps[0], list) else steps
        return self._rule("sequence", {"match": match, "sequence": listed, **words})

    def rule(self, **words: Any) -> CodeRule:
        """Any rule, as a file has it: `rule(match={…}, http={"status": 418})`."""
        return self._rule("rule", words)

    def modifier(self, **words: Any) -> None:
        """A modifier of whatever answers: `modifier(delay="200ms")`."""
        self._written("modifier", "modifier", words)

    def load(self, *paths: str | os.PathLike[str]) -> None:
        """Scenario files or folders, put before all that there is; relative to the folder of the calling file
        where they lie there, else to the current one."""
        by = caller()
        found = [_found(os.fspath(path), by) for path in paths]
        self._stage.add(loaded(ScenarioSources(found, vocabulary=VOCABULARY, examples=False)))

    def climate(self, climate: str) -> None:
        """The weather from now on, of the pack `weather`: calm, flaky, rate-limited, slow, storm,
        provider-outage."""
        wanted = self._stage.wanted
        packs = [*wanted.packs, *([] if WEATHER in wanted.packs else [WEATHER])]
        values = {**wanted.settings.values, f"{WEATHER}.climate": climate}
        self._stage.serve(wanted_of(wanted.scenarios, packs, values))

    def _rule(self, what: str, words: Mapping[str, Any]) -> CodeRule:
        return CodeRule(self._written("rule", what, words), self)

    def _written(self, kind: Kind, what: str, words: Mapping[str, Any]) -> str:
        given = {name: value for name, value in words.items() if not (name == "match" and value is None)}
        addition = written(kind, given, caller(), f"{what} {next(self._names)}")
        self._stage.add(addition)
        return addition.entries[0].id if addition.entries else ""

    # --- what came -----------------------------------------------------------------------------

    @property
    def _watching(self) -> RecordingEngine:
        raise NotImplementedError

    @property
    def requests(self) -> list[Received]:
        """All requests that came, in their order; without those to `/`, `/health` and the like."""
        id = self.session_id
        return [each for each in self._watching.received.copy() if id is None or each.session == id]

    @property
    def unmatched(self) -> list[Received]:
        """Those that no rule answered."""
        return [each for each in self.requests if each.missed]

    @property
    def unused_rules(self) -> list[str]:
        """The ids of the rules that have not answered: of those given in code and in the user's files; not of
        packs, nor fallbacks. Of a session, those that were given to it."""
        stage = self._stage
        own_files = stage.below is None or stage.base is not stage.below.base
        return self._unused([*self._given, *(stage.base.entries if own_files else ())])

    @property
    def _given(self) -> list[TypedEntry]:
        """What was given in code, and the files that it loaded."""
        return [entry for addition in self._stage.additions for entry in addition.entries]

    def _unused(self, entries: Sequence[TypedEntry]) -> list[str]:
        used = {each.rule for each in self.requests}
        rules = [
            each for each in entries if each.kind == "rule" and each.layer <= 0 and not each.spec.fallback
        ]
        return [id for id in dict.fromkeys(each.id for each in rules) if id not in used]

    def verify(
        self,
        match: Match | None = None,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
    ) -> list[Received]:
        """The requests that a rule with this match would have seen. AssertionError where there are not so many:
        by default at least one. Broken where the match is no match."""
        bounds = CountBounds.of(times, at_least, at_most)
        rule = written("rule", {"match": dict(match or {}), "reply": ""}, caller(), "verify")
        matcher = sees(rule.entries[0].spec)
        came = self.requests
        found = [each for each in came if matcher.matches(each.request)]
        lost = self._watching.total - len(self._watching.received)
        if not bounds.holds(len(found)):
            raise AssertionError(miscounted(bounds, match, matcher, found, came, lost))
        return found

    @property
    def verdicts(self) -> Verdicts:
        """How the clients behaved that asked: `assert not server.verdicts.bad`. What they have not tried again by
        now counts as given up."""
        from mockllm.testing.verdicts import verdicts

        self._catch_up()
        watching = self._watching
        return verdicts(self.requests, time.time(), lost=watching.total > len(watching.received))

    def _catch_up(self) -> None:
        """Waits until it is written down how those answers ended whose end has been seen."""
        raise NotImplementedError

    def journal(self) -> str:
        """What came, a line for each request, with what was nearest where no rule answered."""
        return "\n".join(
            str(each) + "".join(f"\n    {line}" for line in each.explanation.splitlines())
            for each in self.requests
        )

    def complaints(self, *, unmatched: bool, unused: bool, files: bool = True) -> list[str]:
        """What is wrong with how it was used, in a person's words; without `files` nothing of the rules in files
        that it was made with, which may be for others."""
        told = []
        if unmatched and self.unmatched:
            several = len(self.unmatched) != 1
            lines = "".join(f"\n  {each}" for each in self.unmatched)
            told.append(f"{len(self.unmatched)} request{'s' * several} that no rule answered:{lines}")
        left = [] if not unused else self.unused_rules if files else self._unused(self._given)
        if left:
            lines = "".join(f"\n  {id}" for id in left)
            told.append(f"{len(left)} rule{'s' * (len(left) != 1)} that never answered:{lines}")
        return told

    # --- where it is ---------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`, for plain HTTP; a session's ends in `/s/ID`."""
        raise NotImplementedError

    @property
    def openai_url(self) -> str:
        """For `OpenAI(base_url=…)`."""
        return self.base_url + BASES["openai"]

    @property
    def anthropic_url(self) -> str:
        """For `Anthropic(base_url=…)`."""
        return self.base_url + BASES["anthropic"]

    @property
    def gemini_url(self) -> str:
        """For `genai.Client(http_options={"base_url": …})`."""
        return self.base_url + BASES["gemini"]

    @property
    def azure_url(self) -> str:
        """For `AzureOpenAI(azure_endpoint=…)`."""
        return self.base_url + BASES["azure"]

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which SDKs find it, and keys that are none."""
        return variables(self.base_url)


def wanted_of(scenarios: Sequence[str], packs: Sequence[str], values: Mapping[str, Any]) -> ScenarioSources:
    """The process's environment sets no parameter: a test means the same on every machine."""
    return ScenarioSources(
        tuple(scenarios), tuple(packs), ParamSettings(values=dict(values)), VOCABULARY, examples=False
    )


def _found(path: str, by: Caller) -> str:
    """A path beside the calling file, where it lies there."""
    beside = os.path.join(os.path.dirname(by.file), path)
    return os.path.relpath(beside) if os.path.exists(beside) else path
