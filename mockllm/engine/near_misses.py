"""Near misses: the rules that almost matched an unmatched request, and the rules that matched and were blocked.

`mockllm explain` prints the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.matching.matchers import FieldTestResult
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Candidate, Decision
from mockllm.core.selection.guards import GuardReason, UnmetState
from mockllm.core.templates.template import TemplateFailure
from mockllm.dialects.provider_facts import parameter_fields
from mockllm.dialects.router import MethodNotAllowed, NoRoute
from mockllm.scenario.catalog import Catalog, CatalogItem
from mockllm.scenario.rule_ids import split_id

NearMiss: TypeAlias = tuple[CatalogItem, list[FieldTestResult]]

NEAREST = 3
"""The most near misses that are stored. The response to an unmatched request of a known path lists all blocked rules,
then other near misses up to this number."""
RANKED = 32
"""The most near misses among which those of the request's own session are sought."""
NOT_FOUND = 404
"""The status of unmatched requests, unless `--miss-status` sets another one; not of a wrong method (405), or of a
call that is not served (501)."""
NO_PROVIDER = "no provider has this path, and no rule names it"
SEQUENCE_ENDED = "its sequence has ended"
FAVICON = "/favicon.ico"
"""A path that every browser requests: an unmatched request for it is no problem."""


class UnmatchedError(Struct, frozen=True):
    """The error for an unmatched request. `near_misses`: its lines on rules, or what is wrong with the path."""

    failure: Failure
    near_misses: tuple[str, ...]


def _blocked_lines(catalog: Catalog, decision: Decision) -> list[str]:
    """Return a line for each rule that a guard has blocked."""
    return [guard_line(catalog.items[each.item_index], each, why) for each, why in decision.blocked_rules]


def unmatched_error(
    catalog: Catalog, request: Request, decision: Decision, status: int, ended: CatalogItem | None = None
) -> UnmatchedError:
    """Return the error for an unmatched request. `ended`: the rule whose sequence has ended."""
    lines = []
    if ended is not None:
        lines.append(ended_line(ended))
    lines += _blocked_lines(catalog, decision)
    if catalog.rule_count == 0:
        lines.append("no rules are loaded")
    else:
        count = NEAREST - len(lines)
        misses = nearest(catalog, request, count, blocked=len(lines)) if count > 0 else ()
        lines += [near_miss_line(item, test_results) for item, test_results in misses]
    message = "No rule matched this request.\n" + "\n".join(lines)
    if request.generates and not catalog.uses_packs:  # the pack has rules for generating calls only
        message += "\nAdd `use: [default]` to a scenario file for a response to every request."
    return UnmatchedError(Failure.of_status(status, message), tuple(lines[:NEAREST]))


def unknown_path_error(
    catalog: Catalog,
    request: Request,
    decision: Decision,
    routing: NoRoute | MethodNotAllowed,
    status: int,
) -> UnmatchedError:
    """Return the error for a path or method that no provider has, with the rules that name a similar path.
    `status` replaces the 404 of a path; a method that is not allowed stays a 405, a call that is not served a 501."""
    failure = routing.failure
    if isinstance(routing, NoRoute) and failure.status is None and status != NOT_FOUND:
        failure = Failure.of_status(status, failure.message)
    lines = _blocked_lines(catalog, decision)
    for item, test_results in nearest(catalog, request):
        if any(test.field == "path" and (test.matched or test.hint) for test in test_results):
            lines.append(near_miss_line(item, test_results))
    hint = routing.hint if isinstance(routing, NoRoute) else failure.message or ""
    if not lines:
        return UnmatchedError(failure, (hint or NO_PROVIDER,))
    first, dot, rest = (failure.message or "").partition("). ")
    if hint and rest.startswith(hint):  # the path that was meant says more than rules on other paths
        lines.insert(0, hint)
        rest = rest.removeprefix(hint).lstrip()
    message = "\n".join((first + dot.rstrip(), *lines[:NEAREST], *([rest] if rest else ())))
    return UnmatchedError(replace(failure, message=message), tuple(lines[:NEAREST]))


def nearest(catalog: Catalog, request: Request, count: int = NEAREST, blocked: int = 0) -> Sequence[NearMiss]:
    """Return the rules that almost matched a request, each with all its tests. `blocked`: how many rules matched and
    were blocked. Rules of other sessions, such as those of tests that run in parallel, come only if there are no
    others."""
    misses = _misses(catalog, request, count + blocked)
    if any(map(_is_of_other_session, misses)):
        of_session = [miss for miss in _misses(catalog, request, RANKED) if not _is_of_other_session(miss)]
        misses = of_session or misses
    return misses[:count]


def _misses(catalog: Catalog, request: Request, count: int) -> list[NearMiss]:
    return [
        (catalog.items[number], test_results)
        for number, test_results in catalog.index.nearest(request, count, catalog.rule_count)
        if not all(result.matched for result in test_results)
    ]


def _is_of_other_session(miss: NearMiss) -> bool:
    return any(test.field == "session" and not test.matched for test in miss[1])


def location_and_name(item: CatalogItem) -> str:
    """Return place and name of a rule: `scenarios/a.yaml:14 greeting`."""
    return f"{item.file_and_line} {split_id(item.id)[1]}"


def percentage(share: float) -> str:
    """Return `12.5%`."""
    return f"{share * 100:.4g}%"


def guard_line(item: CatalogItem, candidate: Candidate, why: GuardReason) -> str:
    """Return why a rule that matched was blocked."""
    guard = candidate.guard
    assert guard is not None
    if isinstance(why, UnmetState):
        wanted = why.wanted if isinstance(why.wanted, (list, tuple)) else [why.wanted]
        values = " or ".join(dumps(value).decode() for value in wanted)
        reason = f"the state {why.name} is {dumps(why.found).decode()}, wants {values}"
    elif why == "lost its chance":
        assert guard.chance is not None
        reason = f"lost its {percentage(guard.chance)} chance"
    elif why == "outside its window":
        reason = "outside its window (during)"
    elif why == "used up":
        reason = _ended_selector(item, guard.times) or f"used up (times: {guard.times})"
    elif why == "skipped":
        reason = f"still skipped (skip: {guard.skip})"
    else:
        reason = f"it is not its turn (every: {guard.every})"
    return f"{location_and_name(item)}: matched, but {reason}"


def ended_line(item: CatalogItem) -> str:
    """Return that a rule that matched has no response any more."""
    return f"{location_and_name(item)}: matched, but {SEQUENCE_ENDED}"


def _ended_selector(item: CatalogItem, times: int | None) -> str | None:
    """Return why a rule has no further responses if its sequence or choice bounds them, and not its `times`."""
    selector = item.selector
    if selector is None or selector.fall_through_after != times:
        return None
    return SEQUENCE_ENDED if selector.mode == "sequence" else "all its weights are 0"


def near_miss_line(item: CatalogItem, test_results: Sequence[FieldTestResult]) -> str:
    """Return one near miss in a line, with the tests that failed."""
    return f"{location_and_name(item)}: " + "; ".join(
        mismatch_line(test) for test in test_results if not test.matched
    )


def mismatch_line(result: FieldTestResult) -> str:
    """Return the expected and the actual value of a failed test, with a hint."""
    if result.field == "generates":  # a test that no scenario file contains
        return "matches generating calls only, since it names no api and no path"
    hint = f" ({result.hint})" if result.hint else ""
    return f"{result.field} expected {result.expected}, found {result.actual}{hint}"


def template_failure(failure: TemplateFailure, dialect: str) -> Failure:
    """Return the 400 for a value that is absent from the request or invalid. OpenAI's dialect has a field for the
    parameter's name."""
    place = f" at {failure.origin}" if failure.origin else ""
    if failure.query is not None:
        where = f"{failure.expression}{place}"
        message = f"The query parameter '{failure.query}' does not fit: {failure.reason} ({where})"
        return Failure("bad_request", 400, message, fields=parameter_fields(dialect, failure.query))
    return Failure("bad_request", 400, f"{failure.expression}{place}: {failure.reason}")
