"""The count of responses in flight, and many clients at once: each response releases its slot once, however its
client leaves; a sequence sends each step to one client; a limit allows its number."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import cast

import pytest

from mockllm.core.rendering.plan import CutStep, Plan
from mockllm.core.rendering.plan import RawStep as RawStep
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.app import App
from mockllm.server.exchange import Exchange
from mockllm.server.exchange_end import abandon_exchange
from mockllm.server.request_heads import RequestHead
from mockllm.server.server_limits import ServerLimits
from mockllm.server.socket_sink import SocketSink
from tests.live import Live, live
from tests.server.fake_engine import FakeEngine, chunks, say, streamed, whole
from tests.server.raw_client import Got, Raw, request
from tests.server.test_request_heads import parsed
from tests.server.threaded_server import ThreadedServer
from tests.waiting import until

# --- one place, handed back once -----------------------------------------------------------------


@dataclass(eq=False)
class CountedSlot:
    """A slot that counts its releases."""

    ended: int = 0

    def expect_end(self, until: float) -> None: ...

    def release(self) -> None:
        self.ended += 1


class SlotEngine:
    """An engine whose every response takes a slot."""

    def __init__(self) -> None:
        self.places: list[CountedSlot] = []
        self.engine = FakeEngine(
            {path: self._taking_slot(plan) for path, plan in PLANS.items()},
        )

    def _taking_slot(self, plan: Plan) -> Callable[[Request], PlannedResponse]:
        def answer(request: Request) -> PlannedResponse:
            self.places.append(CountedSlot())
            return PlannedResponse(plan, None, slot=self.places[-1])

        return answer

    def handed_back(self, count: int = 1) -> bool:
        """Whether so many places were taken, and each is handed back once by now."""
        until(lambda: len(self.places) == count and all(place.ended for place in self.places))
        return [place.ended for place in self.places] == [1] * count


PLANS = {
    "/whole": whole(),
    "/large": whole("x" * 8_000_000),
    "/late": whole(delay=0.02),
    "/very-late": whole(delay=60.0),
    "/stream": chunks(3, 0.01),
    "/long": chunks(1000, 1.0),
    "/reset": streamed(say("a"), CutStep("reset", 1)),
    "/close": streamed(say("a"), CutStep("close", 1)),
    "/silence": streamed(say("a"), CutStep("silence", 1)),
    "/raw": Plan(whole().head, (RawStep(b"raw", 1),)),
}


@pytest.fixture
def taking_slots() -> Iterator[tuple[SlotEngine, str]]:
    built = SlotEngine()
    with ThreadedServer(App(built.engine, limits=ServerLimits(linger=0.2, grace=0.2))) as url:
        yield built, url


@pytest.mark.parametrize("path", ["/whole", "/large", "/late", "/stream", "/raw"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_slot_ends_with_response(taking_slots: tuple[SlotEngine, str], path: str, version: str) -> None:
    built, url = taking_slots
    with Raw.to(url) as raw:
        assert raw.send(request(path=path, version=version)).answer().status == 200
        assert built.handed_back()


@pytest.mark.parametrize("path", ["/reset", "/close"])
def test_slot_ends_with_cut(taking_slots: tuple[SlotEngine, str], path: str) -> None:
    built, url = taking_slots
    with Raw.to(url) as raw:
        raw.send(request(path=path)).closed_after()
        assert built.handed_back()


@pytest.mark.parametrize("path", ["/long", "/very-late", "/silence", "/large"])
def test_slot_ends_if_client_leaves(taking_slots: tuple[SlotEngine, str], path: str) -> None:
    built, url = taking_slots
    with Raw.to(url) as raw:
        raw.send(request(path=path))
        until(lambda: len(built.places) == 1)
        assert path == "/large" or built.places[0].ended == 0
    assert built.handed_back()


@pytest.mark.parametrize("path", ["/whole", "/late", "/long", "/silence"])
def test_slot_ends_if_client_left_before_start(taking_slots: tuple[SlotEngine, str], path: str) -> None:
    built, url = taking_slots
    for _ in range(20):
        Raw.to(url).send(request(path=path)).sock.close()
    with Raw.to(url) as raw:
        raw.send(request(path="/whole")).answer()
    until(lambda: len(built.places) > 0 and all(place.ended == 1 for place in built.places))


def test_several_on_one_connection(taking_slots: tuple[SlotEngine, str]) -> None:
    built, url = taking_slots
    with Raw.to(url) as raw:
        raw.send(
            request(path="/whole") + request(path="/late") + request(path="/stream") + request(path="/whole")
        )
        assert [raw.answer().status for _ in range(4)] == [200] * 4
        assert built.handed_back(4)


def test_slot_ends_if_server_stops() -> None:
    built = SlotEngine()
    with ThreadedServer(App(built.engine, limits=ServerLimits(linger=0.1, grace=0.1))) as url:
        raw = Raw.to(url).send(request(path="/long"))
        until(lambda: len(built.places) == 1)
    assert built.handed_back()
    raw.sock.close()


def test_slot_of_lost_connection_ends_once() -> None:
    async def lost() -> None:
        app = App(FakeEngine())
        head = RequestHead(parsed(request()), ascii=True)
        for slot in (place, None):
            exchange = Exchange(
                head=head,
                sink=cast(SocketSink, None),
                response=PlannedResponse(whole(), None, slot=slot),
                slot=slot,
            )
            abandon_exchange(app, exchange)
            abandon_exchange(app, exchange)

    place = CountedSlot()
    asyncio.run(lost())
    assert place.ended == 1


# --- many at once --------------------------------------------------------------------------------

MANY = 40
FILE = f"""\
rules:
  - {{name: steps, match: {{model: steps}}, sequence: {json.dumps([f"step {n}" for n in range(MANY)])}, then: error}}
  - name: by key
    match: {{model: keys}}
    per: api_key
    sequence: {json.dumps([f"step {n}" for n in range(MANY // 4)])}
    then: error
  - {{name: flow, match: {{model: flow}}, requires_state: {{won: null}}, sets_state: {{won: true}}, reply: first}}
  - {{name: others, match: {{model: flow}}, reply: later}}
  - {{name: slow, match: {{model: [held, busy]}}, reply: a b, pace: {{itl: 60s}}}}
  - {{name: hi, reply: hi}}
modifiers:
  - {{name: quota, match: {{model: limited}}, limit: {{strategy: sliding-window, requests: 25, window: 1h}}}}
  - {{name: bucket, match: {{model: bucket}}, limit: {{strategy: token-bucket, requests: 25, window: 24h}}}}
  - {{name: places, match: {{model: held}}, limit: {{strategy: fixed-window, concurrent: 3}}}}
  - {{name: machine, match: {{model: busy}}, load: {{max_inflight: 2}}}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("many")
    (folder / "a.yaml").write_text(FILE, encoding="utf-8")
    with live(folder) as server:
        yield server


def chat(model: str, *, session: str, key: str = "k", stream: bool = False) -> bytes:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"Authorization": f"Bearer {key}", "X_Mockllm_Session": session}
    return request("POST", "/v1/chat/completions", json.dumps(body).encode(), **headers)


def at_once(url: str, requests: list[bytes]) -> list[Got]:
    """What each of so many clients gets who ask at the same moment."""
    barrier = Barrier(len(requests))

    def ask(data: bytes) -> Got:
        with Raw.to(url) as raw:
            raw.sock.settimeout(30)
            barrier.wait()
            return raw.send(data).answer()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(ask, requests))


def reported(got: Got) -> str:
    return str(json.loads(got.body)["choices"][0]["message"]["content"])


@pytest.mark.parametrize("round", range(3))
def test_each_step_of_a_sequence_goes_to_one_client(served: Live, round: int) -> None:
    got = at_once(served.url, [chat("steps", session=f"steps-{round}")] * MANY)
    assert sorted(map(reported, got)) == sorted(f"step {number}" for number in range(MANY))
    (after,) = at_once(served.url, [chat("steps", session=f"steps-{round}")])
    assert after.status == 404


def test_concurrent_keys_get_every_step_once(served: Live) -> None:
    keys = [f"key {number % 4}" for number in range(MANY)]
    got = at_once(served.url, [chat("keys", session="keys", key=key) for key in keys])
    for key in set(keys):
        found = [reported(each) for each, whose in zip(got, keys, strict=True) if whose == key]
        assert sorted(found) == sorted(f"step {number}" for number in range(MANY // 4))


def test_one_concurrent_client_wins_state(served: Live) -> None:
    got = at_once(served.url, [chat("flow", session="flow")] * MANY)
    assert sorted(map(reported, got)) == ["first"] + ["later"] * (MANY - 1)


@pytest.mark.parametrize("model", ["limited", "bucket"])
def test_limit_admits_exact_number_of_concurrent_requests(served: Live, model: str) -> None:
    got = at_once(served.url, [chat(model, session=model)] * MANY)
    passed = [each for each in got if each.status == 200]
    assert [each.status for each in got if each not in passed] == [429] * (MANY - 25)
    left = [int(each.headers["x-ratelimit-remaining-requests"]) for each in passed]
    assert sorted(left) == list(range(25))
    assert all(float(each.headers["retry-after"]) > 3000 for each in got if each not in passed)


@pytest.mark.parametrize(("model", "places", "status"), [("held", 3, 429), ("busy", 2, 503)])
def test_places_are_free_again_when_clients_have_left(
    served: Live, model: str, places: int, status: int
) -> None:
    ask = chat(model, session=model, stream=True)
    clients = [Raw.to(served.url).send(ask) for _ in range(MANY)]
    heads = [client.answer(head_only=True).status for client in clients]
    assert sorted(heads) == [200] * places + [status] * (MANY - places)
    for client, head in zip(clients, heads, strict=True):
        if head != 200:
            client.sock.close()
    with Raw.to(served.url) as still:
        assert still.send(ask).answer(head_only=True).status == status
    for client in clients:
        client.sock.close()

    def free() -> bool:
        with Raw.to(served.url) as raw:
            return raw.send(ask).answer(head_only=True).status == 200

    until(free)
