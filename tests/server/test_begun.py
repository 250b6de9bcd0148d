"""Responses that begin in the iteration in which they are made, and their end where the client leaves, or the server
stops, in that moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from mockllm.core.rendering.plan import CutStep, Delivery, Framing, Plan, ResponseHead, WaitStep
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server import waiting_exchange
from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.connection_factory import ConnectionFactory
from mockllm.server.deadlines import Deadlines
from mockllm.server.exchange import EndReason, Exchange
from mockllm.server.exchange_end import end_exchange
from mockllm.server.http_server import Address, Server
from mockllm.server.journal.reconstruction import reconstruct
from mockllm.server.request_heads import RequestHead
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, chunks, say, streamed, whole
from tests.server.raw_client import request
from tests.waiting import PATIENCE

PLANS = {
    "/whole": whole(),
    "/late": whole(delay=60.0),
    "/stream": streamed(say("a"), WaitStep(60.0, 1), say("b")),
    "/many": streamed(*[say("a")] * 2000),
    "/silence": streamed(say("a"), CutStep("silence", 1)),
    "/nothing": Plan(
        ResponseHead(200, ()), (CutStep("silence", 0),), Framing.SSE, 0.0, Delivery(sends_nothing=True)
    ),
    "/reset": Plan(ResponseHead(200, ()), (CutStep("reset", 0),), Framing.SSE),
}


class RecordingTransport(asyncio.Transport):
    """A transport that notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closing = False

    def write(self, data: Any) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...


class CountedSlot:
    """A slot that counts its releases."""

    ended = 0

    def expect_end(self, until: float) -> None: ...

    def release(self) -> None:
        self.ended += 1


class Client:
    """One that is connected, and whose connection waits for what it requests."""

    def __init__(self, connection_factory: ConnectionFactory) -> None:
        self.connection_factory = connection_factory
        self.wire = RecordingTransport()
        self.connection: Connection = connection_factory()

    async def send(self, data: bytes) -> None:
        self.connection.connection_made(self.wire)
        await asyncio.sleep(0)
        self.connection.data_received(data)

    def written_response(self) -> bytes:
        """What was written when the turn of its request has passed, and the loop has not gone on."""
        self.connection_factory.ready_connections.serve([self.connection])
        return b"".join(self.wire.written)

    def leaves(self, how: Exception | None = None) -> None:
        self.wire.closing = True
        self.connection.connection_lost(how)


class ServerWithoutSockets:
    """A server without sockets. Whatever is played in it has a place, and is handed back once."""

    def __init__(self) -> None:
        self.places: list[CountedSlot] = []
        self.app = App(FakeEngine({path: self._taking_slot(plan) for path, plan in PLANS.items()}))
        self.connection_factory = ConnectionFactory(self.app)

    def _taking_slot(self, plan: Plan) -> Callable[[Request], PlannedResponse]:
        def answer(request: Request) -> PlannedResponse:
            self.places.append(CountedSlot())
            return PlannedResponse(plan, "a rule", slot=self.places[-1])

        return answer

    async def requested(self, data: bytes, *, known: bool = False) -> Client:
        """A client that sends this, be it for the third time."""
        for _ in range(2 if known else 0):
            before = await self.requested(data)
            before.written_response()
            before.leaves()
        self.places.clear()
        self.app.journal.clear()
        client = Client(self.connection_factory)
        assert isinstance(self.app.head_cache.find_or_split(data), RequestHead) is known
        await client.send(data)
        return client

    async def nothing_is_left(self) -> None:
        """Neither now nor when the loop has had its turns."""
        for _ in range(5):
            assert [place.ended for place in self.places] == [1]
            assert [each.end_reason for each in self.app.journal] == ["gone"]
            assert not any(self.app.responses_in_flight.values())
            assert self.app.deadlines.pending_count == 0
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert self.app.unfinished_exchanges == 0


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("path", ["/stream", "/silence", "/many"])
def test_head_is_written_in_turn_of_plan(path: str, known: bool) -> None:
    async def main() -> None:
        served = ServerWithoutSockets()
        client = await served.requested(request(path=path), known=known)
        head, _, body = client.written_response().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"data: a\n\n" in body
        assert served.places[0].ended == 0
        client.leaves()
        await served.nothing_is_left()

    asyncio.run(main())


class ClockWithoutTimer:
    """A clock whose timer never fires: only `run_due_actions` runs what is due."""

    time = staticmethod(time.monotonic)

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.Handle:
        return asyncio.Handle(callback, (), asyncio.get_running_loop())


def test_due_actions_run_when_clients_come_and_leave() -> None:
    async def main() -> None:
        app, ran = App(FakeEngine({})), list[str]()
        client = Client(ConnectionFactory(app))
        app.deadlines = Deadlines(ClockWithoutTimer())
        app.deadlines.call_at(0.0, lambda _: ran.append("came"))
        client.connection.connection_made(client.wire)
        assert ran == ["came"]
        app.deadlines.call_at(0.0, lambda _: ran.append("left"))
        client.leaves()
        assert ran == ["came", "left"]

    asyncio.run(main())


def test_due_actions_run_when_an_exchange_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def end_and_schedule(app: App, exchange: Exchange, end_reason: EndReason) -> None:
        end_exchange(app, exchange, end_reason)
        app.deadlines.call_at(0.0, lambda _: ran.append("ended"))

    async def main() -> None:
        app = App(FakeEngine({"/stream": streamed(say("a"))}))
        client = Client(ConnectionFactory(app))
        app.deadlines = Deadlines(ClockWithoutTimer())
        await client.send(request(path="/stream", Connection="close"))
        client.written_response()
        for _ in range(10):
            await asyncio.sleep(0)
        assert ran == ["ended"]

    monkeypatch.setattr(waiting_exchange, "end_exchange", end_and_schedule)
    asyncio.run(main())


def test_entry_time_is_arrival_of_request_not_of_plan() -> None:
    async def main() -> None:
        built: list[float] = []

        def slowly(request: Request) -> Plan:
            began = time.monotonic()
            while time.monotonic() < began + 0.005:
                pass
            built.append(time.time())
            return streamed(say("a"), CutStep("close", 1))

        app = App(FakeEngine({"/slow": slowly}))
        client = Client(ConnectionFactory(app))
        await client.send(request(path="/slow"))
        client.written_response()
        client.leaves()
        (seen,) = app.journal
        assert seen.now <= built[0] - 0.005

    asyncio.run(main())


@pytest.mark.parametrize("plan", [whole(), streamed(say("a"), say("b"))], ids=["whole", "stream"])
def test_entry_end_is_time_of_last_write(plan: Plan) -> None:
    async def main() -> None:
        app = App(FakeEngine({"/last": plan}))
        client = Client(ConnectionFactory(app))
        await client.send(request(path="/last", Connection="close"))
        assert client.written_response()
        over = time.monotonic()
        while time.monotonic() < over + 0.005:
            pass
        for _ in range(10):
            await asyncio.sleep(0)
        (seen,) = app.journal
        assert seen.end_reason == "finished"
        assert seen.monotonic + seen.duration <= over

    asyncio.run(main())


HOW = {"FIN": None, "RST": ConnectionResetError("reset by peer")}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("path", PLANS)
def test_client_leaving_before_handler_wakes_has_one_entry(path: str, how: str) -> None:
    async def main() -> None:
        served = ServerWithoutSockets()
        client = await served.requested(request(path=path, Connection="close"))
        reported = client.written_response()
        client.leaves(HOW[how])
        await served.nothing_is_left()
        assert b"".join(client.wire.written) == reported

    asyncio.run(main())


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("path", PLANS)
def test_client_leaving_before_plan_has_entry_without_parts(path: str, known: bool) -> None:
    async def main() -> None:
        served = ServerWithoutSockets()
        client = await served.requested(request(path=path), known=known)
        client.leaves()
        await served.nothing_is_left()
        assert client.wire.written == []
        (stated,) = served.app.journal
        assert reconstruct(stated).parts == []

    asyncio.run(main())


def test_stopping_server_finishes_stream_begun_at_once() -> None:
    async def main() -> None:
        stopping: list[asyncio.Task[None]] = []

        def answer(request: Request) -> Plan:
            stopping.append(asyncio.create_task(server.stop()))
            return chunks(3, 0.1)  # longer than handlers are waited for at the end

        app = App(FakeEngine({"/stream": answer}), limits=ServerLimits(grace=PATIENCE))
        server = Server(app, [Address("127.0.0.1", 0)])
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.listening[0].port)
        writer.write(request(path="/stream"))
        assert (await reader.read()).endswith(b"data: chunk 3\n\n\r\n0\r\n\r\n")
        await stopping[0]
        writer.close()
        assert [each.end_reason for each in app.journal] == ["finished"]

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
