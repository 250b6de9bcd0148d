"""The rounds in which the requests of one iteration are counted."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from mockllm.server.deadlines import Deadlines, LoopClock
from mockllm.server.ready_connections import ReadyConnections


class LoggedRounds:
    fails = False

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def begin_round(self, requests: int) -> None:
        self._log.append(f"begin {requests}")

    def end_round(self) -> None:
        self._log.append("end")
        if self.fails:
            raise OSError


class LoggedTransport:
    def __init__(self, log: list[str]) -> None:
        self._log = log

    def write(self, data: bytes) -> None:
        self._log.append(f"write {data.decode()}")


class LoggedConnection:
    """A connection whose response is its name; with an empty name, serving it fails."""

    scheduled = True

    def __init__(self, name: str, ready: ReadyConnections, log: list[str]) -> None:
        self._name, self._ready, self._log = name, ready, log

    def serve_next_or_resume(self) -> None:
        self._log.append(f"serve {self._name}")
        if not self._name:
            raise ValueError
        queue = self._ready.write_queue
        assert queue is not None, "served in a round"
        queue.append((cast(asyncio.Transport, LoggedTransport(self._log)), self._name.encode()))

    def close_and_drop_transport(self) -> None:
        self._log.append("close")


def test_round_ends_before_its_responses_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    loop = asyncio.new_event_loop()
    log: list[str] = []
    ready = ReadyConnections(Deadlines(LoopClock(loop)), loop, LoggedRounds(log))
    ready.serve([LoggedConnection(name, ready, log) for name in ("a", "", "b")])
    loop.close()
    assert log == ["begin 3", "serve a", "serve ", "close", "serve b", "end", "write a", "write b"]
    assert "ValueError" in capsys.readouterr().err


def test_failed_end_of_a_round_leaves_no_response_unwritten() -> None:
    loop = asyncio.new_event_loop()
    log: list[str] = []
    rounds = LoggedRounds(log)
    rounds.fails = True
    ready = ReadyConnections(Deadlines(LoopClock(loop)), loop, rounds)
    with pytest.raises(OSError):
        ready.serve([LoggedConnection("a", ready, log)])
    loop.close()
    assert log == ["begin 1", "serve a", "end", "write a"]
    assert ready.write_queue is None
