"""Signals while a command runs other programs: their handlers, and the exit code of a program that one ended."""

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

BY_SIGNAL: Final = 128


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


def shell_exit_code(code: int) -> int:
    """Return the exit code as a shell has it: 128 and the number of the signal that ended the program."""
    return BY_SIGNAL - code if code < 0 else code
