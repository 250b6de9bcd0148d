"""Overrides: headers by which a request sets its own seed, fault, delay or rule.

A seed is always allowed. The others need `--allow-overrides`, since they are stronger than the scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from msgspec.structs import replace
from pydantic import BaseModel, ValidationError

from mockllm.core.display import brief, counted
from mockllm.core.failure import Failure
from mockllm.core.faults import Fault
from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import parse_duration
from mockllm.core.text_cache import text_cache
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.engine.rule_header import RULE_HEADER
from mockllm.engine.seed_token import SeedPosition, read_seed_token
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.diagnostics import Diagnostic, limited_suggestions, nearest
from mockllm.scenario.language.settings import FaultOrName
from mockllm.scenario.rule_ids import split_id
from mockllm.scenario.settings_merge import RESPONSE
from mockllm.scenario.source_file import Mark, Source
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.yaml_reader import read_source
from mockllm.state.engine_state import Session

SEED_HEADER: Final = "x-mockllm-seed"
FAULT_HEADER: Final = "x-mockllm-fault"
DELAY_HEADER: Final = "x-mockllm-delay"
RESTRICTED: Final = (FAULT_HEADER, DELAY_HEADER, RULE_HEADER)
"""The headers that need the option."""
OWN_PREFIX: Final = "x-mockllm-"
"""The beginning of the names of all these headers."""
NON_OVERRIDING_HEADERS: Final = frozenset(
    f"{OWN_PREFIX}{word}"
    for word in ("session", "batch", "clock", "stdio", "hash", "admin-token", "recorder", "webhook")
)
"""The headers of this server, of requests and responses, that override nothing."""
OWN_HEADERS: Final = (SEED_HEADER, *RESTRICTED, *sorted(NON_OVERRIDING_HEADERS))
UNKNOWN_HEADER: Final = "unknown header "
"""The beginning of a note on an unknown header."""
MAX_UNKNOWN_HEADERS: Final = 3
"""The most notes of unknown headers on one request."""
OPTION: Final = "--allow-overrides"
WAITS: Final = ("for", "pause", "every", "time")
"""The keys of faults whose values are durations."""
MAX_FAULTS: Final = 100
"""The most faults of one request: each may read the whole response."""
MAX_LISTED: Final = 5
"""The most rules or mistakes that one error lists."""
MAX_COMPARISONS: Final = 10_000
"""Comparisons of names for the suggestions in one error, which take some 0.05 s."""


class BadOverride(Exception):
    """A header with an invalid value; the message has the header's name and the error."""


class Override(NamedTuple):
    """The overrides of one request, by its headers or by its session. A field is None where nothing is overridden."""

    seed: int | None = None
    position: SeedPosition | None = None
    """The position of the response, in place of the session's."""
    faults: tuple[Fault, ...] | None = None
    """The faults in place of those of the scenarios."""
    delay: float | None = None
    """The delay in seconds, in place of that of the scenarios."""
    item_index: int | None = None
    """The index in the catalog of the only rule that may respond. Its matcher need not match; its guard applies."""
    notes: tuple[str, ...] = ()


NO_OVERRIDE: Final = Override()


def read_overrides(
    headers: Mapping[str, str], catalog: Catalog, *, allowed: bool, max_wait: float
) -> Override:
    """Return the overrides in the headers; no wait is longer than `max_wait` seconds. Raises BadOverride."""
    seed = headers.get(SEED_HEADER)
    override = NO_OVERRIDE if seed is None else Override(*_seed(seed))
    if notes := tuple(islice(_unknown_header_notes(headers), MAX_UNKNOWN_HEADERS)):
        override = override._replace(notes=notes)
    names = [name for name in RESTRICTED if name in headers]
    if not names:
        return override
    if not allowed:
        ignored = f"ignored {', '.join(names)}: the server runs without {OPTION}"
        return override._replace(notes=(*notes, ignored))
    fault, delay, rule = headers.get(FAULT_HEADER), headers.get(DELAY_HEADER), headers.get(RULE_HEADER)
    return override._replace(
        faults=None if fault is None else _faults(fault, max_wait),
        delay=None if delay is None else min(_delay(delay), max_wait),
        item_index=None if rule is None else _item_index(rule, catalog),
    )


def overrides_or_failure(
    catalog: Catalog, allowed: bool, max_wait: float, headers: Mapping[str, str], session: Session | None
) -> Override | Failure:
    """Return the overrides in the headers, with the seed of the session where no header has one; a failure where a
    header is invalid."""
    try:
        override = read_overrides(headers, catalog, allowed=allowed, max_wait=max_wait)
    except BadOverride as error:
        return Failure("bad_request", 400, str(error))
    if override.seed is None and session is not None:
        override = override._replace(seed=session.seed)
    return override


def overridden(settings: EffectiveSettings, override: Override) -> EffectiveSettings:
    """Return the settings with the request's own delay and faults in place of the scenarios'."""
    merged = settings.merged
    if override.delay is not None:
        merged = replace(merged, delays=((RESPONSE, override.delay),))
    if override.faults is not None:
        merged = replace(merged, faults=tuple((RESPONSE, fault) for fault in override.faults))
    if merged is settings.merged:
        return settings
    return EffectiveSettings(
        replace(merged, static=False), None, settings.modifier_ids, header_names=settings.header_names
    )


def _unknown_header_notes(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield a note for each header whose name is almost that of a header of this server. Rules may name others."""
    for name in dict.fromkeys(map(str.lower, headers)):
        if name.startswith(OWN_PREFIX) and name not in OWN_HEADERS:
            near = nearest_own_header(name)
            if near is not None:
                yield f"{UNKNOWN_HEADER}{brief(name)}; did you mean {near}?"


@text_cache(256)
def nearest_own_header(name: str) -> str | None:
    """Return the header of this server whose name is almost this one, in lower case; None where there is none."""
    near = nearest(name.removeprefix(OWN_PREFIX), (each.removeprefix(OWN_PREFIX) for each in OWN_HEADERS))
    return None if near is None else f"{OWN_PREFIX}{near}"


def _seed(text: str) -> tuple[int, SeedPosition | None]:
    seed = read_seed_token(text)
    if seed is None:
        wanted = "expected a whole number, or a seed from the journal"
        raise BadOverride(f"{SEED_HEADER}: {wanted}, found {brief(text)}")
    return seed


@limited_suggestions(MAX_COMPARISONS)
def _item_index(id: str, catalog: Catalog) -> int:
    """Return the index in the catalog of the rule with this id, or with this name if only one has it."""
    rules = [item.id for item in catalog.items[: catalog.rule_count]]
    if id in rules:
        return rules.index(id)
    named = [number for number, rule in enumerate(rules) if split_id(rule)[1] == id]
    if len(named) == 1:
        return named[0]
    if named:
        raise BadOverride(
            f"{RULE_HEADER}: several rules are called {brief(id)}: {_listed(rules[number] for number in named)}"
        )
    if any(item.id == id for item in catalog.items):
        raise BadOverride(f"{RULE_HEADER}: {brief(id)} is a modifier; only a rule responds")
    near = nearest(id, [*rules, *(split_id(rule)[1] for rule in rules)])
    meant = f"; did you mean {brief(near)}?" if near else f"; there are {_listed(rules)}"
    raise BadOverride(f"{RULE_HEADER}: there is no rule {brief(id)}{meant if rules else ''}")


def _listed(ids: Iterable[str]) -> str:
    first = [*islice(ids, MAX_LISTED + 1)]
    return ", ".join(first[:MAX_LISTED]) + (" …" if len(first) > MAX_LISTED else "")


def _delay(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadOverride(f"{DELAY_HEADER}: {error}") from None


@limited_suggestions(MAX_COMPARISONS)
def _faults(text: str, max_wait: float) -> tuple[Fault, ...]:
    """Return the faults of a header: a fault as scenarios write it, in one line, or a list of faults."""
    source = read_source(text, FAULT_HEADER)
    if source.diagnostics:
        raise _bad_fault(source.diagnostics)
    listed = source.data if isinstance(source.data, list) else [source.data]
    if len(listed) > MAX_FAULTS:
        column = source.position((MAX_FAULTS,)).column
        found = f"a request has at most {MAX_FAULTS} faults, found {len(listed)}"
        raise BadOverride(f"{FAULT_HEADER}: column {column}: {found}")
    data: dict[str, Json] = {"faults": [_capped(fault, max_wait) for fault in listed]}
    try:
        validated = _model().model_validate(data, context={"literal": True})
    except ValidationError as error:
        marks: Mark = source.marks if isinstance(source.data, list) else (0, source.marks[1], [source.marks])
        wrapped = Source(FAULT_HEADER, data, (0, source.marks[1], {"faults": marks}))
        raise _bad_fault(diagnostics_of(error, wrapped, (), _model())) from None
    return tuple(getattr(fault, name) for fault in validated.faults for name in fault.model_fields_set)  # type: ignore[attr-defined]


def _bad_fault(diagnostics: Sequence[Diagnostic]) -> BadOverride:
    """Return the error of a header; each diagnostic with its column, and the key."""
    lines = []
    for item in diagnostics[:MAX_LISTED]:
        path = re.sub(r"^faults(\[\d+\])?\.?", "", item.path)
        lines.append(f"{FAULT_HEADER}: column {item.column}: {path}{': ' if path else ''}{item.message}")
    if len(diagnostics) > MAX_LISTED:
        lines.append(f"and {counted(len(diagnostics) - MAX_LISTED, 'more mistake')}")
    return BadOverride("; ".join(lines))


def _capped(data: Json, max_wait: float, *, waits: bool = False) -> Json:
    """Return the fault with no wait longer than `max_wait` seconds."""
    if isinstance(data, dict):
        return {key: _capped(value, max_wait, waits=waits or key in WAITS) for key, value in data.items()}
    if isinstance(data, list):
        return [_capped(item, max_wait, waits=waits) for item in data]
    if waits and isinstance(data, str):
        try:
            return data if parse_duration(data) <= max_wait else f"{max_wait}s"
        except ValueError:
            return data
    return data


@cache
def _model() -> type[BaseModel]:
    class FaultHeader(BaseModel):
        faults: list[FaultOrName]

    return FaultHeader
