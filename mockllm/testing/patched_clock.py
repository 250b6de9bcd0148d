"""The standard library on virtual time: `time`, sockets, selectors and so event loops, conditions and threads.

A function that a module has imported by name (`from time import sleep`) is replaced in that module, too.
"""

from __future__ import annotations

import asyncio
import queue
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial, wraps
from types import BuiltinFunctionType
from typing import Final, TypeAlias
from unittest.mock import patch

from mockllm.testing.virtual_clock import VirtualTime
from mockllm.testing.websocket_peers import outside_peer

_searched: dict[str, tuple[int, tuple[str, ...]]] = {}
"""For each module the number of its names, and those of functions of `time`."""
Queues: TypeAlias = dict[int, deque[int]]
"""The threads that wait for each condition, in order."""
Joins: TypeAlias = dict[int, list[int]]
"""For each thread that works, the threads that wait for its end."""
UNTOUCHED: Final = (
    "_pytest",
    "pytest",
    "xdist",
    "execnet",
    "mockllm.server",
    "mockllm.testing.virtual_clock",
)
"""Packages whose functions stay: they measure the test, or have a clock of their own."""
NATIVE: Final = (("uvloop", "new_event_loop"), ("trio", "run"))
"""Functions that begin an event loop whose timers are native."""
NANO: Final = 1_000_000_000
LOOK: Final = 0.001
"""Real seconds between two looks at a condition that another thread may notify."""


class ReentrantQueue(queue.Queue[object]):
    """Takes the place of `queue.SimpleQueue`, whose native wait cannot be seen: an executor's threads wait in it.
    A thread may put something while it holds the lock: the end of an executor does so from a weak reference."""

    def __init__(self) -> None:
        super().__init__()
        lock = threading.RLock()
        self.mutex = lock  # type: ignore[assignment]
        self.not_empty = threading.Condition(lock)
        self.not_full = threading.Condition(lock)
        self.all_tasks_done = threading.Condition(lock)


@contextmanager
def patched_clock(clock: VirtualTime) -> Iterator[None]:
    """Replace the functions until the end of the block."""
    queues: Queues = {}
    joins: Joins = {}
    with ExitStack() as stack:
        for owner, name, replacement in (
            *_functions_of_time(clock),
            (asyncio.base_events.BaseEventLoop, "time", lambda loop: clock.monotonic()),
            (selectors.DefaultSelector, "select", _select(clock)),
            *((socket.socket, name, _reading(clock, name)) for name in ("recv", "recv_into", "recvfrom")),
            (threading.Condition, "wait", _wait(clock, queues)),
            (threading.Condition, "notify", _notify(clock, queues)),
            (threading.Thread, "start", _start(clock, joins)),
            (queue, "SimpleQueue", ReentrantQueue),
            (threading.Thread, "join", _join(clock, joins)),
            *((subprocess.Popen, name, _process(clock, name)) for name in ("wait", "communicate")),
            *_native(clock),
        ):
            stack.enter_context(patch.object(owner, name, replacement))
        yield


def _functions_of_time(clock: VirtualTime) -> Iterator[tuple[object, str, Callable[..., object]]]:
    """Yield the places of the functions of `time`, with their replacements."""
    real_time = time.time
    replacements: dict[object, Callable[..., object]] = {
        time.sleep: clock.sleep,
        time.monotonic: clock.monotonic,
        time.monotonic_ns: lambda: int(clock.monotonic() * NANO),
        time.time: lambda: real_time() + clock.skipped,
        time.time_ns: lambda: int((real_time() + clock.skipped) * NANO),
    }
    for module_name, module in list(sys.modules.items()):
        members = getattr(module, "__dict__", None)
        if members is None or (module_name.startswith(UNTOUCHED) and module is not time):
            continue
        yield from (
            (module, name, replacements[members[name]]) for name in _names(module_name, members, replacements)
        )


def _names(module: str, members: Mapping[str, object], replaced: Container[object]) -> tuple[str, ...]:
    """Return the names under which a module has one of these functions; a module is searched again when it grows."""
    known = _searched.get(module)
    if known is None or known[0] != len(members):
        found = tuple(
            name
            for name, value in list(members.items())
            if type(value) is BuiltinFunctionType and value in replaced
        )
        known = _searched[module] = (len(members), found)
    return tuple(name for name in known[1] if members.get(name) in replaced)


def _reading(clock: VirtualTime, name: str) -> Callable[..., object]:
    original = getattr(socket.socket, name)

    @wraps(original)
    def read(own: socket.socket, *args: object, **named: object) -> object:
        timeout = own.gettimeout()
        if timeout != 0.0 and own.fileno() >= 0:
            outside = partial(_is_outside, clock, (own.fileno(),))
            if not clock.wait(timeout, (own.fileno(),), outside):
                raise TimeoutError("timed out")
        return original(own, *args, **named)

    return read


def _select(clock: VirtualTime) -> Callable[..., object]:
    original = selectors.DefaultSelector.select

    @wraps(original)
    def select(own: selectors.DefaultSelector, timeout: float | None = None) -> object:
        ready = original(own, 0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        files = [key.fd for key in own.get_map().values()]
        clock.wait(timeout, (own.fileno(),), partial(_is_outside, clock, tuple(files)))
        return original(own, 0)

    return select


def _is_outside(clock: VirtualTime, files: tuple[int, ...]) -> bool:
    """Return whether one of these files is a connection to another process; note it once."""
    for file in files:
        peer = outside_peer(file)
        if peer is not None:
            clock.note(f"{peer} is in another process: time passes as usual while it is waited for")
            return True
    return False


def _wait(clock: VirtualTime, queues: Queues) -> Callable[..., object]:
    original = threading.Condition.wait

    @wraps(original)
    def wait(own: threading.Condition, timeout: float | None = None) -> bool:
        if timeout is not None and timeout <= 0:
            return original(own, timeout)
        waiter = clock.waiter(timeout)
        clock.begin_wait(waiter)
        queued = queues.setdefault(id(own), deque())
        queued.append(threading.get_ident())
        try:
            if timeout is None:
                return original(own)
            while (left := waiter.deadline - clock.monotonic()) > 0:
                # one that is notified just when a look ends is not in the queue any more
                if original(own, min(left, LOOK)) or threading.get_ident() not in queued:
                    return True
            return False
        finally:
            with suppress(ValueError):
                queued.remove(threading.get_ident())
            if not queued:
                queues.pop(id(own), None)
            clock.end_wait()

    return wait


def _process(clock: VirtualTime, name: str) -> Callable[..., object]:
    original = getattr(subprocess.Popen, name)

    @wraps(original)
    def wait(own: object, *args: object, **named: object) -> object:
        with clock.real_time("a process runs: time passes as usual while it is waited for"):
            return original(own, *args, **named)

    return wait


def _native(clock: VirtualTime) -> Iterator[tuple[object, str, Callable[..., object]]]:
    """Yield the functions that begin loops with timers of their own: their use is noted."""
    for name, function in NATIVE:
        module = sys.modules.get(name)
        if module is None:
            continue
        original = getattr(module, function)

        def begin(
            *args: object,
            _original: Callable[..., object] = original,
            _name: str = name,
            **named: object,
        ) -> object:
            clock.note(f"{_name} has native timers: they run in real time")
            return _original(*args, **named)

        yield module, function, begin


def _notify(clock: VirtualTime, queues: Queues) -> Callable[..., object]:
    original = threading.Condition.notify

    @wraps(original)
    def notify(own: threading.Condition, n: int = 1) -> None:
        queued = queues.get(id(own), deque())
        for _ in range(min(n, len(queued))):
            clock.woken(queued.popleft())  # threads are notified in the order in which they began to wait
        original(own, n)

    return notify


def _start(clock: VirtualTime, joins: Joins) -> Callable[..., object]:
    original = threading.Thread.start

    @wraps(original)
    def start(own: threading.Thread) -> None:
        run = own.run

        def counted() -> None:
            clock.works()
            try:
                run()
            finally:
                for joining in joins.pop(id(own)):
                    clock.woken(joining)
                clock.ends()

        own.run = counted  # type: ignore[method-assign]
        joins[id(own)] = []
        clock.starts()
        original(own)

    return start


def _join(clock: VirtualTime, joins: Joins) -> Callable[..., object]:
    original = threading.Thread.join

    @wraps(original)
    def join(own: threading.Thread, timeout: float | None = None) -> None:
        joining = joins.get(id(own))
        if joining is None:
            # its work has ended, or it started before the clock, which does not learn when it ends
            return original(own, timeout)
        joining.append(threading.get_ident())
        clock.begin_wait(clock.waiter(None))
        try:
            if joins.get(id(own)) is not joining:
                clock.end_wait()  # it has ended its work meanwhile, maybe before this thread was in the list
            return original(own, timeout)
        finally:
            clock.end_wait()

    return join
