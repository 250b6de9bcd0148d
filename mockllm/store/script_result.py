"""The results of the Lua script `decision.lua`, as decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Final, TypeAlias

from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder

from mockllm.core.json.codec import Json
from mockllm.core.limits.limit_data import (
    ALLOWED,
    NO_COST,
    BoundStatus,
    Limit,
    LimitResult,
    LimitStatus,
    MeteredBound,
    tightest_by_bound,
)
from mockllm.core.limits.meters import MICROS_PER_SECOND
from mockllm.core.limits.rate_limiter import capacity, reported_wait
from mockllm.core.load.load import slowdown
from mockllm.core.selection.decision import (
    AdmissionResult,
    Candidate,
    Decision,
    DecisionInputs,
    InFlightSlot,
    SelectedCandidate,
)
from mockllm.core.selection.guards import GuardReason, UnmetState
from mockllm.state.admission import combined_limit_result
from mockllm.store.connection import StoreReply
from mockllm.store.script_arguments import state_value

NOT_BLOCKED: Final = 0
UNMET: Final = 6
REASONS: Final[Sequence[GuardReason]] = (
    "used up", "used up", "skipped", "not its turn", "lost its chance", "outside its window",
)  # fmt: skip
"""The reasons by the script's codes; code 0 is none."""
_BOUNDS: Final[Sequence[MeteredBound]] = ("tokens", "input_tokens", "output_tokens", "requests")
"""The bounds in the order of the script's codes: from 3 on, two codes for each."""
_STATUSES: Final[Sequence[MeteredBound]] = ("requests", "tokens", "input_tokens", "output_tokens")
"""The bounds in the order of their states in a row."""
_decode: Final = Decoder().decode


UNEXPECTED: Final = (DecodeError, LookupError, OverflowError, TypeError, ValueError)
"""What reading a result raises that another program has written."""

ScriptResult: TypeAlias = Sequence[Json]
"""What the script returns of one request."""
ResultRow: TypeAlias = Sequence[Json]
"""What the script returns of one candidate or limit."""


class MissingDraws(Struct, frozen=True):
    """The script needs the draws of other tries, or is to be called again; nothing is counted. `tries` are those of
    modifiers and rules, as far as they are known."""

    tries: Sequence[int]


class StoreDecision(Struct, frozen=True):
    """A decision, and the tries of modifiers and rules before it."""

    decision: Decision
    tries: Sequence[int]


MakeSlot = Callable[[Sequence[Candidate], float], InFlightSlot]
"""Makes the slot on the limits and loads of these candidates, taken at the store's time in seconds."""


def read_results(reply: StoreReply) -> Sequence[ScriptResult]:
    """Read what a call returns: the results by the index of their request in the call. That of a repeated request
    also has those of all requests of its first call, and False where there is none. Raises UNEXPECTED."""
    if not isinstance(reply, bytes):
        raise TypeError(reply)
    results: Sequence[ScriptResult] = _decode(reply)
    return results


def lacks_number(result: ScriptResult, inputs: DecisionInputs) -> bool:
    """Return whether a result is a decision without the request's number: the store does not count the requests
    without a session in the global scope."""
    if inputs.session or result[0] == "draws":
        return False
    rule_position = result[3]
    return not (rule_position and inputs.rules[rule_position - 1].scope)


def read_result(
    result: ScriptResult, inputs: DecisionInputs, number: int | None, make_slot: MakeSlot
) -> StoreDecision | MissingDraws:
    """Read a result. `number` is the request's number if the result lacks it. The positions of the rule and of the
    refusing load count from 1; 0 is none. Raises UNEXPECTED."""
    outcome, now, decided_number, rule_position, modifier_rows, rule_rows, limits, loads, refusing_load = (
        result
    )
    tries = [index(row[1]) for row in (*modifier_rows, *rule_rows)]
    if outcome == "draws":
        return MissingDraws(tries)
    modifiers: list[SelectedCandidate] = []
    blocked_modifiers: list[tuple[Candidate, GuardReason]] = []
    for candidate, row in zip(inputs.modifiers, modifier_rows, strict=True):
        if row[0] == NOT_BLOCKED:
            modifiers.append(_selected(candidate, row))
        else:
            blocked_modifiers.append((candidate, _reason(candidate, row)))
    blocked = [
        (candidate, _reason(candidate, row))
        for candidate, row in zip(
            inputs.rules, rule_rows[: rule_position - 1] if rule_position else rule_rows, strict=False
        )
    ]
    selected_rule = (
        _selected(inputs.rules[rule_position - 1], rule_rows[rule_position - 1]) if rule_position else None
    )
    admission, slot = None, None
    if modifiers:
        at = now / MICROS_PER_SECOND
        admission, slot = _admission(outcome, inputs, modifiers, limits, loads, refusing_load, at, make_slot)
    if number is not None:
        decided_number = number
    decision = Decision(
        outcome, selected_rule, modifiers, decided_number, blocked, admission, slot, blocked_modifiers
    )
    return StoreDecision(decision, tries)


def _selected(candidate: Candidate, row: ResultRow) -> SelectedCandidate:
    _, tries, eligible, *_ = row
    guard = candidate.guard
    return SelectedCandidate(
        candidate, tries, eligible if guard is None else guard.earlier_responses(eligible)
    )


def _reason(candidate: Candidate, row: ResultRow) -> GuardReason:
    code, _, _, place, found = row
    if code != UNMET:
        return REASONS[int(code)]
    requires = None if candidate.guard is None else candidate.guard.requires
    name, wanted = list((requires or {}).items())[place]
    return UnmetState(name, wanted, state_value(found))


def _admission(
    outcome: str,
    inputs: DecisionInputs,
    modifiers: Sequence[SelectedCandidate],
    limits: Sequence[ResultRow],
    loads: Sequence[int],
    refusing_load: int,
    at: float,
    make_slot: MakeSlot,
) -> tuple[AdmissionResult | None, InFlightSlot | None]:
    """Return the result of limits and loads, as `mockllm.state.admission` does."""
    candidates = [selected.candidate for selected in modifiers]
    with_limit = [candidate for candidate in candidates if candidate.limit is not None]
    with_load = [candidate for candidate in candidates if candidate.load is not None]
    if not with_limit and not with_load:
        return None, None
    statuses = [_status(each.limit, row) for each, row in zip(with_limit, limits, strict=True) if each.limit]
    if outcome == "modifier":
        return AdmissionResult(tightest_by_bound(statuses)), None
    cost = (
        inputs.compute_cost()
        if any(each.limit and each.limit.counts_tokens for each in with_limit)
        else NO_COST
    )
    results = [
        _result(each.limit, row, at) for each, row in zip(with_limit, limits, strict=True) if each.limit
    ]
    refused, wait = combined_limit_result(with_limit, results, lambda: statuses, cost)
    if refused is not None:
        return refused, None
    overall = tightest_by_bound(statuses)
    if refusing_load:
        return AdmissionResult(overall, refused_by=inputs.modifiers[refusing_load - 1]), None
    slower = 1.0
    for candidate, count in zip(with_load, loads, strict=True):
        assert candidate.load is not None, "it has a load"
        slower *= slowdown(candidate.load, count + 1)
    admitted = AdmissionResult(overall, wait, slower, tokens=cost.tokens)
    placed = [each for each in candidates if takes_slot(each)]
    return admitted, make_slot(placed, at) if placed else None


def takes_slot(candidate: Candidate) -> bool:
    """Return whether a response takes a slot in the limit or the load of a modifier."""
    return bool(candidate.load or (candidate.limit and candidate.limit.concurrent is not None))


def _result(limit: Limit, row: ResultRow, at: float) -> LimitResult:
    code, wait, delay, *_ = row
    if code == 0:
        return LimitResult(True, delay / MICROS_PER_SECOND) if delay else ALLOWED
    if code == 1 or code == 2:
        return LimitResult(False, 0.0, limit.retry_after, "requests" if code == 1 else "concurrent")
    by = _BOUNDS[(code - 3) // 2]
    if code % 2:  # the cost is more than the bound
        return LimitResult(False, 0.0, None, by)
    return LimitResult(False, 0.0, reported_wait(at, wait, round(at * MICROS_PER_SECOND) + wait), by)


def _status(limit: Limit, row: ResultRow) -> LimitStatus:
    statuses = {
        bound: _bound_status(limit, bound, found)
        for bound, found in zip(_STATUSES, row[3:7], strict=True)
        if not isinstance(found, bool)
    }
    return LimitStatus(**statuses)


def _bound_status(limit: Limit, bound: MeteredBound, row: Sequence[float]) -> BoundStatus:
    """Return the state of a bound from what is used of it. The script's numbers are not exact above 2^53."""
    used, reset = row
    most = capacity(limit, bound)
    remaining = max(0, most - int(used))
    if reset < 0:
        return BoundStatus(most, remaining, limit.retry_after, limit.window)
    window = max(1, round(limit.window * MICROS_PER_SECOND)) / MICROS_PER_SECOND
    return BoundStatus(most, remaining, reset / MICROS_PER_SECOND, window)
