"""What follows when a response that a thread plans is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import cast

import pytest

from mockllm.core.failure import Failure
from mockllm.core.rendering.gzip import ENCODING
from mockllm.engine import DeferredResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.server.app import App
from mockllm.server.deferred_planning import set_deferred_response
from mockllm.server.exchange import Exchange
from mockllm.server.protocols import StoreClientProtocol
from mockllm.server.request_heads import RequestHead
from mockllm.server.socket_sink import SocketSink
from tests.server.fake_engine import FakeEngine, whole
from tests.server.test_store_waits import RESPONSE, WebhooksSeen
from tests.waiting import PATIENCE

LONG = RESPONSE.with_plan(whole("hello " * 1_000))


class StoringClient:
    """A store client whose next confirmation comes with `stored`, and has this result."""

    def __init__(self, result: Failure | None = None) -> None:
        self.taken, self.stored, self._result = asyncio.Event(), asyncio.Event(), result
        self.max_store_seconds = PATIENCE

    def take_storage_confirmation(self) -> Awaitable[Failure | None] | None:
        if self.taken.is_set():
            return None
        self.taken.set()
        return self._confirmation()

    async def _confirmation(self) -> Failure | None:
        await self.stored.wait()
        return self._result


def planning(client: StoringClient) -> tuple[App, Exchange, asyncio.Future[None]]:
    """Begin to plan a response with a webhook, for a client that accepts gzip."""
    app = App(FakeEngine({}))
    app.gzip = True
    app.store_client = cast(StoreClientProtocol, client)
    app.webhooks = WebhooksSeen()
    app.start()
    exchange = Exchange(head=cast(RequestHead, None), sink=cast(SocketSink, None))
    exchange.request = EngineRequest(method="POST", path="/", headers={"accept-encoding": "gzip"})
    exchange.pending_response = DeferredResponse(None, lambda: lambda: LONG)
    return app, exchange, asyncio.ensure_future(set_deferred_response(app, exchange))


def test_webhook_follows_storage_behind_a_disconnect() -> None:
    """Also where the client disconnects while the thread is busy with other plans."""

    async def disconnected() -> None:
        client = StoringClient()
        app, _, task = planning(client)
        await asyncio.wait_for(client.taken.wait(), PATIENCE)
        task.cancel()
        await asyncio.wait([task])
        client.stored.set()
        assert isinstance(app.webhooks, WebhooksSeen)
        await asyncio.wait_for(app.webhooks.scheduled.wait(), PATIENCE)

    asyncio.run(disconnected())


@pytest.mark.parametrize("result", [None, Failure("unavailable")])
def test_response_is_compressed_once_it_is_stored(result: Failure | None) -> None:
    async def planned() -> Exchange:
        client = StoringClient(result)
        client.stored.set()
        _, exchange, task = planning(client)
        await asyncio.wait_for(task, PATIENCE)
        return exchange

    exchange = asyncio.run(planned())
    head = exchange.response.plan.head
    assert (exchange.pending_response, exchange.planned_times) == (None, (0.0, 0.0))
    assert head.status == (200 if result is None else 400)
    assert (ENCODING in dict(head.per_response_headers)) is (result is None)
