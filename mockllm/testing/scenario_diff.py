"""Comparison of two versions of scenarios by their responses to the examples of both, and to requests from files.

Each request runs on both versions, with fresh state, the same seed and the same virtual clock. Values that a client
can rely on are compared. Ids, times of day and the name of the rule are not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, JSONDecodeError, canonical, loads
from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.reply.reply import Usage
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.state.engine_state import EngineState
from mockllm.testing.example_requests import SentRequest, UnsupportedCall, build_sent_request, chosen_provider
from mockllm.testing.example_runner import NOW, providers_of, steps_of
from mockllm.testing.expectations import TIME_TOLERANCE, USAGE, Outcome, common_length, duration

_VOLATILE: Final = re.compile(r"(^|_)id$|[a-z]Id$|created|fingerprint|^timestamp$|obfuscation")
"""Body keys with values that no client can rely on."""
CONTEXT: Final = 20
"""Number of characters shown before the first difference of two texts."""
_OWN: Final = re.compile(r"x-mockllm-|date$|.*request-id$|.*processing-ms$")


class Case(Struct, frozen=True):
    """Requests in order, each with its wait in seconds after the response before. `values` are parameters."""

    name: str
    steps: Sequence[tuple[float, SentRequest]]
    values: tuple[tuple[str, Json], ...] = ()


class Difference(Struct, frozen=True):
    """A difference in the response to a request. `step` counts from 1; None for a single request."""

    case: str
    step: int | None
    field: str
    old: str
    new: str

    def __str__(self) -> str:
        step = "" if self.step is None else f" step {self.step}:"
        return f"{self.case}:{step} {self.field}: {self.old} -> {self.new}"

    def as_json(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {"case": self.case, "step": self.step, "field": self.field, "old": self.old, "new": self.new}


class ScenarioPair:
    """Two versions, loaded once for each set of parameters."""

    def __init__(self, old: ScenarioSources, new: ScenarioSources) -> None:
        self._wanted = tuple(
            replace(each, settings=replace(each.settings, environment={})) for each in (old, new)
        )
        self._catalogs: dict[str, tuple[Catalog | str, Catalog | str]] = {}
        base = tuple(load_scenarios(each) for each in self._wanted)
        self.diagnostics: list[Diagnostic] = [diagnostic for each in base for diagnostic in each.diagnostics]
        """Mistakes in the files of either version. With mistakes nothing is compared."""
        self.cases: list[Case] = [] if self.diagnostics else _cases(base, self._wanted)

    def compare(self, case: Case) -> list[Difference]:
        """Return all differences for a client."""
        old, new = self._of(case)
        if isinstance(old, str) or isinstance(new, str):
            if old == new:
                return []
            shown = [side if isinstance(side, str) else "loads" for side in (old, new)]
            return [Difference(case.name, None, "parameters", *shown)]
        pairs = zip(_outcomes(case, old), _outcomes(case, new), strict=True)
        several = len(case.steps) > 1
        return [
            Difference(case.name, number if several else None, field, *shown)
            for number, (before, now) in enumerate(pairs, 1)
            for field, *shown in _differences(before, now)
        ]

    def _of(self, case: Case) -> tuple[Catalog | str, Catalog | str]:
        """Return both catalogs, or the mistakes of one that does not load."""
        key = repr(case.values)
        if key not in self._catalogs:
            old, new = self._wanted
            self._catalogs[key] = self._catalog(old, case), self._catalog(new, case)
        return self._catalogs[key]

    @staticmethod
    def _catalog(sources: ScenarioSources, case: Case) -> Catalog | str:
        settings = replace(sources.settings, values=dict(case.values))
        gathered = load_scenarios(replace(sources, settings=settings))
        if gathered.diagnostics:
            return "; ".join(map(str, gathered.diagnostics))
        return run_steps(compile_catalog(gathered.entries))


def plain(name: str, runs: Sequence[Sequence[tuple[float, SentRequest]]]) -> list[Case]:
    """Return the cases of a file's requests; `runs` has one list for each provider."""
    return [Case(f"{name} ({number})" if number > 1 else name, steps) for number, steps in enumerate(runs, 1)]


def recorded(gathered: LoadedScenarios, sources: ScenarioSources) -> list[Case]:
    """Return the cases of the examples in files, such as recordings."""
    return _cases([gathered], [sources])


def _cases(sides: Sequence[LoadedScenarios], sources: Sequence[ScenarioSources]) -> list[Case]:
    """Return the examples of all sides, those with equal requests once."""
    found: dict[str, Case] = {}
    for gathered, own_sources in zip(sides, sources, strict=True):
        for entry in gathered.examples:
            for provider in providers_of(entry):
                try:
                    steps = tuple(
                        (
                            step.after or 0.0,
                            build_sent_request(step.request, chosen_provider(step.request, provider)),
                        )
                        for step in steps_of(entry)
                    )
                except UnsupportedCall:
                    continue
                name = entry.name if entry.spec.name else f"{_within(entry.file, own_sources)} {entry.name}"
                name = name if provider is None else f"{name} ({provider})"
                case = Case(name, steps, tuple(sorted(entry.spec.with_.items())))
                found.setdefault(repr((steps, case.values)), case)
    return list(found.values())


def _within(file: str, sources: ScenarioSources) -> str:
    """Return the path of a file relative to its source folder."""
    for each in sources.scenarios:
        below = os.path.relpath(file, each)
        if below != os.curdir and not below.startswith(os.pardir):
            return below
    return os.path.basename(file)


def _outcomes(case: Case, catalog: Catalog) -> Iterator[Outcome]:
    engine, now = Engine(catalog, EngineState()), NOW
    for after, sent_ in case.steps:
        now += after
        request = sent_.read_by(engine, now)
        outcome = Outcome(request, engine.respond(request))
        now += outcome.duration
        if outcome.response.slot is not None:
            outcome.response.slot.release()
        yield outcome


def _differences(old: Outcome, new: Outcome) -> Iterator[tuple[str, str, str]]:
    before, now = _visible(old), _visible(new)
    changed = [field for field in before if before[field] != now[field]]
    differences = [each for field in changed for each in _parts(field, before[field], now[field])]
    yield from ((field, *_shortened(left, right)) for field, left, right in differences)
    if abs(old.duration - new.duration) > TIME_TOLERANCE:
        yield "took", duration(old.duration), duration(new.duration)
    if old.response.unmatched and new.response.unmatched:
        return  # the message names near misses, with the files of its version
    if not differences and _payload(old) != _payload(new):
        yield "body", *_from_difference(*(_payload(each).decode("utf-8", "replace") for each in (old, new)))


def _parts(field: str, old: object, new: object) -> Iterator[tuple[str, object, object]]:
    """Yield the differences of a field; of a mapping only the different keys."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield field, old, new
        return
    for name in (*old, *(name for name in new if name not in old)):
        if old.get(name) != new.get(name):
            yield f"{field}.{name}", old.get(name), new.get(name)


def _counts(usage: Usage | None) -> dict[str, Json] | None:
    """Return the usage with the keys of examples, and with values that a fault replaced."""
    if usage is None:
        return None
    stated = {} if usage.stated is None else {"total_tokens": usage.stated}
    reported = {} if usage.presence == "counted" else {"told": usage.presence}
    return {word: getattr(usage, name) for word, name in USAGE.items()} | stated | reported


def _visible(outcome: Outcome) -> dict[str, object]:
    plan, decoded = outcome.response.plan, outcome.decoded
    headers = {name: value for name, value in outcome.headers.items() if not _OWN.match(name)}
    own = {name.lower() for name, _ in plan.head.per_response_headers}
    visible: dict[str, object] = {"status": plan.head.status, "error": outcome.response.error}
    if decoded is not None:
        visible |= {"text": decoded.text, "thinking": decoded.thinking, "refusal": decoded.refusal}
        visible["tool_calls"] = [(call.name, call.arguments) for call in decoded.calls]
        visible |= {"finish_reason": decoded.finish, "usage": _counts(decoded.usage)}
        visible["chunks"] = None if decoded.chunks is None else len(decoded.chunks)
    visible["headers"] = {name: value for name, value in sorted(headers.items()) if name not in own}
    visible["faults"] = list(outcome.response.faults)
    return {field: visible.get(field) for field in _FIELDS}


_FIELDS: Final = (
    *("status", "error", "text", "thinking", "refusal", "tool_calls", "finish_reason", "usage", "chunks"),
    *("headers", "faults"),
)


def _payload(outcome: Outcome) -> bytes:
    """Return the sent payloads, without values that no client can rely on."""
    plan = outcome.response.plan
    payloads = [data for data, _ in events(plan)] if plan.streamed else [sent_bytes(plan)]
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


def _shortened(old: object, new: object) -> tuple[str, str]:
    """Return both values shortened; with equal beginnings, from their first difference on."""
    shown = _shown(old), _shown(new)
    return shown if shown[0] != shown[1] else _from_difference(str(old), str(new))


def _from_difference(old: str, new: str) -> tuple[str, str]:
    """Return both texts from a little before their first difference."""
    begin = max(common_length(old, new) - CONTEXT, 0)
    before = "…" if begin else ""
    return _shown(before + old[begin:]), _shown(before + new[begin:])


def _shown(value: object) -> str:
    if value is None or value == []:
        return "none"
    return brief(value) if isinstance(value, str | int | list | dict) else str(value)
