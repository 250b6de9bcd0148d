"""Reconstructed responses have the parts that were sent, and no others."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.plan import Delivery, EventStep, Plan, ResponseHead, Throttle
from mockllm.engine import PlannedResponse
from mockllm.server.deadlines import Deadlines
from mockllm.server.http1 import HttpConstraints, serialize_head
from mockllm.server.journal.entry import entry_of
from mockllm.server.journal.reconstruction import reconstruct
from mockllm.server.player import Player
from tests.server.journal.ended_exchanges import ended_exchange
from tests.server.virtual import NotingSink, VirtualClock

BYTE_BY_BYTE = Plan(
    ResponseHead(200, ()),
    (EventStep(b"abcdefgh", 0, "body"),),
    delivery=Delivery(body_end="connection_end", throttles=(Throttle(1, 0.001),)),
)


class BoundedSink(NotingSink):
    """A sink that is full, or whose client has left, after some writes."""

    def __init__(self, clock: VirtualClock, writes: int, *, leaves: bool) -> None:
        super().__init__(clock)
        self._bound = writes
        self._leaves = leaves

    def write(self, data: bytes) -> None:
        self.gone = self._leaves and len(self.writes) == self._bound
        super().write(data)
        self.full = not self._leaves and len(self.writes) >= self._bound


@pytest.mark.parametrize("leaves", [False, True], ids=["stalls", "leaves"])
def test_late_throttled_response_has_only_sent_parts(leaves: bool) -> None:
    clock = VirtualClock()
    deadlines, sink = Deadlines(clock), BoundedSink(clock, 4, leaves=leaves)
    began = deadlines.time() - 10.0  # all parts are due at once
    head = serialize_head(BYTE_BY_BYTE, HttpConstraints(http10=True), "Date: today\r\n")
    player = Player(BYTE_BY_BYTE, head, sink, deadlines, began)
    player.start()
    assert [data for _, data in sink.writes[1:]] == [b"a", b"b", b"c"]
    ended = replace(
        ended_exchange(answer=PlannedResponse(BYTE_BY_BYTE, None)),
        monotonic=began,
        write_times=player.write_times,
    )
    parts = reconstruct(entry_of(1, ended, 10_000)).parts
    assert [(part.after, part.data) for part in parts] == [(10.0, b"a"), (10.0, b"b"), (10.0, b"c")]
