"""What follows when a response is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import cast

from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.core.webhook import Webhook
from mockllm.engine import PlannedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.protocols import StoreClientProtocol
from mockllm.server.request_heads import RequestHead
from mockllm.server.socket_sink import SocketSink
from mockllm.server.store_waits import change_stored_objects, confirm_stored
from mockllm.server.webhooks import WebhookSender
from mockllm.state.fetched_objects import StorageConflict
from tests.server.fake_engine import FakeEngine
from tests.waiting import PATIENCE

RESPONSE = PlannedResponse(
    Plan(ResponseHead(200, ()), ()),
    None,
    webhooks=(Webhook(0.0, "http://localhost:9/", "", "id", b"{}", "subject"),),
)


class WebhooksSeen(WebhookSender):
    """Sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduled = asyncio.Event()

    def schedule(self, webhooks: Iterable[Webhook], monotonic: float, session: str) -> None:
        self.scheduled.set()


class ShorterWaits:
    """A store client that waits for a shorter time with each call."""

    def __init__(self) -> None:
        self._times = [0.25, 0.125]

    @property
    def max_store_seconds(self) -> float:
        return self._times.pop(0)


def test_lost_conflict_names_the_time_that_was_waited() -> None:
    async def waited() -> bytes | None:
        app = App(FakeEngine({}))
        app.start()
        exchange = Exchange(head=cast(RequestHead, None), sink=cast(SocketSink, None), response=RESPONSE)

        async def conflict() -> StorageConflict:
            return StorageConflict(lambda: None)

        exchange.storage_confirmation = conflict()
        exchange.request = EngineRequest(method="POST", path="/", headers={})
        async with app.respond_again_lock:
            await confirm_stored(app, exchange, cast(StoreClientProtocol, ShorterWaits()))
        (step,) = exchange.response.plan.steps
        return step.payload if isinstance(step, EventStep) else None

    assert b"for 0.25 s" in (asyncio.run(waited()) or b"")


def test_webhook_follows_storage_behind_a_disconnect() -> None:
    async def disconnected() -> None:
        app, stored = App(FakeEngine({})), asyncio.Event()
        sender = app.webhooks = WebhooksSeen()
        app.start()
        exchange = Exchange(head=cast(RequestHead, None), sink=cast(SocketSink, None), response=RESPONSE)

        async def confirmation() -> None:
            await stored.wait()

        exchange.storage_confirmation = confirmation()
        exchange.request = EngineRequest(method="POST", path="/", headers={})
        confirming = asyncio.ensure_future(confirm_stored(app, exchange, cast(StoreClientProtocol, None)))
        await asyncio.sleep(0)
        confirming.cancel()
        await asyncio.wait([confirming])
        assert not sender.scheduled.is_set()
        stored.set()
        await asyncio.wait_for(sender.scheduled.wait(), PATIENCE)

    asyncio.run(disconnected())


class StoreOfChanges:
    """A store client whose confirmations come with `stored`."""

    def __init__(self) -> None:
        self.stored = asyncio.Event()
        self.confirmed = 0

    def take_storage_confirmation(self) -> Awaitable[None]:
        return self._confirmation()

    async def _confirmation(self) -> None:
        await self.stored.wait()
        self.confirmed += 1


def test_change_without_a_request_is_confirmed() -> None:
    async def changed() -> tuple[int, int]:
        app, store = App(FakeEngine({})), StoreOfChanges()
        app.start()
        change_stored_objects(app, "", StorageUpdate())
        app.store_client = cast(StoreClientProtocol, store)
        change_stored_objects(app, "", StorageUpdate())
        (storing,) = app.storing
        store.stored.set()
        await asyncio.wait_for(storing, PATIENCE)
        await asyncio.sleep(0)
        return store.confirmed, len(app.storing)

    assert asyncio.run(changed()) == (1, 0)
