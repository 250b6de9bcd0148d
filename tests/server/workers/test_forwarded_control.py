"""The control API in a worker whose supervisor does not respond."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from msgspec import json

from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.server.workers.channel import CallFailed, Channel
from mockllm.server.workers.forwarded_control import ForwardedControl


async def failing(*_: object) -> None:
    raise CallFailed("the journal is gone")


async def responded(handler: Callable[..., Awaitable[object]] | None) -> Plan:
    """Return the response to a call. Without a handler the supervisor has ended."""
    ours, theirs = socket.socketpair()
    channel = Channel({})
    for end in (ours, theirs):
        end.setblocking(False)
    await channel.open(ours)
    running = [asyncio.ensure_future(channel.run())]
    if handler is None:
        theirs.close()
        await asyncio.gather(*running)
    else:
        supervisor = Channel({"control": handler})
        await supervisor.open(theirs)
        running.append(asyncio.ensure_future(supervisor.run()))
    plan = await ForwardedControl(channel).respond("GET", "/api/requests", "", {}, b"", "127.0.0.1")
    channel.close()
    await asyncio.gather(*running)
    return plan


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (None, "The supervisor of this worker has ended."),
        (failing, "The supervisor of this worker cannot respond: the journal is gone."),
    ],
)
def test_call_without_a_response_is_a_problem(
    handler: Callable[..., Awaitable[object]] | None, reason: str
) -> None:
    plan = asyncio.run(responded(handler))
    assert plan.head.status == 503
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    assert json.decode(step.payload)["detail"] == reason
