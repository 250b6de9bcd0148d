"""Clients that behave like the official SDKs get no bad verdict, whatever the server sends, and however many of them
send equal requests at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.rendering.plan import CutStep, Delivery, Plan, ResponseHead
from tests.core.verdicts.client_script import START, ClientScript
from tests.examples import examples

TRIES = 3
BROKEN = Plan(ResponseHead(200, ()), (CutStep("reset", 0),), delivery=Delivery(sends_nothing=True))


@dataclass(frozen=True)
class Outcome:
    """The outcome of one request. `wait` is the value of `retry-after`, in seconds."""

    status: int = 200
    wait: float | None = None
    took: float = 0.1
    broken: bool = False


@dataclass
class Call:
    """A call of an SDK: its start, its prompt, the outcome of each try, and the jitter of the waits between them."""

    at: float
    prompt: int
    outcomes: list[Outcome] = field(default_factory=list)
    jitter: list[float] = field(default_factory=list)

    def tries(self) -> list[tuple[float, int, Outcome]]:
        """Return the start, number and outcome of each try."""
        result, at = [], self.at
        for retry, (outcome, jitter) in enumerate(zip(self.outcomes, self.jitter, strict=True)):
            result.append((at, retry, outcome))
            again = outcome.broken or outcome.status in (408, 409, 429) or outcome.status >= 500
            if not again:
                break
            requested = outcome.wait if outcome.wait is not None and 0 < outcome.wait <= 120 else None
            at += outcome.took + (0.5 * 2**retry * jitter if requested is None else requested)
        return result


WAITS = st.none() | st.sampled_from([0.05, 0.3, 1.0, 20.0])
OUTCOMES = st.builds(
    Outcome,
    status=st.sampled_from([200, 200, 400, 401, 404, 408, 409, 429, 429, 500, 503, 529]),
    wait=WAITS,
    took=st.floats(0.1, 2.0),
) | st.builds(Outcome, broken=st.just(True), took=st.floats(0.1, 2.0))
CALLS = st.builds(
    Call,
    at=st.floats(0, 0.05),
    prompt=st.integers(0, 1),
    outcomes=st.lists(OUTCOMES, min_size=TRIES, max_size=TRIES),
    jitter=st.lists(st.floats(0.75, 1.0), min_size=TRIES, max_size=TRIES),
)
"""All calls start before the first of them ends: a later call with the same prompt looks like a retry."""


def script_of(calls: list[Call], *, counting: bool) -> ClientScript:
    script = ClientScript()
    tries = [(at, retry, outcome, str(call.prompt)) for call in calls for at, retry, outcome in call.tries()]
    for at, retry, outcome, prompt in sorted(tries, key=lambda item: item[0]):
        more: dict[str, Any] = {"retry": retry} if counting else {}
        if outcome.broken:
            more |= {"left": "reset", "plan": BROKEN}
        elif outcome.wait is not None:
            more["response_headers"] = {"retry-after": str(outcome.wait)}
        script.send(at, outcome.status, took=outcome.took, prompt=prompt, **more)
    return script


def bad_verdicts(script: ClientScript) -> list[str]:
    return [f"{name}: {item.message}" for name, item in script.results().items() if not item.verdict.good]


@settings(max_examples=examples(100), deadline=None)
@given(CALLS)
def test_single_call_has_no_bad_verdict(call: Call) -> None:
    """Some SDKs do not count their tries, such as Google's."""
    for counting in (True, False):
        assert bad_verdicts(script_of([call], counting=counting)) == []


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(CALLS, min_size=2, max_size=6))
def test_counted_calls_in_parallel_have_no_bad_verdict(calls: list[Call]) -> None:
    assert bad_verdicts(script_of(calls, counting=True)) == []


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(CALLS, min_size=1, max_size=6), st.booleans(), st.randoms(use_true_random=False))
def test_order_of_requests_does_not_change_verdicts(calls: list[Call], counting: bool, random: Any) -> None:
    script = script_of(calls, counting=counting)
    before = script.verdicts()
    random.shuffle(script.requests)
    assert script.verdicts() == before
    assert all(observed.started >= START for observed in script.requests)


def test_requests_of_equal_time_are_in_order_of_their_numbers() -> None:
    """Several workers of a server report their requests in any order."""
    script = ClientScript()
    for retry, at in ((0, 0.0), (0, 0.0), (1, 2.0)):
        script.send(at, 200 if retry else 503, retry=retry, took=1.0)
    assert script.verdicts()["recovered"] == [1, 3]
    script.requests.reverse()
    assert script.verdicts()["recovered"] == [1, 3]
