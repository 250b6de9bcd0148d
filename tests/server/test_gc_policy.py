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
from mockllm.server.gc_policy import (
    BUSY_THRESHOLD,
    IDLE_THRESHOLD,
    INTERVAL,
    LATEST_CHECKS,
    QUIET_CHECKS,
    GcPolicy,
)
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
            gc, name, lambda *arguments, name=name: done.append(" ".join([name, *map(str, arguments)]))
        )
    return done


def gathered(monkeypatch: pytest.MonkeyPatch, walks: int) -> None:
    monkeypatch.setattr(gc, "get_count", lambda: (0, walks, 0))


@pytest.mark.parametrize(
    ("busy", "walks", "reloaded", "does"),
    [
        (False, IDLE_THRESHOLD, False, []),
        (False, BUSY_THRESHOLD, False, ["freeze", "collect 1"]),
        (False, 0, True, ["unfreeze", "collect", "freeze"]),
        (True, IDLE_THRESHOLD, False, []),
        (True, BUSY_THRESHOLD - 1, True, []),
        (True, BUSY_THRESHOLD, False, ["freeze", "collect 1"]),
    ],
    ids=[
        "some has gathered between two requests",
        "much has gathered between two requests",
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


@pytest.mark.parametrize(
    ("walks", "does"), [(IDLE_THRESHOLD - 1, []), (IDLE_THRESHOLD, ["collect", "freeze"])]
)
def test_garbage_is_collected_once_no_client_sends_requests(
    collected: list[str], monkeypatch: pytest.MonkeyPatch, walks: int, does: list[str]
) -> None:
    collector = GcPolicy(lambda: False, lambda: None)
    gathered(monkeypatch, walks)
    for _ in range(QUIET_CHECKS):
        collector.collect_if_idle()
    assert collected == []
    collector.collect_if_idle()
    assert collected == does


@pytest.fixture
def after_load(collected: list[str], monkeypatch: pytest.MonkeyPatch) -> GcPolicy:
    """A policy that has frozen objects without a collection; no response is in flight any more."""
    busy = [True]
    collector = GcPolicy(lambda: busy[0], lambda: None)
    gathered(monkeypatch, BUSY_THRESHOLD)
    collector.collect_if_idle()
    busy[0] = False
    collected.clear()
    return collector


def test_frozen_objects_are_collected_once(
    after_load: GcPolicy, collected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered(monkeypatch, 0)
    for _ in range(2 * QUIET_CHECKS):
        after_load.collect_if_idle()
    assert collected == ["unfreeze", "collect", "freeze"]


def test_frozen_objects_are_collected_under_long_load(
    after_load: GcPolicy, collected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, LATEST_CHECKS - 1):
        gathered(monkeypatch, number % IDLE_THRESHOLD)
        after_load.collect_if_idle()
    assert collected == []
    gathered(monkeypatch, BUSY_THRESHOLD)
    after_load.collect_if_idle()
    assert collected == ["unfreeze", "collect", "freeze"]


def test_begin_looks_every_second(collected: list[str]) -> None:
    class Loop:
        requested: list[tuple[float, Callable[..., None], Any]] = []  # noqa: RUF012 - one loop

        def call_later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
            self.requested.append((seconds, call, arguments))

    loop = Loop()
    loaded = [object()]
    GcPolicy(lambda: False, lambda: loaded[0]).begin(cast(AbstractEventLoop, loop))
    loaded[0] = object()
    assert collected[0] == "freeze"
    assert len(loop.requested) == 1
    seconds, call, arguments = loop.requested.pop()
    call(*arguments)
    assert collected[2:] == ["unfreeze", "collect", "freeze"]
    assert seconds == INTERVAL
    assert len(loop.requested) == 1


def test_closed_connection_leaves_no_cycle() -> None:
    """What a request leaves goes at once, without the garbage collector."""
    engine = FakeEngine({"/whole": whole(), "/stream": chunks(3, 0.001), "/slow": chunks(1000, 0.01)})
    with_gc = gc.isenabled()
    served = ThreadedServer(App(engine))
    served.start()
    gc.collect()
    others = _connections()  # of servers of other tests; they last as long as this list
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
        while time.monotonic() < end and _connections() != others:
            time.sleep(0.005)
        assert _connections() == others
    finally:
        served.stop()
        if with_gc:
            gc.enable()


def _connections() -> list[object]:
    return [each for each in gc.get_objects() if type(each) is Connection]
