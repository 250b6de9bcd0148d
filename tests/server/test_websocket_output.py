"""The frames of one WebSocket are never mixed, however slow or long one of them is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from websockets.sync.connection import Connection

from mockllm.core.rendering.plan import (
    CutStep,
    Delivery,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    Throttle,
    WaitStep,
)
from mockllm.core.rendering.websocket_frames import frame, read_frames, text_frame
from mockllm.server import websocket_acceptance
from mockllm.server.deadlines import Deadlines
from mockllm.server.single_write import MAX_WRITE_BYTES
from mockllm.server.websocket_output import (
    MAX_WAITING_BYTES,
    MessagePlayer,
    WebSocketOutput,
    with_frame_ends,
)
from tests.live import live
from tests.server.test_closed_sockets import closed_by
from tests.server.test_websocket_recorder import CREATE, opened
from tests.server.virtual import NotingSink, VirtualClock
from tests.waiting import PATIENCE, until

LONG = b"x" * (2 * MAX_WRITE_BYTES + 1)
PONG = frame(10, b"")
DRIP = Delivery(throttles=(Throttle(1, 1.0),))


class SocketToNote(NotingSink):
    """The connection of a client that reads at once."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.connection = SimpleNamespace(transport=SimpleNamespace(is_closing=lambda: self.gone))
        self.ended = False

    def shut_down_writing(self) -> None:
        self.ended = self.gone = True

    async def drained(self) -> None: ...

    async def cut(self, how: Any) -> None:
        self.cuts.append(how)


class World:
    """A WebSocket on a clock that the test turns."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.sink = SocketToNote(self.clock)
        self.output = WebSocketOutput(cast(Any, self.sink))

    def play(self, *steps: Step, delivery: Delivery | None = None) -> MessagePlayer:
        plan = Plan(ResponseHead(200, ()), steps, Framing.WEBSOCKET)
        plan = plan if delivery is None else replace(plan, delivery=delivery)
        deadlines = Deadlines(self.clock)
        player = MessagePlayer(self.output, plan, deadlines, self.clock.now, 1.0)
        player.start()
        return player

    @property
    def sent(self) -> list[bytes]:
        """The payloads of the frames; the last one has the bytes that are no whole frame."""
        data = b"".join(data for _, data in self.sink.writes)
        frames = list(read_frames(data))
        size = sum(len(frame(each.opcode, each.payload)) for each in frames)
        return [each.payload for each in frames] + [data[size:]]


def say(payload: bytes) -> EventStep:
    return EventStep(payload, 1, "chunk")


@pytest.fixture
def world() -> World:
    return World()


def test_message_waits_for_the_end_of_a_long_frame(world: World) -> None:
    player = world.play(say(LONG), say(b"next"))
    world.output.write(text_frame(b"waited"))
    assert len(world.sent) == 1
    world.clock.run_until(200)
    assert player.play_end == "finished"
    assert world.sent == [LONG, b"waited", b"next", b""]


def test_message_comes_between_two_long_frames(world: World) -> None:
    world.play(say(LONG), say(LONG))
    world.output.write(text_frame(b"waited"))
    world.clock.run_until(200)
    assert world.sent == [LONG, b"waited", LONG, b""]


def test_message_waits_for_the_end_of_a_slow_frame(world: World) -> None:
    world.play(say(b"x" * 200), delivery=DRIP)
    for second in (0, 1, 3, 100):  # inside of the frame's header, and of its payload
        world.clock.run_until(100 + second)
        world.output.write(PONG)
    world.clock.run_until(400)
    assert world.sent == [b"x" * 200, b"", b"", b"", b"", b""]


def test_message_comes_between_two_slow_frames(world: World) -> None:
    world.play(say(b"a"), say(b"b"), delivery=DRIP)
    world.clock.run_until(102)
    world.output.write(text_frame(b"between"))
    world.clock.run_until(200)
    assert world.sent == [b"a", b"between", b"b", b""]


def test_response_stalls_while_another_is_inside_a_frame(world: World) -> None:
    world.play(say(LONG))
    other = world.play(say(b"other"))
    assert other.stalled
    world.clock.run_until(200)
    other.resume()
    assert world.sent == [LONG, b"other", b""]


def test_stalled_response_is_resumed() -> None:
    async def played() -> World:
        world = World()
        world.play(say(b"first"), delivery=DRIP)
        other = world.play(say(b"other"))
        waiting = asyncio.ensure_future(other.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        world.clock.run_until(200)
        assert await waiting == "finished"
        return world

    assert asyncio.run(played()).sent == [b"first", b"other", b""]


@pytest.mark.parametrize("steps", [(say(LONG), say(b"x")), (say(LONG),)])
def test_finished_frame_is_whole(world: World, steps: tuple[Step, ...]) -> None:
    player = world.play(*steps)
    player.finish_frame()
    assert world.sent[0] == LONG
    assert world.sent[-1] == b""
    assert player.play_end == "finished"
    player.resume()
    assert world.sent[-1] == b""


def test_slow_frame_is_finished_at_once(world: World) -> None:
    player = world.play(say(b"first"), say(b"second"), delivery=DRIP)
    world.clock.run_until(103)
    player.finish_frame()
    player.stop()
    world.clock.run_until(200)
    assert world.sent == [b"first", b""]
    assert player.play_end is None


def test_finished_frame_brings_no_later_event(world: World) -> None:
    begin, rest = RawStep(b"\x81\x05ab", 1, begins_event=True), RawStep(b"cde", 1, continues_event=True)
    steps = (begin, WaitStep(60, 1), rest, say(b"second"), say(b"third"))
    plan = with_frame_ends(Plan(ResponseHead(200, ()), steps, Framing.WEBSOCKET))
    player = world.play(*plan.steps)
    world.clock.run_until(105)
    player.finish_frame()
    assert (world.sent, player.play_end) == ([b"abcde", b""], None)
    world.clock.run_until(200)
    assert world.sent == [b"abcde", b"second", b"third", b""]


def test_client_that_left_needs_no_end_of_the_frame(world: World) -> None:
    player = world.play(say(LONG))
    world.sink.gone = True
    world.output.write(PONG)
    player.finish_frame()
    assert player.play_end is None


def test_close_follows_the_end_of_the_frame(world: World) -> None:
    world.play(say(b"first"), delivery=DRIP)
    world.output.end_with(text_frame(b"last"))
    assert world.sink.ended
    assert world.sent == [b"first", b"last", b""]


def test_frame_without_an_end_ends_the_connection(world: World) -> None:
    player = world.play(RawStep(b"\x81\x05ab", 1), CutStep("end", 1))
    world.output.write(PONG)
    assert asyncio.run(player.wait()) == "close"
    assert world.sent == [b"\x81\x05ab"]
    assert world.sink.ended


def test_reset_inside_a_frame_stays_a_reset(world: World) -> None:
    player = world.play(RawStep(b"\x81\x05ab", 1), CutStep("reset", 1))
    assert asyncio.run(player.wait()) == "reset"
    assert world.sink.cuts == ["reset"]


def test_silent_output_ends_no_other_response(world: World) -> None:
    first = world.play(say(b"first"))
    other = world.play(say(b"other"), WaitStep(1, 1), say(b"never"))
    asyncio.run(first.frames.cut("silence"))
    world.clock.run_until(200)
    assert (other.play_end, len(other.write_times)) == (None, 1)


def test_divided_event_is_one_frame(world: World) -> None:
    world.play(RawStep(b"\x81\x05ab", 1), WaitStep(1, 1), RawStep(b"cde", 1))
    world.output.write(PONG)
    world.clock.run_until(200)
    assert world.sent == [b"abcde", b"", b""]


def test_silence_ends_all_output(world: World) -> None:
    first = world.play(say(b"first"), WaitStep(1, 1), say(b"second"))
    world.play(say(LONG))
    asyncio.run(first.frames.cut("silence"))
    written = len(world.sink.writes)
    world.output.write(PONG)
    world.output.end_with(PONG)
    world.clock.run_until(200)
    assert len(world.sink.writes) == written
    assert (world.sink.cuts, world.sink.ended) == (["silence"], False)


def test_many_waiting_frames_make_the_output_full(world: World) -> None:
    world.play(say(LONG))
    assert not world.output.full
    world.output.write(bytes(MAX_WAITING_BYTES))
    assert world.output.full
    world.clock.run_until(200)
    asyncio.run(world.output.drained())
    assert not world.output.full


SCENARIO = """
rules:
  - {match: {user: long}, reply: {chunks: [LONG]}}
  - {match: {user: slow}, reply: One two., faults: [{drip: {size: 20, every: 2ms}}]}
  - {match: {user: slower}, reply: One two., faults: [{drip: {size: 20, every: 1s}}]}
  - {match: {user: unhurried}, reply: One two., faults: [{drip: {size: 24, every: 40ms}}]}
  - {match: {user: cut}, reply: One two., faults: [cut_event]}
  - {match: {user: silent}, reply: One two., faults: [silence]}
  - {reply: Hi.}
""".replace("LONG", "x" * 400_000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path / "a.yaml"


def ask(socket: Connection, user: str, **fields: str) -> None:
    socket.send(json.dumps({**CREATE, "input": user, **fields}))


ENDS = ("response.completed", "response.incomplete")


def next_end(socket: Connection) -> str:
    while True:
        event = json.loads(socket.recv(PATIENCE))
        if event["type"] in ENDS:
            return str(event["response"]["status"])


def test_long_responses_of_three_streams_are_whole(file: Path) -> None:
    with live(file) as server, opened(server.url) as socket:
        for name in ("a", "b", "c"):
            ask(socket, "long", stream_id=name)
        assert [next_end(socket) for _ in range(3)] == ["completed"] * 3


@pytest.mark.parametrize("user", ["long", "slow"])
def test_ping_during_a_frame_gets_a_pong(file: Path, user: str) -> None:
    with live(file) as server, opened(server.url) as socket:
        ask(socket, user)
        pongs = [socket.ping() for _ in range(20)]
        assert next_end(socket) == "completed"
        assert all(pong.wait(PATIENCE) for pong in pongs)


def test_frame_slower_than_the_heartbeat_is_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_acceptance, "HEARTBEAT", 1.0)
    with live(file) as server, opened(server.url) as socket:
        ask(socket, "unhurried")
        types = [json.loads(socket.recv(PATIENCE))["type"] for _ in range(2)]
        assert types == ["response.created", "response.in_progress"]


def test_response_cancelled_in_a_frame_ends_after_it(file: Path) -> None:
    with live(file) as server, opened(server.url) as socket:
        ask(socket, "slower")
        ask(socket, "hi", stream_id="other")
        socket.send(json.dumps({"type": "response.cancel"}))
        assert sorted((next_end(socket), next_end(socket))) == ["cancelled", "completed"]


def test_cancelled_response_that_has_waited_for_a_frame_begins(file: Path) -> None:
    with live(file) as server, opened(server.url) as socket:
        ask(socket, "slower", stream_id="slow")
        ask(socket, "hi", stream_id="other")
        until(lambda: server.app.unfinished_exchanges == 2)
        socket.send(json.dumps({"type": "response.cancel", "stream_id": "other"}))
        socket.send(json.dumps({"type": "response.cancel", "stream_id": "slow"}))
        events: list[dict[str, Any]] = []
        while len([each for each in events if each["type"] in ENDS]) < 2:
            events.append(json.loads(socket.recv(PATIENCE)))
    of_other = [each for each in events if each.get("stream_id") == "other"]
    assert [each["type"] for each in of_other] == ["response.created", "response.incomplete"]
    assert of_other[-1]["response"]["output"] == []


def test_event_cut_without_its_rest_closes_the_socket(file: Path) -> None:
    with live(file) as server, opened(server.url) as socket:
        ask(socket, "cut")
        assert closed_by(socket) is None
        assert " close" in server.line(lambda line: "WS response.create" in line)


def test_silent_socket_sends_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_acceptance, "HEARTBEAT", 0.1)
    with live(file) as server, opened(server.url) as socket:
        ask(socket, "silent")
        while json.loads(socket.recv(PATIENCE))["type"] != "response.output_text.delta":
            pass
        ask(socket, "hi", stream_id="other")
        pong = socket.ping()
        with pytest.raises(TimeoutError):
            socket.recv(0.5)
        assert not pong.is_set()
        assert not [entry for entry in server.app.journal if entry.method != "GET"]
