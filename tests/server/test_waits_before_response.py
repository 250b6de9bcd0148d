"""The waits of a response that no player plays."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.engine import PlannedResponse
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.request_heads import RequestHead
from mockllm.server.socket_sink import SocketSink
from mockllm.server.waits_before_response import wait_for_release_and_delay


@pytest.mark.parametrize(
    ("delay", "scale", "elapsed", "expected"),
    [(0.5, 1.0, 0.0, [8.5]), (0.5, 1.0, 0.25, [8.5]), (0.5, 0.5, 0.125, [8.25]), (0.5, 1.0, 1.0, [])],
    ids=["at once", "a part has passed", "scaled", "all has passed"],
)
def test_time_since_the_request_is_part_of_delay(
    delay: float, scale: float, elapsed: float, expected: list[float]
) -> None:
    ends: list[float] = []
    in_flight: list[int] = []

    async def wait_until(when: float) -> None:
        ends.append(when)

    app = cast(
        App,
        SimpleNamespace(
            deadlines=SimpleNamespace(time=lambda: 8.0 + elapsed, wait_until=wait_until),
            count_in_flight=lambda _, change: in_flight.append(change),
        ),
    )
    response = PlannedResponse(Plan(ResponseHead(101, ()), (), delay=delay), None, time_scale=scale)
    exchange = Exchange(
        head=cast(RequestHead, None), sink=cast(SocketSink, None), monotonic=8.0, response=response
    )
    asyncio.run(wait_for_release_and_delay(app, exchange))
    assert ends == expected
    assert in_flight == [1, -1] * len(expected)
