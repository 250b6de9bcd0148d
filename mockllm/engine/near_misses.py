"""What a request is told that no rule answers: which rules came nearest and what differed, and which
matched but stood aside. The same words serve `mockllm explain`.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.matching.matchers import FieldMismatch
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Candidate, Decision, GuardReason
from mockllm.core.selection.named_states import UnmetState
from mockllm.core.templates.template import TemplateFailure
from mockllm.dialects.registry import parameter_fields
from mockllm.scenario.catalog import Catalog, CatalogItem

NEAREST = 3
ICON = "/favicon.ico"
"""What every browser asks for beside the page that a person opens: that no rule answers it is no matter."""


def no_match_failure(
    catalog: Catalog, request: Request, settled: Decision, ended: CatalogItem | None = None
) -> Failure:
    """The 404 of a request that no rule answers. `ended`: the rule whose sequence has ended."""
    lines = []
    if ended is not None:
        lines.append(f"{shown(ended)}: matched, but its sequence has ended")
    lines += [guard_line(catalog.items[candidate.item], candidate, why) for candidate, why in settled.refused]
    if catalog.rules == 0:
        lines.append("no rules are loaded")
    else:
        count = NEAREST - len(lines)
        found = nearest(catalog, request, count, aside=len(lines)) if count > 0 else ()
        lines += [near_miss_line(item, differences) for item, differences in found]
    hint = "" if catalog.uses else "\nAdd `use: [default]` to a scenario file for an answer to everything."
    return Failure("not_found", 404, "No rule answered this request.\n" + "\n".join(lines) + hint)


def unknown_path_failure(catalog: Catalog, request: Request, settled: Decision, failure: Failure) -> Failure:
    """The refusal of a path or method that no provider has, with the rules that name that path or nearly so."""
    lines = [guard_line(catalog.items[candidate.item], candidate, why) for candidate, why in settled.refused]
    for item, differences in nearest(catalog, request):
        if any(each.field == "path" and (each.held or each.hint) for each in differences):
            lines.append(near_miss_line(item, differences))
    if not lines:
        return failure
    first, dot, rest = (failure.message or "").partition("). ")
    said = "\n".join((first + dot.rstrip(), *lines[:NEAREST], *([rest] if rest else ())))
    return replace(failure, message=said)


def nearest(
    catalog: Catalog, request: Request, count: int = NEAREST, aside: int = 0
) -> Sequence[tuple[CatalogItem, list[FieldMismatch]]]:
    """The rules that came nearest to a request and did not match, with every test of theirs. `aside`: how
    many matched and did not answer."""
    found = [
        (catalog.items[number], differences)
        for number, differences in catalog.index.nearest(request, count + aside, catalog.rules)
        if not all(difference.held for difference in differences)
    ]
    return found[:count]


def shown(item: CatalogItem) -> str:
    """`scenarios/a.yaml:14 greeting`."""
    name = item.id.rpartition(":")[2]
    return f"{item.where} {name}"


def guard_line(item: CatalogItem, candidate: Candidate, why: GuardReason) -> str:
    """Why a rule that matched did not answer."""
    guard = candidate.guard
    assert guard is not None
    if why == "lost its chance":
        assert guard.chance is not None
        return f"{shown(item)}: matched, but lost its {guard.chance * 100:.4g}% chance"
    if isinstance(why, UnmetState):
        return f"{shown(item)}: matched, but the state {_state(why)}"
    if why == "outside its window":
        return f"{shown(item)}: matched, but outside its window (during)"
    if why == "used up":
        return f"{shown(item)}: matched, but used up (times: {guard.times})"
    if why == "skipped":
        return f"{shown(item)}: matched, but still skipped (skip: {guard.skip})"
    return f"{shown(item)}: matched, but it is not its turn (every: {guard.every})"


def _state(why: UnmetState) -> str:
    """`step is null, wants "paid"`."""
    wanted = why.wanted if isinstance(why.wanted, (list, tuple)) else [why.wanted]
    return f"{why.name} is {_value(why.found)}, wants {' or '.join(map(_value, wanted))}"


def _value(value: Json) -> str:
    return dumps(value).decode()


def near_miss_line(item: CatalogItem, differences: Sequence[FieldMismatch]) -> str:
    """One near miss in a line: what of it did not hold."""
    return f"{shown(item)}: " + "; ".join(mismatch_line(each) for each in differences if not each.held)


def mismatch_line(difference: FieldMismatch) -> str:
    """What was expected and found, and what may help."""
    if difference.field == "generates":  # no word of the language: nobody wrote it
        return "sees generating calls only, since it names no api and no path"
    hint = f" ({difference.hint})" if difference.hint else ""
    return f"{difference.field} expected {difference.expected}, found {difference.actual}{hint}"


def unfit(failure: TemplateFailure, dialect: str) -> Failure:
    """Return the 400 for a value that the request lacks or that does not fit, with the parameter's name where the
    dialect has a field for it."""
    place = f" at {failure.origin}" if failure.origin else ""
    if failure.query is not None:
        where = f"{failure.expression}{place}"
        message = f"The query parameter '{failure.query}' does not fit: {failure.reason} ({where})"
        return Failure("bad_request", 400, message, fields=parameter_fields(dialect, failure.query))
    return Failure("bad_request", 400, f"{failure.expression}{place}: {failure.reason}")
