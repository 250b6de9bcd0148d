"""A mock server inside a test: `with MockLLM() as server: server.reply("Hi")`.

It listens on a port of its own. What it answers is written in the scenario language: in files, in packs, or by
the methods here, each of which stands before all that came earlier.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from mockllm.dialects.routes import BASES
from mockllm.engine import Engine
from mockllm.scenario.compiling import sees
from mockllm.scenario.gathering import Wanted
from mockllm.scenario.mistakes import Mistake
from mockllm.scenario.pack import Settings
from mockllm.server.app import App
from mockllm.server.building import Broken
from mockllm.server.limits import Limits
from mockllm.server.serving import Address
from mockllm.state.sessions import Sessions
from mockllm.testing.additions import Caller, caller, loaded, written
from mockllm.testing.catalogs import VOCABULARY
from mockllm.testing.counting import Bounds, miscounted
from mockllm.testing.environment import variables
from mockllm.testing.hosting import Hosted
from mockllm.testing.received import Received
from mockllm.testing.watching import KEPT, Ends, Stage, Watching, engine_of

Match: TypeAlias = Mapping[str, Any]
Paths: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"

WEATHER: Final = "weather"
"""The pack that `climate` is about."""
__tracebackhide__ = True  # of a test that fails, the test's own lines are shown

LONGEST: Final = 60.0


@dataclass(frozen=True)
class Given:
    """A rule that was given in code."""

    id: str
    _server: Answering

    @property
    def requests(self) -> list[Received]:
        """The requests that it answered."""
        return [each for each in self._server.requests if each.rule == self.id]

    @property
    def used(self) -> bool:
        """Whether it has answered."""
        return bool(self.requests)


class Answering:
    """What a server and a session of one have in common: they are told what to answer, and what came."""

    _stage: Stage
    _names: itertools.count[int]
    session_id: str | None = None
    """The session whose requests are seen here; None where all are."""

    # --- what is answered ----------------------------------------------------------------------

    def reply(self, reply: str | Mapping[str, Any], match: Match | None = None, **words: Any) -> Given:
        """Answers with a reply: a text, or `{"text": …, "tool_calls": […], …}`. `words` are those of a rule:
        `name`, `times`, `per`, `delay`, `pace`, `faults` … Broken where something is wrong with them."""
        return self._rule("reply", {"match": match, "reply": reply, **words})

    def error(self, error: str | Mapping[str, Any], match: Match | None = None, **words: Any) -> Given:
        """Answers with an error, by its name (`"rate_limit"`) or as `{"type": …, "status": …, …}`."""
        return self._rule("error", {"match": match, "error": error, **words})

    def sequence(self, *steps: str | Mapping[str, Any], match: Match | None = None, **words: Any) -> Given:
        """Answers with one step after the other: texts, or `{"error": …, "times": 2}` and the like; `then` says
        what comes behind the last."""
        listed = steps[0] if len(steps) == 1 and isinstance(steps[0], list) else steps
        return self._rule("sequence", {"match": match, "sequence": listed, **words})

    def rule(self, **words: Any) -> Given:
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
        self._stage.add(loaded(Wanted(found, vocabulary=VOCABULARY, examples=False)))

    def climate(self, climate: str) -> None:
        """The weather from now on, of the pack `weather`: calm, flaky, rate-limited, slow, storm,
        provider-outage."""
        wanted = self._stage.wanted
        packs = [*wanted.packs, *([] if WEATHER in wanted.packs else [WEATHER])]
        values = {**wanted.settings.values, f"{WEATHER}.climate": climate}
        self._stage.serve(_wanted(wanted.scenarios, packs, values))

    def _rule(self, what: str, words: Mapping[str, Any]) -> Given:
        return Given(self._written("rule", what, words), self)

    def _written(self, kind: Any, what: str, words: Mapping[str, Any]) -> str:
        given = {name: value for name, value in words.items() if not (name == "match" and value is None)}
        addition = written(kind, given, caller(), f"{what} {next(self._names)}")
        self._stage.add(addition)
        return addition.entries[0].id if addition.entries else ""

    # --- what came -----------------------------------------------------------------------------

    @property
    def _watching(self) -> Watching:
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
        used = {each.rule for each in self.requests}
        stage = self._stage
        entries = [entry for addition in stage.additions for entry in addition.entries]
        entries += [] if stage.below is not None and stage.base is stage.below.base else stage.base.entries
        ids = [
            entry.id
            for entry in entries
            if entry.kind == "rule" and entry.layer <= 0 and not entry.word.fallback
        ]
        return [id for id in dict.fromkeys(ids) if id not in used]

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
        bounds = Bounds.of(times, at_least, at_most)
        rule = written("rule", {"match": dict(match or {}), "reply": ""}, caller(), "verify")
        matcher = sees(rule.entries[0].word)
        came = self.requests
        found = [each for each in came if matcher.holds(each.request)]
        lost = self._watching.total - len(self._watching.received)
        if not bounds.holds(len(found)):
            raise AssertionError(miscounted(bounds, match, matcher, found, came, lost))
        return found

    def journal(self) -> str:
        """What came, a line for each request, with what was nearest where no rule answered."""
        return "\n".join(
            str(each) + "".join(f"\n    {line}" for line in each.explanation.splitlines())
            for each in self.requests
        )

    def complaints(self, *, unmatched: bool, unused: bool) -> list[str]:
        """What is wrong with how it was used, in a person's words."""
        told = []
        if unmatched and self.unmatched:
            several = len(self.unmatched) != 1
            lines = "".join(f"\n  {each}" for each in self.unmatched)
            told.append(f"{len(self.unmatched)} request{'s' * several} that no rule answered:{lines}")
        if unused and self.unused_rules:
            several = len(self.unused_rules) != 1
            lines = "".join(f"\n  {id}" for id in self.unused_rules)
            told.append(f"{len(self.unused_rules)} rule{'s' * several} that never answered:{lines}")
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


class MockLLM(Answering):
    """A server of its own, on a free port of this machine. `with` it, `async with` it, or `start` and `stop` it."""

    def __init__(
        self,
        scenarios: Paths = (),
        packs: str | Sequence[str] = (),
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        strict: bool = False,
        *,
        all_used: bool = False,
        port: int = 0,
        max_delay: float = LONGEST,
        limits: Limits | None = None,
    ) -> None:
        """`scenarios`: files and folders, the first given is asked first; `packs`: shipped ones by name;
        `params`: values of their parameters (`climate` or `weather.climate`). `strict`: warnings about the files
        are errors, and so is a request that no rule answered, when it stops; `all_used`: so is a rule of one's
        own that never answered. `max_delay` in seconds. Broken where files have mistakes."""
        listed = [scenarios] if isinstance(scenarios, str | os.PathLike) else scenarios
        named = [packs] if isinstance(packs, str) else packs
        self._stage = Stage(_wanted([os.fspath(each) for each in listed], named, params or {}))
        if strict and self._stage.base.warnings:
            raise Broken(self._stage.base.warnings)
        self._names = itertools.count(1)
        self.seed = seed
        self.strict = strict
        self.all_used = all_used
        self._max_delay = max_delay
        self._limits = limits or Limits(journal=1)
        self._address = Address("127.0.0.1", port)
        self._state = Sessions()
        self._seen = Watching(self._stage, self._engine, KEPT)
        self._hosted: Hosted | None = None
        self._sessions = itertools.count(1)

    @property
    def _watching(self) -> Watching:
        return self._seen

    @property
    def warnings(self) -> Sequence[Mistake]:
        """What `mockllm check` warns of in the files."""
        return self._stage.base.warnings

    @property
    def base_url(self) -> str:
        return self._running.address.url

    @property
    def port(self) -> int:
        return self._running.address.port

    def start(self) -> Self:
        """Listens. CannotListen where the port is taken; RuntimeError where it runs already."""
        if self._hosted is not None:
            raise RuntimeError("this server runs already")
        app = App(self._seen, limits=self._limits, lines=Ends(self._seen))
        self._hosted = Hosted(app, self._address)
        return self

    def stop(self) -> None:
        """Ends at once; answers that are under way are cut. What came can still be looked at."""
        hosted, self._hosted = self._hosted, None
        if hosted is not None:
            hosted.stop()

    def check(self) -> None:
        """AssertionError where it was used otherwise than `strict` and `all_used` allow."""
        told = self.complaints(unmatched=self.strict, unused=self.all_used)
        if told:
            raise AssertionError("\n".join(told))

    def session(
        self,
        id: str | None = None,
        *,
        scenarios: Sequence[str] | None = None,
        packs: Sequence[str] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> MockSession:
        """A session of this server: its own counts, rules and requests, under a base URL of its own. `with` it,
        or `close` it. `scenarios`, `packs` and `params` stand in place of the server's; `seed` too."""
        wanted = self._stage.wanted
        wanted = _wanted(
            wanted.scenarios if scenarios is None else scenarios,
            wanted.packs if packs is None else packs,
            wanted.settings.values if params is None else params,
        )
        return MockSession(self, id or f"session-{next(self._sessions)}", Stage(wanted, self._stage), seed)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if exc is None:
            self.check()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, trace)

    @property
    def _running(self) -> Hosted:
        if self._hosted is None:
            raise RuntimeError("this server does not run; use it inside of `with`, or start() it")
        return self._hosted

    def _engine(self, stage: Stage) -> Engine:
        return engine_of(stage, self._state, seed=self.seed, longest=self._max_delay)

    def _open(self, session: str, stage: Stage, seed: int | None) -> None:
        def opened() -> None:
            self._seen.open(session, stage)
            self._state.session(session, time.time()).seed = seed

        self._running.do(opened)

    def _close(self, session: str) -> None:
        if self._hosted is not None:
            self._hosted.do(lambda: self._seen.close(session))


class MockSession(Answering):
    """One session of a server that several tests share."""

    def __init__(self, server: MockLLM, id: str, stage: Stage, seed: int | None) -> None:
        self.server = server
        self.session_id = id
        self._stage = stage
        self._names = itertools.count(1)
        server._open(id, stage, seed)

    @property
    def _watching(self) -> Watching:
        return self.server._watching

    @property
    def base_url(self) -> str:
        return f"{self.server.base_url}/s/{self.session_id}"

    def close(self) -> None:
        """What was given to it answers no more."""
        self.server._close(self.session_id or "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _wanted(scenarios: Sequence[str], packs: Sequence[str], values: Mapping[str, Any]) -> Wanted:
    """The process's environment sets no parameter: a test means the same on every machine."""
    return Wanted(tuple(scenarios), tuple(packs), Settings(values=dict(values)), VOCABULARY, examples=False)


def _found(path: str, by: Caller) -> str:
    """A path beside the calling file, where it lies there."""
    beside = os.path.join(os.path.dirname(by.file), path)
    return os.path.relpath(beside) if os.path.exists(beside) else path
