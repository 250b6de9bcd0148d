"""Any faults in any order leave a plan that can be played: nothing raises, it ends, and twice it is the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.faults import FAULTS, Fault, FormFault, NotApplicable, ReplyFault
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, Step, WaitStep
from mockllm.server.http1 import HttpConstraints, serialize_head
from mockllm.server.player import Player
from tests.examples import examples
from tests.server.virtual import world

PLAYED = {name: kind for name, kind in FAULTS.items() if not issubclass(kind, ReplyFault)}
FOREVER = 10_000_000.0
"""Seconds of the virtual clock."""

places = st.one_of(
    st.builds(lambda count: {"chunks": count}, st.integers(0, 4)),
    st.builds(lambda count: {"events": count}, st.integers(0, 6)),
    st.builds(lambda count: {"bytes": count}, st.integers(0, 90)),
    st.builds(lambda part: {"fraction": part}, st.floats(0, 1)),
    st.builds(lambda time: {"time": f"{time}ms"}, st.integers(0, 3000)),
)


def of(name: str) -> st.SearchStrategy[Fault]:
    """A fault with its defaults, or with its own place; those that repeat do so a few times."""
    kind = PLAYED[name]
    few: dict[str, Any] = {"count": 3} if "count" in kind.model_fields else {}
    built: list[st.SearchStrategy[dict[str, Any]]] = [st.just(few)]
    if "after" in kind.model_fields:
        built.append(st.builds(lambda after: {**few, "after": after}, places))
    if "at" in kind.model_fields and not issubclass(kind, FormFault):
        built.append(st.builds(lambda chunk: {**few, "at": {"chunk": chunk}}, st.integers(1, 4)))
    return st.one_of(built).map(kind.model_validate)


faults = st.lists(st.sampled_from(sorted(PLAYED)).flatmap(of), max_size=5)
reported = st.one_of(
    st.builds(EventStep, st.sampled_from([b"a", "bü".encode(), b"{}"]), st.integers(1, 3), st.just("chunk")),
    st.builds(EventStep, st.just(b"x"), st.integers(0, 3), st.sampled_from(["open", "finish", "end"])),
    st.builds(RawStep, st.just(b": c\n\n"), st.integers(0, 3)),
    st.builds(WaitStep, st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 3)),
)
streams = st.builds(
    lambda steps, framing, delay: Plan(
        ResponseHead(200, (("content-type", "x/y"),)), tuple(steps), framing, delay
    ),
    st.lists(reported, max_size=8),
    st.sampled_from([framing for framing in Framing if framing is not Framing.PLAIN]),
    st.sampled_from([0.0, 1.0]),
)
wholes = st.builds(
    lambda status, texts: Plan(
        ResponseHead(status, (("content-type", "x/y"),)),
        (EventStep(b'{"text": "one two"}', 0, "body"),),
        chunk_texts=texts,
    ),
    st.sampled_from([200, 204, 304, 503]),
    st.sampled_from([(), ((0, "one "), (0, "two")), ((0, "other"),)]),
)
requested = st.builds(HttpConstraints, st.booleans(), st.booleans(), st.booleans())


def broken(plan: Plan, faults: list[Fault]) -> Plan:
    for fault in faults:
        with suppress(NotApplicable):
            plan = fault.apply(plan)
    return plan


def sent(plan: Plan, requested: HttpConstraints) -> tuple[object, list[tuple[float, bytes]]]:
    """How it ended, and what was written when."""
    clock, deadlines, sink = world()
    play = Player(plan, serialize_head(plan, requested, "Date: today\r\n"), sink, deadlines, deadlines.time())
    play.start()
    clock.run_until(FOREVER)
    assert play.exception is None
    return play.play_end, sink.writes


@settings(max_examples=examples(300), deadline=None)
@given(streams | wholes, faults, requested)
def test_any_faults_can_be_played(plan: Plan, faults: list[Fault], requested: HttpConstraints) -> None:
    steps: Sequence[Step] = plan.steps
    built = broken(plan, faults)
    assert plan.steps is steps
    first = sent(built, requested)
    assert first[0] in ("finished", "close", "reset", "silence")
    assert first == sent(broken(plan, faults), requested)
