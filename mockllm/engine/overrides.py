"""What a request's own headers ask for, for that request alone: a seed, a fault, a delay, the rule that answers.

A seed may always be given; the others only where the server allows it, for they stand above the scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from pydantic import BaseModel, ValidationError

from mockllm.core.faults import Fault
from mockllm.core.json.codec import Json
from mockllm.core.matching.hints import brief
from mockllm.core.quantities.parse import parse_duration
from mockllm.engine import seed_token
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.seed_token import SeedPosition
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.diagnostics import Diagnostic, nearest
from mockllm.scenario.language.settings import FaultSetting
from mockllm.scenario.settings_merge import SELF
from mockllm.scenario.source_file import Source
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.yaml_reader import read_source

SEED: Final = "x-mockllm-seed"
FAULT: Final = "x-mockllm-fault"
DELAY: Final = "x-mockllm-delay"
RULE: Final = "x-mockllm-rule"
ALLOWED: Final = (FAULT, DELAY, RULE)
"""Those that must be allowed."""
OPTION: Final = "--allow-overrides"
WAITS: Final = ("for", "pause", "every", "time")
"""The keys of faults that hold durations."""
LISTED: Final = 5
"""So many rules are named to who names none that there is."""


class BadOverride(Exception):
    """A header that says nothing that can be done; the message names it, and what is wrong."""


class Override(NamedTuple):
    """What was asked for; None (and no notes) of what was not."""

    seed: int | None = None
    place: SeedPosition | None = None
    """Where the answer stands, in place of where the session does."""
    faults: tuple[Fault, ...] | None = None
    delay: float | None = None
    rule: int | None = None
    """Its number in the catalog."""
    notes: tuple[str, ...] = ()


def read(headers: Mapping[str, str], catalog: Catalog, *, allowed: bool, longest: float) -> Override:
    """What the headers ask for; no wait is longer than `longest` seconds. Raises Wrong."""
    seed = headers.get(SEED)
    made = Override() if seed is None else Override(*_seed(seed))
    asked = [name for name in ALLOWED if name in headers]
    if not asked:
        return made
    if not allowed:
        return made._replace(notes=(f"ignored {', '.join(asked)}: the server runs without {OPTION}",))
    fault, delay, rule = (headers.get(name) for name in ALLOWED)
    return made._replace(
        faults=None if fault is None else _faults(fault, longest),
        delay=None if delay is None else min(_delay(delay), longest),
        rule=None if rule is None else _rule(rule, catalog),
    )


def changed(way: EffectiveSettings, override: Override) -> EffectiveSettings:
    """The way with the request's own delay and faults in place of those that the scenarios have."""
    sending = way.sending
    if override.delay is not None:
        sending = replace(sending, delays=((SELF, override.delay),))
    if override.faults is not None:
        sending = replace(sending, faults=tuple((SELF, fault) for fault in override.faults))
    return (
        way
        if sending is way.sending
        else EffectiveSettings(replace(sending, static=False), None, way.modifiers)
    )


def _seed(text: str) -> tuple[int, SeedPosition | None]:
    found = seed_token.read(text)
    if found is None:
        raise BadOverride(
            f"{SEED}: expected a whole number, or a seed as the journal tells it, found {brief(text)}"
        )
    return found


def _rule(id: str, catalog: Catalog) -> int:
    """The number of the rule of this id, or of this name where only one has it."""
    rules = [item.id for item in catalog.items[: catalog.rules]]
    if id in rules:
        return rules.index(id)
    named = [number for number, each in enumerate(rules) if each.rpartition(":")[2] == id]
    if len(named) == 1:
        return named[0]
    if named:
        raise BadOverride(
            f"{RULE}: several rules are called {brief(id)}: {_listed(rules[each] for each in named)}"
        )
    if any(item.id == id for item in catalog.items):
        raise BadOverride(f"{RULE}: {brief(id)} is a modifier, and no modifier answers")
    near = nearest(id, [*rules, *(each.rpartition(":")[2] for each in rules)])
    meant = f"; did you mean {brief(near)}?" if near else f"; there are {_listed(rules)}"
    raise BadOverride(f"{RULE}: there is no rule {brief(id)}{meant if rules else ''}")


def _listed(ids: Iterable[str]) -> str:
    first = [*islice(ids, LISTED + 1)]
    return ", ".join(first[:LISTED]) + (" …" if len(first) > LISTED else "")


def _delay(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadOverride(f"{DELAY}: {error}") from None


def _faults(text: str, longest: float) -> tuple[Fault, ...]:
    """A fault as scenarios write it, in one line, or a list of them."""
    source = read_source(text, FAULT)
    if source.mistakes:
        raise _mistaken(source.mistakes)
    listed = source.data if isinstance(source.data, list) else [source.data]
    data: dict[str, Json] = {"faults": [_capped(each, longest) for each in listed]}
    try:
        word = _model().model_validate(data, context={"literal": True})
    except ValidationError as error:
        marks: Any = source.marks if isinstance(source.data, list) else (0, source.marks[1], [source.marks])
        told = Source(FAULT, data, (0, source.marks[1], {"faults": marks}))
        raise _mistaken(diagnostics_of(error, told, (), _model())) from None
    return tuple(getattr(each, name) for each in word.faults for name in each.model_fields_set)  # type: ignore[attr-defined]


def _mistaken(mistakes: Sequence[Diagnostic]) -> BadOverride:
    return BadOverride("; ".join(f"{FAULT}: {_place(each)}{each.message}" for each in mistakes))


def _place(mistake: Diagnostic) -> str:
    """Where in the header: its column, and the key."""
    path = re.sub(r"^faults(\[\d+\])?\.?", "", mistake.path)
    return f"column {mistake.column}: {path}: " if path else f"column {mistake.column}: "


def _capped(data: Json, longest: float, *, waits: bool = False) -> Json:
    """The fault with no wait longer than that."""
    if isinstance(data, dict):
        return {key: _capped(value, longest, waits=waits or key in WAITS) for key, value in data.items()}
    if isinstance(data, list):
        return [_capped(each, longest, waits=waits) for each in data]
    if waits and isinstance(data, str):
        try:
            return data if parse_duration(data) <= longest else f"{longest}s"
        except ValueError:
            return data
    return data


@cache
def _model() -> type[BaseModel]:
    class Given(BaseModel):
        faults: list[FaultSetting]

    return Given
