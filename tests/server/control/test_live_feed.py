"""The live feed: its frames, its followers, and that a follower that does not read delays nothing."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest

from mockllm import __version__
from mockllm.server.control import live_feed
from mockllm.server.control.access import Access
from mockllm.server.control.api import ControlApi
from tests.server.control.feed_client import following
from tests.server.control.live_server import Steered, steered
from tests.server.raw_client import Raw
from tests.waiting import until

FILE = """
rules:
  - name: hello
    match: {user: {contains: hello}}
    reply: Hello you.
"""
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    with steered(tmp_path_factory.mktemp("feed"), {"a.yaml": FILE}) as built:
        yield built


@pytest.fixture(autouse=True)
def _alone(server: Steered) -> Iterator[None]:
    server.call("POST", "/api/reset")
    yield
    until(lambda: not _control(server).feed)


def test_feed_sends_hello_and_metrics_each_second(server: Steered) -> None:
    async def stated() -> None:
        async with following(server.port) as follower:
            assert await follower.next("hello") == {"type": "hello", "version": __version__, "interval": 1.0}
            first = await follower.next("metrics")
            await asyncio.to_thread(server.ask, "hello")
            second = await follower.next("metrics")
            while not second["metrics"]["requests"]:
                second = await follower.next("metrics")
        assert (first["metrics"]["requests"], second["metrics"]["requests"]) == (0, 1)
        assert second["metrics"]["endpoints"][0]["endpoint"] == "openai-chat"
        assert int(second["at"]) > int(first["at"])
        assert second["second"]["at"] == int(second["at"]) - 1
        assert second["second"]["requests"] in (0, 1)

    asyncio.run(stated())


def test_feed_events_equal_journal_summaries(server: Steered) -> None:
    async def stated() -> None:
        async with following(server.port) as follower:
            await follower.next("hello")
            await asyncio.to_thread(server.ask, "hello")
            await asyncio.to_thread(server.ask, "nobody answers this")
            found = (await follower.next("events"))["events"]
            while len(found) < 2:
                found += (await follower.next("events"))["events"]
        listed = server.call("GET", "/api/requests").json["requests"]
        assert found == listed[::-1]

    asyncio.run(stated())


def test_feed_sends_newest_events_and_counts_the_rest(server: Steered) -> None:
    async def stated() -> None:
        def ask() -> None:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: server.ask("hello"), range(600)))

        async with following(server.port) as follower:
            await follower.next("hello")
            requested = asyncio.create_task(asyncio.to_thread(ask))
            seen, dropped, last = 0, 0, 0
            while seen + dropped < 600:
                frame = await follower.next("events")
                assert len(frame["events"]) <= live_feed.MAX_EVENTS
                ids = [each["id"] for each in frame["events"]]
                assert ids == sorted(ids)
                assert ids[0] > last
                last, seen, dropped = ids[-1], seen + len(ids), dropped + frame["dropped"]
            await requested
        assert seen + dropped == 600

    asyncio.run(stated())


def test_feed_sends_each_second_that_changed(server: Steered) -> None:
    """A feed that misses a second on a busy machine, or a request that is counted late, is not lost for charts."""
    control = _control(server)

    async def requests_in_frames(*at: float) -> list[int]:
        frames = [each for now in at async for each in news.since(now)]
        metrics = [each for each in frames if isinstance(each, dict) and each["type"] == "metrics"]
        return [sum(second["requests"] for second in each["seconds"]) for each in metrics]

    news = live_feed.FeedEvents(control.context)
    began = time.time()
    server.ask("hello")
    until(lambda: sum(second.requests for second in control.context.metrics.seconds()) == 1)
    assert asyncio.run(requests_in_frames(began + 5, began + 6)) == [1, 0]


def test_feed_events_with_long_paths_are_bounded(server: Steered) -> None:
    async def stated() -> None:
        path = "/v1/nope/" + "x" * 15_000
        async with following(server.port) as follower:
            await follower.next("hello")
            news = live_feed.FeedEvents(_control(server).context)
            for _ in range(40):
                await asyncio.to_thread(server.call, "GET", path)
            (frame,) = [each async for each in news.since(0.0) if isinstance(each, bytes)]
            assert len(frame) < live_feed.MAX_FRAME + 20_000
            assert b'"dropped":2' in frame

    asyncio.run(stated())


CHANGES = {
    "a rule is added": ("POST", "/api/rules", {"name": "mine", "reply": "x"}, {"rules", "overlay"}),
    "a session's rule is added": (
        "POST",
        "/api/rules?session=s",
        {"name": "mine", "reply": "x"},
        {"rules", "overlay", "sessions"},
    ),
    "a setting is set": (
        "PATCH",
        "/api/config/global",
        {"delay": "1ms"},
        {"rules", "overlay", "config"},
    ),
    "all is forgotten": ("POST", "/api/reset", None, {"rules", "journal"}),
    "the journal is cleared": ("DELETE", "/api/requests", None, {"journal"}),
    "the files are read anew": ("POST", "/api/reload", None, {"rules"}),
}


@pytest.mark.parametrize(("method", "path", "body", "what"), CHANGES.values(), ids=CHANGES)
def test_feed_reports_changes(server: Steered, method: str, path: str, body: object, what: set[str]) -> None:
    async def stated() -> None:
        async with following(server.port) as follower:
            await follower.next("hello")
            await asyncio.to_thread(server.call, method, path, body)
            found: set[str] = set()
            while not what <= found:
                found |= set((await follower.next("changed"))["what"])
            assert found == what

    asyncio.run(stated())


@pytest.mark.full
def test_feed_reports_a_broken_file(server: Steered) -> None:
    async def stated() -> None:
        async with following(server.port) as follower:
            await follower.next("hello")
            (server.folder / "a.yaml").write_text("rules: [{reply: x")
            await asyncio.to_thread(server.call, "POST", "/api/reload")
            assert "stale" in (await follower.next("changed"))["what"]
            (server.folder / "a.yaml").write_text(FILE)
            await asyncio.to_thread(server.call, "POST", "/api/reload")
            assert "stale" in (await follower.next("changed"))["what"]

    asyncio.run(stated())


def test_feed_without_followers_runs_nothing(server: Steered) -> None:
    control = _control(server)
    assert not control.feed
    built = control.feed
    assert built is None or built._sender is None


def _control(server: Steered) -> ControlApi:
    assert isinstance(server.app.control, ControlApi)
    return server.app.control


def test_feed_disconnects_a_follower_that_does_not_read(
    server: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "MAX_UNREAD", 0)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    deaf.settimeout(30)
    deaf.connect(("127.0.0.1", server.port))
    deaf.sendall(HANDSHAKE)
    control = _control(server)
    until(lambda: len(control.feed or ()) == 1)
    path = "/v1/nope/" + "x" * 15_000

    def dropped() -> bool:
        for _ in range(20):
            assert server.call("GET", path).status == 404
        return not control.feed

    until(dropped)
    deaf.close()


def test_server_with_followers_stops_at_once(tmp_path: Path) -> None:
    async def stated() -> None:
        with steered(tmp_path, {"a.yaml": FILE}) as built:
            app = built.app
            async with following(built.port) as follower:
                await follower.next("hello")
                assert app.unfinished_exchanges == 0
                stopping = asyncio.create_task(asyncio.to_thread(built.stop))
                while (message := await follower.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
                assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
                await stopping

    asyncio.run(stated())


def test_feed_ignores_messages_and_pongs_pings(server: Steered) -> None:
    async def stated() -> None:
        async with following(server.port) as follower:
            await follower.next("hello")
            await follower.socket.send_str("hello?")
            await follower.socket.send_bytes(b"\x00\xff")
            await follower.socket.ping(b"there?")
            await follower.next("metrics")

    asyncio.run(stated())


def test_feed_closes_on_a_large_message(server: Steered) -> None:
    async def stated() -> None:
        async with following(server.port) as follower:
            await follower.next("hello")
            await follower.socket.send_str("x" * (live_feed.MAX_MESSAGE + 1))
            while (message := await follower.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.data == 1009

    asyncio.run(stated())


def test_feed_refuses_more_than_the_maximum(server: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "MAX_FOLLOWERS", 1)

    async def stated() -> None:
        async with following(server.port) as follower:
            await follower.next("hello")
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with following(server.port):
                    pass
            assert caught.value.status == 503

    asyncio.run(stated())


REFUSED = {
    "a page of another origin": ({"Origin": "http://evil.example"}, 403),
    "a sandboxed page": ({"Origin": "null"}, 403),
    "a name that was made to resolve to this machine": ({"Host": "evil.example"}, 403),
    "a wrong token": ({"Authorization": "Bearer x"}, 401),
    "another version of the protocol": ({"Sec-WebSocket-Version": "8"}, 426),
    "a handshake without a version": ({"Sec-WebSocket-Version": ""}, 400),
}


@pytest.mark.parametrize(("headers", "status"), REFUSED.values(), ids=REFUSED)
def test_feed_refuses_invalid_handshakes(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    lines = [b"GET /ws HTTP/1.1"]
    for name, value in {
        "Host": "127.0.0.1", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers,
    }.items():  # fmt: skip
        lines.append(f"{name}: {value}".encode())
    with steered(tmp_path, {"a.yaml": FILE}, access=Access("t0ken")) as built, Raw(built.port) as raw:
        got = raw.send(b"\r\n".join([*lines, b"", b""])).answer()
    assert (got.status, got.headers["content-type"]) == (status, "application/problem+json")


def test_feed_refuses_a_handshake_of_another_method(server: Steered) -> None:
    with Raw(server.port) as raw:
        got = raw.send(HANDSHAKE.replace(b"GET /ws", b"POST /ws")).answer()
    assert got.status == 400


def test_feed_accepts_its_own_page(server: Steered) -> None:
    async def stated() -> None:
        origin = {"Origin": f"http://127.0.0.1:{server.port}"}
        async with following(server.port, origin) as follower:
            await follower.next("hello")

    asyncio.run(stated())


def test_feed_without_upgrade_returns_426(server: Steered) -> None:
    got = server.call("GET", "/ws")
    assert (got.status, got.headers["content-type"]) == (426, "application/problem+json")
    assert got.headers["sec-websocket-version"] == "13"


def test_upgrade_of_other_paths_is_ignored(server: Steered) -> None:
    with Raw(server.port) as raw:
        got = raw.send(HANDSHAKE.replace(b"GET /ws", b"GET /api/metrics")).answer()
    assert got.status == 200


LENGTHS = {
    "one byte": (125, 2),
    "two bytes": (126, 4),
    "the most of two": (65535, 4),
    "eight bytes": (65536, 10),
}


@pytest.mark.parametrize(("size", "head"), LENGTHS.values(), ids=LENGTHS)
def test_frame_encodes_its_length(size: int, head: int) -> None:
    built = live_feed.frame(b"x" * size)
    assert len(built) == size + head
    assert built[0] == 0x81
    stated = built[1] if head == 2 else int.from_bytes(built[2:head], "big")
    assert stated == size


def test_internal_error_ends_one_tick_only(
    server: Steered, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = []

    def fails(self: live_feed.FeedEvents, now: float) -> list[bytes]:
        failed.append(now)
        raise RuntimeError("of ours")

    async def stated() -> None:
        async with following(server.port) as follower:
            await follower.next("hello")
            with monkeypatch.context() as patch:
                patch.setattr(live_feed.FeedEvents, "since", fails)
                await asyncio.to_thread(until, lambda: failed)
            await follower.next("metrics")

    asyncio.run(stated())
    assert "of ours" in capfd.readouterr().err
