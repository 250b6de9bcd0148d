"""When the garbage of a server is collected, and that there is none."""

from __future__ import annotations

import gc
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any, cast

import pytest

from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.gc_policy import BUSY_THRESHOLD, IDLE_THRESHOLD, INTERVAL, GcPolicy
from tests.server.fake_engine import FakeEngine, chunks, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.waiting import PATIENCE


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the collector does, in place of it."""
    done: list[str] = []
    for name in ("freeze", "unfreeze", "collect", "set_threshold"):
        monkeypatch.setattr(
            gc, name, lambda *given, name=name: done.append(" ".join([name, *map(str, given)]))
        )
    return done


def gathered(monkeypatch: pytest.MonkeyPatch, walks: int) -> None:
    monkeypatch.setattr(gc, "get_count", lambda: (0, walks, 0))


@pytest.mark.parametrize(
    ("busy", "walks", "reloaded", "does"),
    [
        (False, IDLE_THRESHOLD - 1, False, []),
        (False, IDLE_THRESHOLD, False, ["collect", "freeze"]),
        (False, 0, True, ["unfreeze", "collect", "freeze"]),
        (True, IDLE_THRESHOLD, False, []),
        (True, BUSY_THRESHOLD - 1, True, []),
        (True, BUSY_THRESHOLD, False, ["freeze", "collect 1"]),
    ],
    ids=[
        "little has gathered",
        "some has gathered and nobody waits",
        "what was loaded before is garbage",
        "somebody waits",
        "somebody waits behind a reload",
        "much has gathered and somebody waits",
    ],
)
def test_look_collects_by_load_and_garbage(
    collected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    busy: bool,
    walks: int,
    reloaded: bool,
    does: list[str],
) -> None:
    loaded: list[object] = ["one"]
    collector = GcPolicy(lambda: busy, lambda: loaded[0])
    if reloaded:
        loaded[0] = "another"
    gathered(monkeypatch, walks)
    collector.collect_if_idle()
    assert collected == does


def test_frozen_objects_are_collected_when_idle(
    collected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [True]
    collector = GcPolicy(lambda: busy[0], lambda: None)
    gathered(monkeypatch, BUSY_THRESHOLD)
    collector.collect_if_idle()
    busy[0] = False
    gathered(monkeypatch, IDLE_THRESHOLD)
    collector.collect_if_idle()
    collector.collect_if_idle()
    assert collected == ["freeze", "collect 1", "unfreeze", "collect", "freeze", "collect", "freeze"]


def test_begin_looks_every_second(collected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Loop:
        asked: list[tuple[float, Callable[..., None], Any]] = []  # noqa: RUF012 - one loop

        def call_later(self, seconds: float, call: Callable[..., None], *given: Any) -> None:
            self.asked.append((seconds, call, given))

    loop = Loop()
    gathered(monkeypatch, IDLE_THRESHOLD)
    GcPolicy(lambda: False, lambda: None).begin(cast(AbstractEventLoop, loop))
    assert collected[0] == "freeze"
    assert len(loop.asked) == 1
    seconds, call, given = loop.asked.pop()
    call(*given)
    assert collected[2:] == ["collect", "freeze"]
    assert seconds == INTERVAL
    assert len(loop.asked) == 1


def test_closed_connection_leaves_no_cycle() -> None:
    """What a request leaves goes at once, without the garbage collector."""
    engine = FakeEngine({"/whole": whole(), "/stream": chunks(3, 0.001), "/slow": chunks(1000, 0.01)})
    with_gc = gc.isenabled()
    served = ThreadedServer(App(engine))
    served.start()
    gc.collect()
    gc.disable()
    try:
        for path in ("/whole", "/stream", "/slow", "/health"):
            for body in (b"", b'{"a": 1}'):
                with Raw(served.port) as raw:
                    raw.send(request("POST" if body else "GET", path, body))
                    if path == "/slow":
                        raw.sock.recv(100)
                    else:
                        raw.answer()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and _connections():
            time.sleep(0.005)
        assert not _connections()
    finally:
        served.stop()
        if with_gc:
            gc.enable()


def _connections() -> list[object]:
    return [each for each in gc.get_objects() if type(each) is Connection]
