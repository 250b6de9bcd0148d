"""Limits and loads on one request, asked together: it is charged to all of them or, if one refuses, to none."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from math import inf

from mockllm.core.limits import Cost, LimitAccount, LimitStatus, combine, tightest
from mockllm.core.randomness import Randomness
from mockllm.core.selection.decision import AdmissionResult, Candidate, Lease, MatchResult, Selected
from mockllm.core.selection.load import Admission, admit, at_once
from mockllm.state.in_flight import InFlight
from mockllm.state.scope_state import ScopeState


class SlotLease:
    """See `core.claim.Lease`: the places of one answer in accounts and in loads."""

    __slots__ = ("_accounts", "_loads")

    def __init__(self, accounts: Sequence[LimitAccount], loads: Sequence[InFlight]) -> None:
        self._accounts = accounts
        self._loads = loads
        self.expect_end(inf)

    def expect_end(self, until: float) -> None:
        for under_way in self._loads:
            under_way.expect_end(self, until)

    def end(self) -> None:
        accounts, loads = self._accounts, self._loads
        self._accounts, self._loads = (), ()
        for account in accounts:
            account.release()
        for under_way in loads:
            under_way.end(self)


def admission(
    turns: Sequence[tuple[Selected, ScopeState]], claim: MatchResult, *, count: bool
) -> tuple[AdmissionResult, Lease | None]:
    """What the limits and loads of these modifiers say; first all limits, then all loads. Where nothing is to be
    counted, they are asked all the same, and stand as if it had been."""
    now = claim.now
    limited = [(turn, scope) for turn, scope in turns if turn.candidate.limit is not None]
    accounts = [scope.account(turn.candidate) for turn, scope in limited]
    if not count:
        accounts = [deepcopy(account) for account in accounts]
    tokens = claim.tokens() if any(account.limit.tokens is not None for account in accounts) else 0
    costs = [Cost(tokens, _draw(turn, claim)) for turn, _ in limited]
    asked = [account.check(now, cost) for account, cost in zip(accounts, costs, strict=True)]
    verdict = combine(asked)
    if not verdict.allowed:
        at = asked.index(verdict)
        own, all_ = accounts[at].status(now), _standing(accounts, now)
        standing = LimitStatus(own.requests or all_.requests, own.tokens or all_.tokens)
        return AdmissionResult(standing, by=limited[at][0].candidate, result=verdict, tokens=tokens), None
    loaded = [(turn.candidate, scope) for turn, scope in turns if turn.candidate.load is not None]
    wait, slowdown = verdict.delay, 1.0
    for candidate, scope in loaded:
        admission = _admission(candidate, scope, now, verdict.delay)
        if admission is None:
            return AdmissionResult(_standing(accounts, now), by=candidate), None
        wait = max(wait, verdict.delay + admission.wait)
        slowdown *= admission.slowdown
    for account, cost in zip(accounts, costs, strict=True):
        account.charge(now, cost)
    bounds = AdmissionResult(_standing(accounts, now), wait, slowdown, tokens=tokens)
    held = [account for account in accounts if account.limit.concurrent is not None]
    if not count or not (held or loaded):
        return bounds, None
    return bounds, SlotLease(held, [scope.in_flight(candidate.key) for candidate, scope in loaded])


def told(turns: Sequence[tuple[Selected, ScopeState]], now: float) -> AdmissionResult:
    """What the limits stand at, where none is asked."""
    accounts = [scope.account(turn.candidate) for turn, scope in turns if turn.candidate.limit is not None]
    return AdmissionResult(_standing(accounts, now))


def _draw(turn: Selected, claim: MatchResult) -> float:
    """What `random` goes by."""
    candidate = turn.candidate
    if candidate.limit is None or candidate.limit.strategy != "random":
        return 0.0
    return Randomness(claim.seed, candidate.draws, candidate.scope, turn.tries).uniform("limit")


def _standing(accounts: Sequence[LimitAccount], now: float) -> LimitStatus:
    return tightest([account.status(now) for account in accounts])


def _admission(candidate: Candidate, scope: ScopeState, now: float, delay: float) -> Admission | None:
    """How a load lets it in that comes after so many seconds; not at all, where it would wait for one that has no
    end."""
    load, under_way = candidate.load, scope.in_flight(candidate.key)
    assert load is not None
    count = under_way.at(now)
    found = (None if delay else at_once(load, count)) or admit(load, under_way.ends, now + delay)
    return None if found is None or found.wait == inf else found
