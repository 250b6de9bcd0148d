"""Signals while a server starts."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from mockllm.cli.main import _immediate_exit

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system has no SIGHUP")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO())
    inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` ignores it
    yield
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    signal.signal(signal.SIGHUP, inherited)


def test_order_to_reload_does_not_end_a_starting_server() -> None:
    with _immediate_exit(["serve"]):
        os.kill(os.getpid(), signal.SIGHUP)


def test_terminal_that_closes_ends_a_starting_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with _immediate_exit(["serve"]):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL


def test_signal_ends_a_recorder_that_cannot_reload() -> None:
    with _immediate_exit(["record"]):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL


def test_closed_terminal_ends_other_commands() -> None:
    with _immediate_exit(["check"]):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
