"""Requests whose counts are not in the process: the connection goes on when the decision is made."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Thread

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.selection.decision import Decision, DecisionInputs
from mockllm.engine import Engine
from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.server_limits import ServerLimits
from mockllm.server.workers.no_store import NoStore
from mockllm.state.shared_counts import CellTable, SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from tests.language.virtual_server import VirtualServer
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer, written_down
from tests.waiting import PATIENCE, until

SCENARIO = dumps(
    {
        "rules": [
            {
                "name": "paced",
                "match": {"user": "slow"},
                "sequence": [{"reply": "one two", "pace": {"itl": "1ms"}}],
            },
            {"name": "steps", "sequence": ["one", "two", "three"]},
        ]
    }
).decode()
PATH = "/v1/chat/completions"
PATIENT = ServerLimits(grace=0.2, linger=2 * PATIENCE)
AWAY = Failure("unavailable", 503, "The store is away.")


class Pending:
    """A decision that the test makes."""

    def __init__(self, inputs: DecisionInputs, ready: Callable[[], object]) -> None:
        self.inputs, self.ready = inputs, ready
        self.decision: Decision | Failure | None = None
        self.waited = self.abandoned = 0

    async def wait(self) -> Decision | Failure:
        self.waited += 1
        return AWAY

    def abandon(self) -> None:
        self.abandoned += 1


class FakeStoreClient(NoStore):
    """Decides when `decide` is called. `mistakes`: how often `begin` fails."""

    def __init__(self) -> None:
        """Without the state of workers."""
        self.begun: list[Pending] = []
        self.mistakes = 0

    def begin(self, inputs: DecisionInputs, ready: Callable[[], object]) -> Pending:  # type: ignore[override]
        if self.mistakes:
            self.mistakes -= 1
            raise ZeroDivisionError("a mistake of ours")
        self.begun.append(Pending(inputs, ready))
        return self.begun[-1]


class Served:
    """A server with that decider."""

    def __init__(self, counts: SharedCounts) -> None:
        catalog = VirtualServer(SCENARIO).engine.catalog
        self.state = SharedEngineState(counts)
        self.state.counters_without_session.use(
            CellTable(counts).assign([item.key for item in catalog.items])
        )
        limits = ServerLimits(grace=PATIENCE, linger=0.2)
        self.app = App(Engine(catalog, self.state), limits=limits)
        self.app.store_client = self.store_client = FakeStoreClient()
        self.server = ThreadedServer(self.app)
        self.server.start()

    def pending(self, number: int = 0) -> Pending:
        """Wait for a decision that has begun."""
        return until(lambda: self.store_client.begun[number : number + 1])[0]

    def decide(self, pending: Pending, decision: Decision | Failure | None = None) -> None:
        """Make a decision on the server's loop; by the counts of this process if there is no result."""
        done: Future[None] = Future()

        def make() -> None:
            pending.decision = decision or self.state.local_state.decide(pending.inputs)
            pending.ready()
            done.set_result(None)

        self.server._loop.call_soon_threadsafe(make)
        done.result(PATIENCE)

    def fail(self, pending: Pending) -> None:
        """Let a decision need its task."""
        self.server._loop.call_soon_threadsafe(pending.ready)


@pytest.fixture
def served() -> Iterator[Served]:
    counts = SharedCounts()
    served = Served(counts)
    yield served
    served.server.stop()
    counts.close()


@pytest.fixture
def raw(served: Served) -> Iterator[Raw]:
    with Raw(served.server.port) as client:
        yield client


def chat(user: str = "hi", **more: object) -> bytes:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}], **more}
    return request("POST", PATH, dumps(body))


def test_response_is_sent_when_its_decision_is_made(served: Served, raw: Raw) -> None:
    raw.send(chat())
    assert until(lambda: served.app.unfinished_exchanges) == 1
    served.decide(served.pending())
    assert '"one"' in raw.answer().text
    until(lambda: served.app.unfinished_exchanges == 0)
    assert written_down(served.server, PATH).responder_id is not None


def test_queued_requests_wait_for_the_decision_before_them(served: Served, raw: Raw) -> None:
    raw.send(chat() + chat() + chat())
    for number, text in enumerate(("one", "two", "three")):
        pending = served.pending(number)
        assert len(served.store_client.begun) == number + 1
        served.decide(pending)
        assert f'"{text}"' in raw.answer().text


def test_paced_stream_begins_with_its_decision(served: Served, raw: Raw) -> None:
    raw.send(chat("slow", stream=True))
    served.decide(served.pending())
    assert "[DONE]" in raw.answer().text
    assert served.pending().waited == 0
    until(lambda: served.app.unfinished_exchanges == 0)


def test_failure_in_place_of_a_decision_is_the_response(served: Served, raw: Raw) -> None:
    raw.send(chat())
    served.decide(served.pending(), AWAY)
    assert raw.answer().status == 503
    raw.send(chat())
    served.decide(served.pending(1))
    assert raw.answer().status == 200


def test_decision_that_is_not_made_is_waited_for_in_a_task(served: Served, raw: Raw) -> None:
    raw.send(chat())
    served.fail(served.pending())
    assert raw.answer().status == 503
    assert served.pending().waited == 1
    until(lambda: served.app.unfinished_exchanges == 0)


def test_client_that_disconnects_abandons_its_decision(served: Served) -> None:
    with Raw(served.server.port) as client:
        client.send(chat())
        pending = served.pending()
    until(lambda: pending.abandoned)
    until(lambda: served.app.unfinished_exchanges == 0)
    served.decide(pending)  # a decision that comes after all changes nothing
    assert served.app.unfinished_exchanges == 0


def test_client_that_resets_while_the_store_fails_ends_once(served: Served, raw: Raw) -> None:
    raw.send(chat())
    pending = served.pending()
    (connection,) = served.server._server._connection_factory.connections

    def fail_and_abort() -> None:
        assert isinstance(connection, Connection)
        assert connection.transport is not None
        pending.ready()
        connection.transport.abort()

    served.server._loop.call_soon_threadsafe(fail_and_abort)
    until(lambda: pending.abandoned)
    until(lambda: not served.server._server._connection_factory.connections)
    assert served.app.unfinished_exchanges == 0


def sends_no_more(served: Served) -> bool:
    connections = list(served.server._server._connection_factory.connections)
    return any(isinstance(each, Connection) and each.half_closed_at is not None for each in connections)


@pytest.mark.parametrize("in_task", [False, True])
def test_client_that_left_before_its_decision_is_gone(served: Served, *, in_task: bool) -> None:
    served.app.limits = PATIENT
    with Raw(served.server.port) as client:
        client.send(chat())
        pending = served.pending()
    until(lambda: sends_no_more(served))
    (served.fail if in_task else served.decide)(pending)
    assert written_down(served.server, PATH).end_reason == "gone"


@pytest.mark.parametrize("in_task", [False, True])
def test_client_that_sends_no_more_gets_its_decision(served: Served, raw: Raw, *, in_task: bool) -> None:
    served.app.limits = PATIENT
    raw.send(chat())
    pending = served.pending()
    raw.sock.shutdown(socket.SHUT_WR)
    until(lambda: sends_no_more(served))
    (served.fail if in_task else served.decide)(pending)
    assert raw.answer().complete
    assert written_down(served.server, PATH).end_reason == "finished"


def test_mistake_before_the_decision_is_a_500(
    served: Served, raw: Raw, capfd: pytest.CaptureFixture[str]
) -> None:
    served.store_client.mistakes = 2  # in the turn of the request, and in its task
    assert raw.send(chat()).answer().status == 500
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_server_that_stops_waits_for_the_decision(served: Served, raw: Raw) -> None:
    raw.send(chat())
    pending = served.pending()
    stopping = Thread(target=served.server.stop)
    stopping.start()
    until(lambda: served.app.draining)
    served.decide(pending)
    assert '"one"' in raw.answer().text
    stopping.join(PATIENCE)
    assert not stopping.is_alive()


def test_server_at_the_end_of_its_grace_waits_no_more(served: Served, raw: Raw) -> None:
    served.app.limits = ServerLimits(grace=0.05, linger=0.05)
    raw.send(chat())
    pending = served.pending()
    served.server.stop()
    assert (pending.waited, pending.abandoned) != (0, 0)
