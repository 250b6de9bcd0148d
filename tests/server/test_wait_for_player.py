"""Plans played on a real loop: their end, cuts, slow readers and clients that left."""

from __future__ import annotations

import asyncio

import pytest

from mockllm.core.rendering.plan import ConnectionCut, CutStep, Plan, WaitStep
from mockllm.server.deadlines import Deadlines, LoopClock
from mockllm.server.http1 import HttpConstraints, serialize_head
from mockllm.server.player import Player, wait_for_player
from tests.server.fake_engine import chunks, say, streamed, whole
from tests.server.virtual import NotingSink, VirtualClock

UNCHUNKED = HttpConstraints(http10=True)


class RealSink(NotingSink):
    """A sink that can be awaited."""

    drains = 0

    async def drained(self) -> None:
        self.drains += 1
        self.full = False

    async def cut(self, how: ConnectionCut) -> None:
        self.cuts.append(how)


async def _performed(plan: Plan, *, full: bool = False, gone: bool = False) -> RealSink:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(LoopClock(loop))
    sink = RealSink(VirtualClock())
    sink.full, sink.gone = full, gone
    built = Player(
        plan, serialize_head(plan, UNCHUNKED, "Date: today\r\n"), sink, deadlines, deadlines.time()
    )
    built.start()
    await wait_for_player(built, sink)
    assert built.notify.__name__ == "_nothing"
    return sink


def test_performed_on_a_real_loop_it_ends_when_the_plan_does() -> None:
    sink = asyncio.run(_performed(chunks(3, 0.001)))
    assert len(b"".join(data for _, data in sink.writes).split(b"data: ")) == 4
    assert not sink.cuts


def test_performed_a_cut_is_carried_out() -> None:
    assert asyncio.run(_performed(streamed(say("a"), WaitStep(0.001, 1), CutStep("reset", 1)))).cuts == [
        "reset"
    ]


def test_performed_an_end_before_the_end_cuts_nothing() -> None:
    assert asyncio.run(_performed(streamed(say("a"), CutStep("end", 1)))).cuts == []


@pytest.mark.parametrize("plan", [chunks(3, 0.001), whole()], ids=["a stream", "a non-streaming response"])
def test_performed_a_full_sink_is_waited_for(plan: Plan) -> None:
    assert asyncio.run(_performed(plan, full=True)).drains == 1


@pytest.mark.parametrize("plan", [chunks(3, 0.001), whole()], ids=["a stream", "a non-streaming response"])
def test_performing_for_closed_connection_raises(plan: Plan) -> None:
    with pytest.raises(ConnectionResetError):
        asyncio.run(_performed(plan, gone=True))
