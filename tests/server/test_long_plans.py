"""Replies that take long to plan: other clients are served meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Iterable, Iterator

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.webhook import Webhook
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from mockllm.server.webhooks import WebhookSender
from mockllm.server.workers.no_store import NoStore
from tests.language.virtual_server import VirtualServer
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.waiting import PATIENCE, until

LONG = {"reply": "abcdefghi " * 20_000, "pace": {"chunk_size": "10 characters"}}
RULES = dumps(
    {
        "rules": [LONG],
        "modifiers": [{"name": "one", "limit": {"strategy": "fixed-window", "concurrent": 1}}],
    }
).decode()
CHAT = dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
PATH = "/v1/chat/completions"


@pytest.fixture
def server() -> Iterator[ThreadedServer]:
    engine = VirtualServer(RULES).engine
    served = ThreadedServer(App(engine, limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def busy(server: ThreadedServer) -> Iterator[threading.Event]:
    """The worker waits for this event before it does anything else."""
    event = threading.Event()

    def wait() -> None:
        event.wait(PATIENCE)

    server.app.worker_thread._queue.put(wait)
    yield event
    event.set()


def test_health_is_served_while_a_long_reply_is_planned(
    server: ThreadedServer, busy: threading.Event
) -> None:
    with Raw(server.port) as long, Raw(server.port) as other:
        long.send(request("POST", PATH, CHAT))
        until(lambda: server.app.unfinished_exchanges == 1)
        assert other.send(request(path="/health")).answer().status == 200
        assert server.app.unfinished_exchanges == 1
        busy.set()
        got = long.answer()
    assert got.complete
    assert got.text.count("abcdefghi ") == 20_000


@pytest.mark.parametrize("compressed", [False, True])
def test_long_reply_is_same_as_planned_at_once(server: ThreadedServer, compressed: bool) -> None:
    server.app.gzip = compressed
    engine = VirtualServer(RULES).engine
    planned = engine.respond(engine.read("POST", PATH, "", {}, CHAT, "", 0.0))
    headers = {"Accept-Encoding": "gzip"} if compressed else {}
    with Raw(server.port) as client:
        got = client.send(request("POST", PATH, CHAT, **headers)).answer()
    assert got.status == planned.status
    assert got.headers.get("content-encoding") == ("gzip" if compressed else None)


def test_client_that_leaves_a_long_reply_frees_its_place(
    server: ThreadedServer, busy: threading.Event
) -> None:
    with Raw(server.port) as long:
        long.send(request("POST", PATH, CHAT))
        until(lambda: server.app.unfinished_exchanges == 1)
    until(lambda: server.app.unfinished_exchanges == 0)
    busy.set()
    with Raw(server.port) as other:
        assert other.send(request("POST", PATH, CHAT)).answer().status == 200


class WebhooksSeen(WebhookSender):
    """Counts the webhooks that it is to send."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def schedule(self, webhooks: Iterable[Webhook], monotonic: float, session: str) -> None:
        self.count += len(list(webhooks))


def test_webhook_of_a_held_long_reply_waits_for_its_release(server: ThreadedServer) -> None:
    rule = {**LONG, "hold": "approval", "then_post": {"to": "http://localhost:9/", "body": {}}}
    server.app.engine = VirtualServer(dumps({"rules": [rule]}).decode()).engine
    seen = server.app.webhooks = WebhooksSeen()
    with Raw(server.port) as client:
        client.send(request("POST", PATH, CHAT))
        until(lambda: server.app.held_responses.waiting(("", "approval")) == 1)
        assert seen.count == 0
        server._loop.call_soon_threadsafe(server.app.held_responses.release, ("", "approval"))
        assert client.answer().complete
    assert seen.count == 1


class AwayStore(NoStore):
    """Cannot store what a response has to."""

    def __init__(self) -> None:
        """Without the state of workers."""

    def take_storage_confirmation(self) -> Awaitable[Failure | None]:
        async def fail() -> Failure:
            return Failure("unavailable", 503, "The store is away.")

        return fail()


def test_long_reply_that_cannot_be_stored_is_an_error(server: ThreadedServer) -> None:
    server.app.store_client = AwayStore()
    with Raw(server.port) as client:
        answer = client.send(request("POST", PATH, CHAT)).answer()
    assert (answer.status, "The store is away." in answer.text) == (503, True)
