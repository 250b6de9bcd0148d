"""Handlers of signals while a command runs other programs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeAlias

SignalHandler: TypeAlias = Callable[[int, FrameType | None], None]
ENDING_SIGNALS: Final = tuple(
    signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if name in signal.Signals.__members__
)
"""The signals by which a supervisor or a closed terminal ends a command. Windows has no SIGHUP."""


@contextmanager
def handled_signals(handlers: Mapping[signal.Signals, SignalHandler]) -> Iterator[None]:
    """Handle signals within the block. One that the caller ignores, as nohup(1) does, stays ignored."""
    before = {number: signal.getsignal(number) for number in handlers}
    changed = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in changed:
        signal.signal(number, handlers[number])
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, before[number])
