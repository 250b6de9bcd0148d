"""Checks of a test's expectations on the journal: counts, order, unused rules and unmatched requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct
from pydantic import ValidationError

from mockllm.core.display import brief, counted
from mockllm.core.json.codec import Json
from mockllm.core.matching.hints import nearest_word
from mockllm.core.matching.matchers import Matcher
from mockllm.core.request.request import Request
from mockllm.core.secret_names import is_secret
from mockllm.dialects.price import Price
from mockllm.engine import Engine
from mockllm.engine.near_misses import mismatch_line
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.diagnostics import Diagnostic, Path, limited_suggestions
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.rule import RuleSpec
from mockllm.scenario.match_compiler import matcher
from mockllm.scenario.name_lint import is_own_call
from mockllm.scenario.rule_ids import split_id
from mockllm.scenario.source_file import Source
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.server.control import costs
from mockllm.server.control.journal_queries import TimeSlices, decode_again, in_thread_if_large, is_called
from mockllm.server.control.models.costs import CostReport
from mockllm.server.control.models.journal import (
    Expectation,
    NearestRequest,
    UnmetExpectation,
    VerifyBody,
    VerifyResult,
)
from mockllm.server.control.problem import diagnostics_problem
from mockllm.server.control.rule_layers import is_own_rule
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.journal.journal import Journal

NO_PRICES: Final[Mapping[str, Price]] = MappingProxyType({})
MAX_NEAREST: Final = 3
"""Most requests that a message lists."""
Decoded: TypeAlias = "tuple[JournalEntry, Request]"


class CompiledExpectation(Struct, frozen=True):
    """An expectation with its compiled match."""

    matcher: Matcher
    rule: str | None
    least: int
    most: int | None
    count_text: str
    """The expected count in words."""

    def matches(self, entry: JournalEntry, request: Request) -> bool:
        return (self.rule is None or is_called(entry.responder_id, self.rule)) and self.matcher.matches(
            request
        )

    def differences(self, entry: JournalEntry, request: Request) -> list[str]:
        """Return how a request differs, with its secrets."""
        lines = [mismatch_line(line) for line in self.matcher.test_results(request) if not line.matched]
        if self.rule is not None and not is_called(entry.responder_id, self.rule):
            lines.append(f"rule expected {self.rule}, found {entry.responder_id or 'none'}")
        return lines


async def verify(
    body: VerifyBody,
    source: Source,
    journal: Journal,
    engine: Engine,
    known_names: KnownNames,
    prices: Mapping[str, Price] = NO_PRICES,
    *,
    all_rules: bool = True,
) -> VerifyResult:
    """Check all expectations; `source` is the body with positions. `all_rules`: whether the engine has the rules of
    all sessions. Raises Problem if an expectation is invalid."""
    if diagnostics := expectation_diagnostics(source, known_names) or nothing_to_verify(body, source):
        raise diagnostics_problem(diagnostics)
    expectations = [_compiled(expectation) for expectation in body.expect]
    entries = [
        entry
        for entry in journal
        if entry.number > body.since and (body.session is None or entry.is_of_session(body.session))
    ]
    lost = journal.lost(body.since)
    slices = TimeSlices()
    requests = await _decoded(entries, engine, slices)
    matches = [await _matches(expected, requests, slices) for expected in expectations]
    failures = await _check_counts(expectations, matches, requests, slices)
    failures = _with_unknown_rules(
        failures, expectations, journal, engine, known_names if all_rules else None
    )
    failures += _check_order(matches) if body.in_order and not failures else []
    failures += _check_unmatched(entries) if body.no_unmatched else []
    failures += _check_unused(entries, engine, body.session) if body.all_rules_used else []
    if body.max_cost is not None:
        failures += _check_cost(body.max_cost, await costs.report(entries, engine, prices))
    return VerifyResult(
        passed=not failures,
        checked=len(entries),
        lost=lost,
        counts=[len(indices) for indices in matches],
        failures=failures,
    )


async def _decoded(entries: Sequence[JournalEntry], engine: Engine, slices: TimeSlices) -> list[Decoded]:
    """Return the requests that a dialect reads, each with its entry."""
    requests: list[Decoded] = []
    for entry in entries:
        if entry.request_class is not None:
            requests.append((entry, await in_thread_if_large(entry, partial(decode_again, entry, engine))))
            await slices.pause()
    return requests


def _compiled(expectation: Expectation) -> CompiledExpectation:
    """Return an expectation without mistakes, compiled."""
    exact = expectation.exactly
    least = exact if exact is not None else expectation.at_least
    most = exact if exact is not None else expectation.at_most
    if least is None:
        least = 0 if most is not None else 1
    count_text = f"exactly {least}" if least == most else f"at least {least}" if most is None else (
        f"{least} to {most}" if least else f"at most {most}"
    )  # fmt: skip
    match = Match.model_validate(expectation.match, context={"literal": True})
    return CompiledExpectation(matcher(match), expectation.rule, least, most, count_text)


@limited_suggestions(10_000)  # some 0.05 s
def expectation_diagnostics(source: Source, known_names: KnownNames) -> list[Diagnostic]:
    """Return the mistakes of all expectations that the model of the body does not see: in their matches, and in
    their counts."""
    expectations = source.data.get("expect") if isinstance(source.data, dict) else None
    diagnostics: list[Diagnostic] = []
    for number, expectation in enumerate(expectations if isinstance(expectations, list) else ()):
        path: Path = ("expect", number)
        if expectation == {}:
            message = "this expectation is empty: every request meets it; write match, rule or a count"
            diagnostics.append(source.diagnostic(path, message))
        if isinstance(expectation, dict):
            diagnostics += _diagnostics_in_counts(expectation, source, path)
            match = expectation.get("match")
            diagnostics += _diagnostics_in_match(match, source, (*path, "match"), known_names)
    return diagnostics


def nothing_to_verify(body: VerifyBody, source: Source) -> list[Diagnostic]:
    """Return a mistake if a body has no check: `in_order`, `session` and `since` are none."""
    if body.expect or body.no_unmatched or body.all_rules_used or body.max_cost is not None:
        return []
    message = "nothing to verify: expected an expectation, no_unmatched, all_rules_used or max_cost"
    return [source.diagnostic(("expect",), message)]


def _diagnostics_in_counts(expectation: dict[str, Json], source: Source, path: Path) -> Iterator[Diagnostic]:
    exactly, least, most = (expectation.get(key) for key in ("exactly", "at_least", "at_most"))
    if exactly is not None and (least is not None or most is not None):
        yield source.diagnostic((*path, "exactly"), "use exactly, or at_least and at_most")
    elif type(most) is int and most < (least if type(least) is int else 0):
        yield source.diagnostic((*path, "at_most"), "at_most is less than at_least")


def _diagnostics_in_match(
    data: Json, source: Source, path: Path, known_names: KnownNames
) -> list[Diagnostic]:
    if not isinstance(data, dict):
        return []
    try:
        Match.model_validate(data, context={"known_names": known_names, "literal": True})
    except ValidationError as error:
        return diagnostics_of(error, source, path, Match)
    message = "the journal stores no keys; filter by session, or compare `key` of /api/requests"
    return [source.diagnostic((*path, *place), message, key=True) for place in _secret_conditions(data)]


def _secret_conditions(match: dict[str, Json]) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of conditions on secrets, which the journal does not store; `exists` is not one of them."""
    for key, value in match.items():
        if key == "api_key":
            yield (key,)
        elif key in ("headers", "query"):
            secrets = ((name, condition) for name, condition in value.items() if is_secret(name))
            yield from (
                (key, name)
                for name, condition in secrets
                if not (isinstance(condition, dict) and condition.keys() == {"exists"})
            )
        elif key == "not":
            yield from ((key, *path) for path in _secret_conditions(value))
        elif key in ("all", "any"):
            yield from (
                (key, index, *path) for index, inner in enumerate(value) for path in _secret_conditions(inner)
            )


async def _matches(
    expected: CompiledExpectation, requests: Sequence[Decoded], slices: TimeSlices
) -> list[int]:
    """Return the indices of the requests that meet an expectation."""
    indices = []
    for index, pair in enumerate(requests):
        if await in_thread_if_large(pair[0], partial(expected.matches, *pair)):
            indices.append(index)
        await slices.pause()
    return indices


async def _check_counts(
    expectations: Sequence[CompiledExpectation],
    matches: Sequence[Sequence[int]],
    requests: Sequence[Decoded],
    slices: TimeSlices,
) -> list[UnmetExpectation]:
    checks = [
        await _check_count(number, expected, matches[number], requests, slices)
        for number, expected in enumerate(expectations)
    ]
    return [failure for failure in checks if failure is not None]


async def _check_count(
    number: int,
    expected: CompiledExpectation,
    matches: Sequence[int],
    requests: Sequence[Decoded],
    slices: TimeSlices,
) -> UnmetExpectation | None:
    count = len(matches)
    if expected.least <= count and (expected.most is None or count <= expected.most):
        return None
    message = f"expected {expected.count_text}, found {count}"
    if count >= expected.least:
        listed = [_nearest_request(requests[index][0]) for index in matches]
        return UnmetExpectation(expect=number, message=message, nearest=listed[-MAX_NEAREST:])
    matched = set(matches)
    near: list[tuple[list[str], JournalEntry]] = []
    for index, pair in enumerate(requests):
        if index not in matched:
            near.append((await in_thread_if_large(pair[0], partial(expected.differences, *pair)), pair[0]))
            await slices.pause()
    missing = ", found missing"  # a request with another value is nearer than one without a value
    near.sort(
        key=lambda pair: (len(pair[0]), sum(line.endswith(missing) for line in pair[0]), -pair[1].number)
    )
    listed = []
    for differences, entry in near[:MAX_NEAREST]:
        redactor = await in_thread_if_large(entry, lambda: entry.full_redactor)  # noqa: B023 - called here
        listed.append(_nearest_request(entry, [redactor.text(line) for line in differences]))
    return UnmetExpectation(expect=number, message=message, nearest=listed)


def _check_cost(bound: float, report: CostReport) -> list[UnmetExpectation]:
    """Return a failure if the requests cost more than the bound, or if the price of a model is unknown."""
    unknown = [each.model or "no model" for each in report.models if each.unpriced]
    if report.cost > bound:
        dearest = ", ".join(f"{each.model} ${each.cost:.6g}" for each in report.models[:MAX_NEAREST])
        message = f"expected a cost of at most ${bound:g}, found ${report.cost:.6g} ({dearest})"
        return [UnmetExpectation(message=message)]
    if unknown:
        names = ", ".join(unknown[:MAX_NEAREST])
        return [UnmetExpectation(message=f"no price is known for {names}; --prices FILE of serve sets one")]
    return []


def _with_unknown_rules(
    failures: Sequence[UnmetExpectation],
    expectations: Sequence[CompiledExpectation],
    journal: Journal,
    engine: Engine,
    known_names: KnownNames | None,
) -> list[UnmetExpectation]:
    """Return these failures, and one for each expectation on an unknown rule: neither the loaded rules nor the
    journal have it. An upper bound on such a rule is met. It fails only with `known_names`, and where the rule
    may not be a call to which a protocol responds by itself."""
    ids = {item.id for item in engine.catalog.items} | {
        entry.responder_id for entry in journal if entry.responder_id
    }
    names = {split_id(id)[1] for id in ids}
    by_number = {failure.expect: failure for failure in failures}
    for number, rule in enumerate(expected.rule for expected in expectations):
        if rule is None or rule in ids or rule in names:
            continue
        near = nearest_word(rule, sorted(ids | names if ":" in rule else names))
        message = f"no rule has the name {brief(rule)}" + (f"; did you mean {brief(near)}?" if near else "")
        if number in by_number:
            by_number[number].message += f"; {message}"
        elif known_names is not None and not is_own_call(rule, known_names):
            by_number[number] = UnmetExpectation(expect=number, message=message)
    return [by_number[number] for number in range(len(expectations)) if number in by_number]


def _nearest_request(entry: JournalEntry, differences: Sequence[str] = ()) -> NearestRequest:
    return NearestRequest(
        id=entry.number,
        path=entry.redactor.target(entry.path),
        model=entry.shown_model,
        rule=entry.responder_id,
        differences=list(differences),
    )


def _check_order(matches: Sequence[Sequence[int]]) -> list[UnmetExpectation]:
    """Check that each expectation is met after a request that met the expectation before it."""
    last, before = -1, 0
    for number, indices in enumerate(matches):
        if not indices:  # an expectation of none
            continue
        later = [index for index in indices if index > last]
        if not later:
            message = f"was requested, but not after a request that meets expect[{before}]"
            return [UnmetExpectation(expect=number, message=message)]
        last, before = later[0], number
    return []


def _check_unmatched(entries: Sequence[JournalEntry]) -> list[UnmetExpectation]:
    unmatched = [entry for entry in entries if entry.unmatched]
    if not unmatched:
        return []
    listed = [_nearest_request(entry) for entry in unmatched[:MAX_NEAREST]]
    message = f"{counted(len(unmatched), 'request')} that no rule matched"
    return [UnmetExpectation(message=message, nearest=listed)]


def _is_fallback(item: CatalogItem) -> bool:
    return isinstance(item.settings, RuleSpec) and item.settings.fallback


def _check_unused(
    entries: Sequence[JournalEntry], engine: Engine, session: str | None
) -> list[UnmetExpectation]:
    """Return a failure for each rule of the user that no request has selected. Fallbacks, rules of packs, and those
    of the overlays of other sessions do not count."""
    catalog = engine.catalog
    used = {entry.responder_id for entry in entries}
    rules = (item for item in catalog.items[: catalog.rule_count] if is_own_rule(item, session))
    unused = [item for item in rules if item.id not in used and not _is_fallback(item)]
    return [UnmetExpectation(message=f"{item.id} ({item.file_and_line}) was never used") for item in unused]
