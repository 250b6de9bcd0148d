"""Pacing as tables: the waits that follow from the settings, and their places in a plan."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.quantities.parse import Uniform
from mockllm.core.rendering.pacing import Pacing, chunk_waits, paced, paced_body
from mockllm.core.rendering.plan import (
    EventKind,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)

HEAD = ResponseHead(200, ())


def data(kind: EventKind, chunk_number: int) -> EventStep:
    return EventStep(f"{kind}{chunk_number}".encode(), chunk_number, kind)


def stream(*steps: Step) -> Plan:
    return Plan(HEAD, steps, Framing.SSE)


ANSWER = stream(
    data("open", 0), data("chunk", 1), data("chunk", 2), data("chunk", 3), data("finish", 3), data("end", 3)
)


def shown(plan: Plan) -> str:
    """A plan in one line: waits by their seconds, `!` where they are explicit."""
    words = []
    for step in plan.steps:
        match step:
            case WaitStep():
                words.append(f"{step.seconds:g}@{step.chunk_number}" + "!" * step.explicit)
            case EventStep():
                words.append(step.payload.decode())
            case _:
                words.append("raw")
    return " ".join(words)


@pytest.mark.parametrize(
    ("pace", "sizes", "waits"),
    [
        pytest.param(Pacing(), [1, 1, 1], [0, 0, 0], id="nothing set waits for nothing"),
        pytest.param(Pacing(ttft=2.0), [1, 1, 1], [2, 0, 0], id="ttft stands before the first chunk"),
        pytest.param(Pacing(itl=0.5), [1, 1, 1], [0, 0.5, 0.5], id="itl stands between the chunks"),
        pytest.param(
            Pacing(tokens_per_second=10.0), [4, 5, 1], [0, 0.5, 0.1], id="a gap takes its chunk's tokens"
        ),
        pytest.param(Pacing(itl=0.5, slowdown=6.0), [1, 1], [0, 3], id="slowdown multiplies gaps"),
        pytest.param(Pacing(ttft=1.0, slowdown=6.0), [1], [6], id="slowdown multiplies ttft"),
        pytest.param(
            Pacing(slowdown=0.0, itl=1.0, ttft=1.0), [1, 1], [0, 0], id="slowdown 0 waits for nothing"
        ),
        pytest.param(Pacing(itl=Uniform(0.25, 0.25)), [1, 1, 1], [0, 0.25, 0.25], id="itl is drawn"),
        pytest.param(
            Pacing(itl=0.5, jitter=Uniform(0.25, 0.25)),
            [1, 1],
            [0, 0.75],
            id="a drawn jitter is added as drawn",
        ),
        pytest.param(Pacing(ttft=1.0, itl=1.0), [], [], id="an answer without chunks has no gaps"),
    ],
)
def test_gaps_follow_the_settings(pace: Pacing, sizes: list[int], waits: list[float]) -> None:
    assert chunk_waits(pace, sizes, Random(0)) == pytest.approx(waits)


def test_jitter_adds_to_gaps_but_not_to_ttft() -> None:
    first, *between = chunk_waits(Pacing(ttft=1.0, itl=0.5, jitter=0.1), [1] * 200, Random(0))
    assert first == 1.0
    assert all(0.5 <= wait <= 0.6 for wait in between)
    assert len(set(between)) == 199


def test_jitter_alone_makes_gaps() -> None:
    assert all(0 <= wait <= 0.01 for wait in chunk_waits(Pacing(jitter=0.01), [1] * 50, Random(0)))


def test_gaps_are_the_same_for_the_same_seed() -> None:
    pace = Pacing(itl=Uniform(0.1, 0.2), jitter=0.01)
    assert chunk_waits(pace, [1] * 20, Random(7)) == chunk_waits(pace, [1] * 20, Random(7))
    assert chunk_waits(pace, [1] * 20, Random(7)) != chunk_waits(pace, [1] * 20, Random(8))


@pytest.mark.parametrize(
    ("plan", "waits", "slowdown", "expected"),
    [
        pytest.param(
            ANSWER, [2, 0.5, 0.5], 1, "open0 2@0 chunk1 0.5@1 chunk2 0.5@2 chunk3 finish3 end3",
            id="what opens leaves with the head, and what ends with the last chunk",
        ),
        pytest.param(ANSWER, [0, 5, 0], 1, "open0 chunk1 5@1 chunk2 chunk3 finish3 end3", id="no wait of 0 stands"),
        pytest.param(ANSWER, [1], 1, "open0 1@0 chunk1 chunk2 chunk3 finish3 end3", id="missing waits are none"),
        pytest.param(
            stream(data("chunk", 1), data("close", 1), data("open", 1), data("chunk", 2)), [0, 3], 1,
            "chunk1 close1 open1 3@1 chunk2",
            id="a part that begins leaves before the gap",
        ),
        pytest.param(
            stream(data("chunk", 1), data("chunk", 1), data("chunk", 2)), [1, 2], 1, "1@0 chunk1 chunk1 2@1 chunk2",
            id="a chunk of two events waits once",
        ),
        pytest.param(
            stream(data("chunk", 1), data("chunk", 3)), [1, 2, 4], 1, "1@0 chunk1 6@1 chunk3",
            id="the waits of a chunk without a text are not lost",
        ),
        pytest.param(
            stream(data("chunk", 1), WaitStep(9, 1, explicit=True), data("chunk", 2), data("chunk", 3)), [1, 2, 4], 1,
            "1@0 chunk1 9@1! chunk2 4@2 chunk3",
            id="an explicit wait replaces the gap it stands in",
        ),
        pytest.param(
            stream(WaitStep(9, 0, True), data("chunk", 1), data("chunk", 2)), [1, 2], 1, "9@0! chunk1 2@1 chunk2",
            id="an explicit wait before the first chunk replaces ttft",
        ),
        pytest.param(
            stream(
                data("chunk", 1), WaitStep(9, 1, True), RawStep(b": ping\n\n", 1), WaitStep(1, 1, True),
                data("chunk", 2),
            ),
            [0, 2], 1, "chunk1 9@1! raw 1@1! chunk2",
            id="two explicit waits in one gap both stand",
        ),
        pytest.param(
            stream(data("chunk", 1), WaitStep(9, 1, explicit=True)), [1], 1, "1@0 chunk1 9@1!",
            id="an explicit wait behind the last chunk stands",
        ),
        pytest.param(
            stream(data("chunk", 1), WaitStep(2, 1, explicit=True), data("chunk", 2)), [0, 0], 3,
            "chunk1 6@1! chunk2",
            id="slowdown multiplies explicit waits",
        ),
        pytest.param(
            stream(data("chunk", 1), data("error", 1)), [1, 2], 1, "1@0 chunk1 error1",
            id="an error in the stream follows at once",
        ),
    ],
)  # fmt: skip
def test_paced_puts_waits_before_chunks(
    plan: Plan, waits: list[float], slowdown: float, expected: str
) -> None:
    assert shown(paced(plan, waits, slowdown)) == expected


def test_a_plan_without_waits_is_the_same_object() -> None:
    assert paced(ANSWER, chunk_waits(Pacing(), [1, 1, 1], Random(0))) is ANSWER
    assert paced(ANSWER, []) is ANSWER


def test_paced_whole_waits_once_before_the_body() -> None:
    plan = Plan(HEAD, (data("body", 0),))
    assert shown(paced_body(plan, 1.5)) == "1.5@0 body0"
    assert paced_body(plan, 0.0) is plan
