"""Clients that behave as the official SDKs do earn no bad verdict, whatever the server does to them, and however many
of them ask for the same at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.rendering.plan import CutStep, Delivery, Plan, ResponseHead
from tests.core.verdicts.scenes import BEGUN, Scene

TRIES = 3
BROKEN = Plan(ResponseHead(200, ()), (CutStep("reset", 0),), delivery=Delivery(withheld=True))


@dataclass(frozen=True)
class Fate:
    """What a server does to one request: `wait` is told in `retry-after`, in seconds."""

    status: int = 200
    wait: float | None = None
    took: float = 0.1
    broken: bool = False


@dataclass
class Call:
    """A call to an SDK: when, what is asked, what becomes of each try, and how the waits between them are drawn."""

    at: float
    said: int
    fates: list[Fate] = field(default_factory=list)
    jitter: list[float] = field(default_factory=list)

    def plays(self) -> list[tuple[float, int, Fate]]:
        """When each try comes."""
        found, at = [], self.at
        for retry, (fate, jitter) in enumerate(zip(self.fates, self.jitter, strict=True)):
            found.append((at, retry, fate))
            again = fate.broken or fate.status in (408, 409, 429) or fate.status >= 500
            if not again:
                break
            told = fate.wait if fate.wait is not None and 0 < fate.wait <= 120 else None
            at += fate.took + (0.5 * 2**retry * jitter if told is None else told)
        return found


WAITS = st.none() | st.sampled_from([0.05, 0.3, 1.0, 20.0])
FATES = st.builds(
    Fate,
    status=st.sampled_from([200, 200, 400, 401, 404, 408, 409, 429, 429, 500, 503, 529]),
    wait=WAITS,
    took=st.floats(0.1, 2.0),
) | st.builds(Fate, broken=st.just(True), took=st.floats(0.1, 2.0))
CALLS = st.builds(
    Call,
    at=st.floats(0, 0.05),
    said=st.integers(0, 1),
    fates=st.lists(FATES, min_size=TRIES, max_size=TRIES),
    jitter=st.lists(st.floats(0.75, 1.0), min_size=TRIES, max_size=TRIES),
)
"""They begin before the first of them has ended: a call that begins later with the same words looks like a try."""


def played(calls: list[Call], *, counting: bool) -> Scene:
    scene = Scene()
    tries = [(at, retry, fate, str(call.said)) for call in calls for at, retry, fate in call.plays()]
    for at, retry, fate, said in sorted(tries, key=lambda each: each[0]):
        more: dict[str, Any] = {"retry": retry} if counting else {}
        if fate.broken:
            more |= {"left": "reset", "plan": BROKEN}
        elif fate.wait is not None:
            more["told"] = {"retry-after": str(fate.wait)}
        scene.ask(at, fate.status, took=fate.took, said=said, **more)
    return scene


def bad(scene: Scene) -> list[str]:
    return [f"{name}: {each.says}" for name, each in scene.given().items() if not each.verdict.good]


@settings(max_examples=100, deadline=None)
@given(CALLS)
def test_one_call_by_itself(call: Call) -> None:
    """Also of an SDK that does not count its tries, such as Google's."""
    for counting in (True, False):
        assert bad(played([call], counting=counting)) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(CALLS, min_size=2, max_size=6))
def test_many_at_a_time_that_count(calls: list[Call]) -> None:
    assert bad(played(calls, counting=True)) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(CALLS, min_size=1, max_size=6), st.booleans(), st.randoms(use_true_random=False))
def test_the_order_in_which_they_are_looked_at_changes_nothing(
    calls: list[Call], counting: bool, random: Any
) -> None:
    scene = played(calls, counting=counting)
    before = scene.shown()
    random.shuffle(scene.deeds)
    assert scene.shown() == before
    assert all(deed.begun >= BEGUN for deed in scene.deeds)
