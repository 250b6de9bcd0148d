"""Prerendered responses and streams: what a rendered plan compiles to, and what filling it returns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.placeholders import Placeholders, map_placeholder
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.rendering.prerendered_response import (
    PrerenderedResponse,
    prerender_response,
    prerender_stream,
)

Built = Callable[[Ids, float, int], Plan]


def plan(*steps: Step, head: ResponseHead | None = None) -> Plan:
    return Plan(head or ResponseHead(200, (("a", "b"),)), steps, Framing.SSE, 0.5)


def event(value: object, chunk: int, name: str | None = None) -> EventStep:
    return EventStep(dumps(value), chunk, "chunk", name)


def placeholders() -> Placeholders:
    return Placeholders(Ids(0, "", 0), 1_600_000_000.0, 5)


def marked(built: Built) -> tuple[Plan, Placeholders]:
    """A plan that is rendered with placeholders, and these."""
    own = placeholders()
    return built(own.ids, own.now, own.input_tokens), own


CASES: dict[str, tuple[Built, int, int]] = {
    # what makes a plan; how many placeholders its bytes have; how many prefixes its events have
    "nothing changes": (lambda ids, now, tokens: plan(event("x", 1), event("y", 2)), 0, 1),
    "one id": (lambda ids, now, tokens: plan(event([ids.make("a", 8)], 1)), 1, 1),
    "an id again and again, and others": (
        lambda ids, now, tokens: plan(
            event([ids.make("a", 8), ids.make("b", 30)], 1), event(ids.make("a", 8), 2)
        ),
        3,
        2,
    ),
    "all begin alike": (
        lambda ids, now, tokens: plan(
            *(event({"id": ids.make("a", 8), "at": now, "n": n}, n, "delta") for n in range(5))
        ),
        10,
        1,
    ),
    "the same bytes around another placeholder": (
        lambda ids, now, tokens: plan(event([ids.make("a", 8)], 1), event([ids.make("b", 8)], 2)),
        2,
        2,
    ),
    "the time and the tokens, and sums of them": (
        lambda ids, now, tokens: plan(event([now, tokens, tokens + 7, tokens - 3], 1)),
        4,
        1,
    ),
    "waits and a cut between events": (
        lambda ids, now, tokens: plan(
            WaitStep(1, 0),
            event(tokens, 1),
            WaitStep(2, 1),
            RawStep(b"x", 2),
            event("y", 3),
            CutStep("reset", 3),
        ),
        1,
        2,
    ),
    "nothing is sent": (lambda ids, now, tokens: plan(), 0, 0),
    "a wait alone": (lambda ids, now, tokens: plan(WaitStep(1, 0)), 0, 0),
    "an id that is made and not used": (
        lambda ids, now, tokens: plan(event("x" if ids.make("a", 8) else "", 1)),
        0,
        1,
    ),
    "ids in headers": (
        lambda ids, now, tokens: plan(
            event("x", 1), head=ResponseHead(200, (("a", "b"),), (("id", ids.make("r", 9)),))
        ),
        0,
        1,
    ),
}


@pytest.mark.parametrize(("built", "count", "prefixes"), CASES.values(), ids=CASES)
def test_a_filled_response_sends_what_rendering_sends(built: Built, count: int, prefixes: int) -> None:
    response = prerender_response(*marked(built))
    for number, tokens in enumerate((1, 25, 123_456)):
        ids, now = Ids(3, "scope", number), 1_700_000_000 + number
        filled, rendered = (
            response.plan(response.compute_placeholder_values(ids.id_seed, now, tokens)),
            built(ids, now, tokens),
        )
        assert sorted(filled.head.headers) == sorted(rendered.head.headers)
        assert _joined(filled) == _joined(rendered)
        assert (filled.framing, filled.delay) == (rendered.framing, rendered.delay)
    steps = [step for step in response.steps if not isinstance(step, (WaitStep, CutStep))]
    assert sum(len(step.parts) // 2 for step in steps) == count


@pytest.mark.parametrize(("built", "count", "prefixes"), CASES.values(), ids=CASES)
def test_a_filled_stream_equals_the_rendered_one(built: Built, count: int, prefixes: int) -> None:
    rendered, own = marked(built)
    stream = prerender_stream(replace(rendered, delay=0.0), own)
    for number, tokens in enumerate((1, 25, 123_456)):
        ids, now = Ids(3, "scope", number), 1_700_000_000 + number
        assert stream.plan(ids.id_seed, now, tokens) == replace(built(ids, now, tokens), delay=0.0)
    assert len(stream.prefixes) == prefixes


def test_a_response_without_waits_has_one_body() -> None:
    own = placeholders()
    at_once = prerender_response(replace(plan(event("x", 1)), delay=0.0), own)
    assert at_once.undelayed_body is at_once.steps[0]
    assert prerender_response(plan(event("x", 1)), own).undelayed_body is None
    waiting = replace(plan(event("x", 1), WaitStep(1, 1), event("y", 2)), delay=0.0)
    assert prerender_response(waiting, own).undelayed_body is None
    assert prerender_response(replace(plan(WaitStep(1, 0)), delay=0.0), own).undelayed_body is None


def repeated(built: Built, times: int) -> PrerenderedResponse:
    own = placeholders()
    events = (built(own.ids, own.now, own.input_tokens).steps[0] for _ in range(times))
    return prerender_response(replace(plan(*events), delay=0.0), own)


def test_body_with_a_time_has_the_other_placeholders() -> None:
    prerendered = repeated(
        lambda ids, now, tokens: plan(event([ids.make("a", 8), map_placeholder(int, now), tokens], 1)), 8
    )
    values = prerendered.compute_placeholder_values(b"seed", 1_700_000_000.0, 3)
    time = prerendered.repeated_time_index
    assert time is not None
    assert values[time] == b"1700000000"
    body = prerendered.body_with(time, values[time])
    assert len(body.parts) == 2 * 16 + 1
    assert prerendered.undelayed_body is not None
    assert body.filled_bytes(values) == prerendered.undelayed_body.filled_bytes(values)


@pytest.mark.parametrize(
    ("built", "times"),
    [
        (lambda ids, now, tokens: plan(event(map_placeholder(int, now), 1)), 7),
        (lambda ids, now, tokens: plan(event(tokens, 1)), 8),
        (lambda ids, now, tokens: plan(event(now, 1)), 8),
        (lambda ids, now, tokens: plan(WaitStep(1, 1)), 8),
    ],
    ids=["few times", "no time", "a fraction of a second", "waits"],
)
def test_body_without_repeated_second_has_no_repeated_time(built: Built, times: int) -> None:
    assert repeated(built, times).repeated_time_index is None


def test_a_wait_by_tokens_is_not_cached() -> None:
    own = placeholders()
    with pytest.raises(TypeError, match="waits"):
        prerender_response(plan(WaitStep(own.input_tokens * 0.5, 0)), own)


def test_size_is_about_the_bytes() -> None:
    assert 50_000 < prerender_response(plan(event("x" * 50_000, 1)), placeholders()).size < 60_000
    assert 50_000 < prerender_stream(plan(event("x" * 50_000, 1)), placeholders()).size < 60_000
    rendered, own = marked(lambda ids, now, tokens: plan(event(["x" * 50_000, ids.make("a", 8)], 1)))
    assert 50_000 < prerender_stream(rendered, own).size < 60_000


def test_raw_bytes_are_no_placeholders() -> None:
    """A script may send any bytes: they are sent as they are."""
    rendered = plan(RawStep(b"\x00n1;\x00", 1), event("\x00t1;", 1))
    filled = prerender_response(rendered, placeholders())
    assert _joined(filled.plan(filled.compute_placeholder_values(b"", 0.0, 1))) == _joined(rendered)


def _joined(built: Plan) -> list[object]:
    """Waits and cuts, and the bytes between them."""
    joined: list[object] = [b""]
    for step in built.steps:
        if isinstance(step, (WaitStep, CutStep)):
            joined += [step, b""]
        else:
            name = b"event: %b\n" % step.event.encode() if isinstance(step, EventStep) and step.event else b""
            data = name + b"data: " + step.payload + b"\n\n" if isinstance(step, EventStep) else step.data
            assert isinstance(joined[-1], bytes)
            joined[-1] += data
    return joined


def test_steps_behave_like_a_tuple() -> None:
    response = prerender_response(*marked(CASES["waits and a cut between events"][0]))
    steps = response.plan(response.compute_placeholder_values(Ids(0, "", 1).id_seed, 1, 2)).steps
    assert len(steps) == len(tuple(steps))
    assert steps[1:] == tuple(steps)[1:]
    assert steps[0] == next(iter(steps))
    assert hash(steps) == hash(tuple(steps))
    nothing: object = 5
    assert steps != nothing
