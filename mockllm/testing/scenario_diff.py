"""Which requests two versions of scenarios answer otherwise: the examples of both, and requests from files.

Each is asked of both, with fresh state, the same seed and the same virtual clock. What a client would see is
compared; what no client can rely on (ids, times of day, which rule it was) is not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, JSONDecodeError, canonical, loads
from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.reply.reply import Usage
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.state.sessions import Sessions
from mockllm.testing.example_requests import SentRequest, UnsupportedCall, written
from mockllm.testing.example_runner import NOW, providers_of, steps_of
from mockllm.testing.expectations import CLOSE, USAGE, Outcome, duration

_VOLATILE: Final = re.compile(r"(^|_)id$|[a-z]Id$|created|fingerprint|^timestamp$|obfuscation")
"""Keys of a body whose values no client can rely on."""
BEFORE: Final = 20
"""So many characters are shown before the place where two texts part."""
_OWN: Final = re.compile(r"x-mockllm-|date$|.*request-id$|.*processing-ms$")


class Case(Struct, frozen=True):
    """Requests that are asked in turn, each so many seconds after the answer before. `values` are parameters."""

    name: str
    steps: Sequence[tuple[float, SentRequest]]
    values: tuple[tuple[str, Json], ...] = ()


class Difference(Struct, frozen=True):
    """What differs in the answer to a request: what, before, and now. `step` counts from 1; None of one alone."""

    case: str
    step: int | None
    field: str
    old: str
    new: str

    def __str__(self) -> str:
        step = "" if self.step is None else f" step {self.step}:"
        return f"{self.case}:{step} {self.field}: {self.old} -> {self.new}"

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        return {"case": self.case, "step": self.step, "field": self.field, "old": self.old, "new": self.new}


class ScenarioPair:
    """Two versions, loaded once for each set of parameters that a case wants."""

    def __init__(self, old: ScenarioSources, new: ScenarioSources) -> None:
        self._wanted = tuple(
            replace(each, settings=replace(each.settings, environment={})) for each in (old, new)
        )
        self._engines: dict[str, tuple[Any, Any]] = {}
        base = tuple(load_scenarios(each) for each in self._wanted)
        self.mistakes: list[Diagnostic] = [mistake for each in base for mistake in each.mistakes]
        """What is wrong with the files of either: nothing is asked then."""
        self.cases: list[Case] = [] if self.mistakes else _cases(base, self._wanted)

    def compare(self, case: Case) -> list[Difference]:
        """All that differs; nothing where a client sees the same."""
        old, new = self._of(case)
        if isinstance(old, str) or isinstance(new, str):
            if old == new:
                return []
            shown = [side if isinstance(side, str) else "loads" for side in (old, new)]
            return [Difference(case.name, None, "parameters", *shown)]
        pairs = zip(_asked(case, old), _asked(case, new), strict=True)
        several = len(case.steps) > 1
        return [
            Difference(case.name, number if several else None, field, *shown)
            for number, (before, now) in enumerate(pairs, 1)
            for field, *shown in _differences(before, now)
        ]

    def _of(self, case: Case) -> tuple[Any, Any]:
        key = repr(case.values)
        if key not in self._engines:
            self._engines[key] = tuple(self._catalog(wanted, case) for wanted in self._wanted)
        return self._engines[key]

    @staticmethod
    def _catalog(wanted: ScenarioSources, case: Case) -> Any:
        settings = replace(wanted.settings, values=dict(case.values))
        gathered = load_scenarios(replace(wanted, settings=settings))
        if gathered.mistakes:
            return "; ".join(map(str, gathered.mistakes))
        return finished(compile_catalog(gathered.entries))


def plain(name: str, runs: Sequence[Sequence[tuple[float, SentRequest]]]) -> list[Case]:
    """Cases of a file's requests; `runs` has one for each provider that it names."""
    return [
        Case(name if number == 0 else f"{name} ({number + 1})", steps) for number, steps in enumerate(runs)
    ]


def recorded(gathered: LoadedScenarios, wanted: ScenarioSources) -> list[Case]:
    """The requests that files hold as examples, as recordings do."""
    return _cases([gathered], [wanted])


def _cases(sides: Sequence[LoadedScenarios], wanted: Sequence[ScenarioSources]) -> list[Case]:
    """The examples of both, those with the same requests once."""
    found: dict[str, Case] = {}
    for gathered, asked in zip(sides, wanted, strict=True):
        for entry in gathered.examples:
            for provider in providers_of(entry):
                try:
                    steps = tuple(
                        (step.after or 0.0, written(step.request, _spoken(step.request.provider, provider)))
                        for step in steps_of(entry)
                    )
                except UnsupportedCall:
                    continue
                name = entry.name if entry.spec.name else f"{_within(entry.file, asked)} {entry.name}"
                name = name if provider is None else f"{name} ({provider})"
                case = Case(name, steps, tuple(sorted(entry.spec.with_.items())))
                found.setdefault(repr((steps, case.values)), case)
    return list(found.values())


def _within(file: str, wanted: ScenarioSources) -> str:
    """A file as it is called below the folder that was given."""
    for each in wanted.scenarios:
        below = os.path.relpath(file, each)
        if below != os.curdir and not below.startswith(os.pardir):
            return below
    return os.path.basename(file)


def _spoken(own: str | list[str] | None, provider: str | None) -> str | None:
    return provider if isinstance(own, list) and provider in own else None


def _asked(case: Case, catalog: Any) -> Iterator[Outcome]:
    engine, now = Engine(catalog, Sessions()), NOW
    for after, sent_ in case.steps:
        now += after
        request = sent_.read_by(engine, now)
        outcome = Outcome(request, engine.respond(request))
        now += outcome.took
        if outcome.answer.lease is not None:
            outcome.answer.lease.end()
        yield outcome


# --- what a client sees ----------------------------------------------------------------------------


def _differences(old: Outcome, new: Outcome) -> Iterator[tuple[str, str, str]]:
    before, now = _seen(old), _seen(new)
    told = [
        each
        for field in before
        if before[field] != now[field]
        for each in _parts(field, before[field], now[field])
    ]
    yield from ((field, *_told(one, other)) for field, one, other in told)
    if abs(old.took - new.took) > CLOSE:
        yield "took", duration(old.took), duration(new.took)
    if not told and _whole(old) != _whole(new):
        yield "body", *_apart(_whole(old).decode("utf-8", "replace"), _whole(new).decode("utf-8", "replace"))


def _parts(field: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """What differs; of several by name just those that do."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield field, old, new
        return
    for name in (*old, *(name for name in new if name not in old)):
        if old.get(name) != new.get(name):
            yield f"{field}.{name}", old.get(name), new.get(name)


def _counts(usage: Usage | None) -> dict[str, Json] | None:
    """Its words, as an example has them; with what a fault says in place of the truth."""
    if usage is None:
        return None
    stated = {} if usage.stated is None else {"total_tokens": usage.stated}
    told = {} if usage.told == "counted" else {"told": usage.told}
    return {word: getattr(usage, name) for word, name in USAGE.items()} | stated | told


def _seen(outcome: Outcome) -> dict[str, Any]:
    plan, heard = outcome.answer.plan, outcome.heard
    headers = {name: value for name, value in outcome.headers.items() if not _OWN.match(name)}
    own = {name.lower() for name, _ in plan.head.unique_headers}
    seen: dict[str, Any] = {"status": plan.head.status, "error": outcome.answer.error}
    if heard is not None:
        seen |= {"text": heard.text, "thinking": heard.thinking, "refusal": heard.refusal}
        seen |= {
            "tool_calls": [(call.name, call.arguments) for call in heard.calls],
            "finish_reason": heard.finish,
        }
        seen |= {"usage": _counts(heard.usage), "chunks": None if heard.chunks is None else len(heard.chunks)}
    seen["headers"] = {name: value for name, value in sorted(headers.items()) if name not in own}
    seen["faults"] = list(outcome.answer.faults)
    return {field: seen.get(field) for field in _FIELDS}


_FIELDS: Final = (
    *("status", "error", "text", "thinking", "refusal", "tool_calls", "finish_reason", "usage", "chunks"),
    *("headers", "faults"),
)


def _whole(outcome: Outcome) -> bytes:
    """All that is sent, without what no client can rely on."""
    plan = outcome.answer.plan
    payloads = [data for _, data in events(plan)] if plan.streamed else [sent_bytes(plan)]
    return b"\n".join(map(_steady, payloads))


def _steady(payload: bytes) -> bytes:
    try:
        return canonical(_without(loads(payload)))
    except JSONDecodeError:
        return payload


def _without(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without(child) for key, child in value.items() if not _VOLATILE.search(key)}
    return [_without(child) for child in value] if isinstance(value, list) else value


def _told(old: Any, new: Any) -> tuple[str, str]:
    """Both in a few words; of what begins alike for longer than these, from where it parts."""
    shown = _shown(old), _shown(new)
    if shown[0] != shown[1]:
        return shown
    return _apart(str(old), str(new))


def _apart(old: str, new: str) -> tuple[str, str]:
    """The two from a little before the place where they part."""
    place = next(
        (at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    begin = max(place - BEFORE, 0)
    before = "…" if begin else ""
    return _shown(before + old[begin:]), _shown(before + new[begin:])


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    return brief(value) if isinstance(value, str | int | list | dict) else str(value)
