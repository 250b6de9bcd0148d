"""The progress of a command that can take longer than a second.

A terminal gets one line that changes, drawn by rich. Where the total is known it has a bar, and an estimate of the
time that is left. A pipe gets a plain line from time to time. Without a total the line has only the number and the
rate, and without a number the time since the step began.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock, Timer, current_thread, main_thread
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.constrain import Constrain
    from rich.live import Live

DELAY: Final = 1.0
"""Seconds before a terminal shows the line: short work shows nothing, and does not import rich."""
PIPE_INTERVAL: Final = 5.0
"""Seconds between two lines in a pipe."""
WINDOW: Final = 10.0
"""Seconds over which the rate is measured."""
SAMPLE: Final = 0.1
"""Seconds between two numbers that the rate remembers."""
MIN_SPAN: Final = 0.5
"""Seconds of a task before its rate is shown."""
BAR: Final = 8
WIDE: Final = 60
"""Columns of the bar, and of a terminal that has space for it beside the numbers."""
DUMB: Final = ("dumb", "unknown")
"""Values of TERM for terminals that cannot change a line."""


class RecentRate:
    """The rate of the last seconds of one task, which begins with its first number."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._samples: deque[tuple[float, int]] = deque()

    def begin(self, now: float, done: int) -> None:
        self._samples = deque([(now, done)])

    def note(self, now: float, done: int, *, has_total: bool) -> None:
        """Remember a number. Without a total the work may pause, and the rate of a pause says nothing."""
        older = 1 if has_total else 0
        while len(self._samples) > older and self._samples[older][0] <= now - self._window:
            self._samples.popleft()
        if not self._samples or now - self._samples[-1][0] >= SAMPLE:
            self._samples.append((now, done))

    def at(self, now: float, done: int) -> float | None:
        """Return the steps of a second; None where too little is known."""
        began, before = self._samples[0]
        return (done - before) / (now - began) if now - began >= MIN_SPAN and done > before else None


class ProgressBar:
    """Shows the progress of tasks, one at a time, on a stream. `clock` returns seconds.

    The rate is that of the last `window` seconds. `longest` is the most time that a task may take, and `unit` is what
    the rate counts. While the line is visible, what is printed goes above it.
    """

    def __init__(
        self,
        stream: TextIO,
        noun: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        window: float = WINDOW,
        longest: float = math.inf,
        unit: str = "/s",
    ) -> None:
        self._stream, self._noun, self._clock = stream, noun, clock
        self._longest, self._unit = longest, unit
        self._terminal = stream.isatty() and os.environ.get("TERM", "").lower() not in DUMB
        self._began = clock()
        self._next = self._began + PIPE_INTERVAL
        self._done = 0
        self._total: int | None = None
        self._about = self._detail = ""
        self._rate = RecentRate(window)
        self._numbers_lock = Lock()
        self._timer: Timer | None = None
        self._live: Live | None = None
        self._line_lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def begin(self, about: str, *, long: bool = False) -> None:
        """Begin a step without numbers. A pipe gets its line at once if it is known to be `long`. Else a timer prints
        it after some seconds: nothing else happens in a step."""
        if long:
            self._next = self._clock()
        before = self._next
        self.update(0, None, about)
        if not self._terminal and self._next == before:
            self._start_timer(PIPE_INTERVAL, partial(self._print_step, about))

    def update(self, done: int, total: int | None = None, about: str = "", detail: str = "") -> None:
        """Show how much is done. `about` is what the command works on, and `detail` what it does with that just now.

        A smaller number than before and another `about` begin another task, with its own rate."""
        now = self._clock()
        with self._numbers_lock:
            if not done or done < self._done or about != self._about:
                self._began = now
                self._rate.begin(now, done)
            self._done, self._total, self._about, self._detail = done, total, about, detail
            self._rate.note(now, done, has_total=total is not None)
        if self._terminal:
            if self._timer is None:
                self._start_timer(DELAY, self.show)
        elif now >= self._next and done != total:
            self._next = now + PIPE_INTERVAL
            print(self._text(), file=self._stream, flush=True)

    def _start_timer(self, seconds: float, act: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = Timer(seconds, act)
        self._timer.daemon = True
        self._timer.start()

    def _print_step(self, about: str) -> None:
        """Print the line of a step in a pipe, unless the step is over. A thread calls this."""
        with self._line_lock:
            if self._timer is not None and self._about == about and not self._done:
                print(self._text(), file=self._stream, flush=True)

    def show(self) -> None:
        """Draw the line on the terminal, unless the work is over. A thread calls this: one step may be long."""
        with self._line_lock:
            if self._timer is None:
                return
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream, soft_wrap=True, get_time=self._clock)
            self._live = Live(
                console=console,
                get_renderable=self._line(console),
                transient=True,
                redirect_stdout=sys.stdout.isatty(),
            )
            self._live.start(refresh=True)
            console.show_cursor()  # a command that is killed leaves the terminal with its cursor

    def clear(self) -> None:
        """Remove the line from the terminal, at the end and before a step that does not count."""
        with self._line_lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._live is not None:
                self._live.stop()
            self._timer = self._live = None

    def _line(self, console: Console) -> Callable[[], Constrain]:
        """Return what draws the line of a moment."""
        from rich.constrain import Constrain
        from rich.progress_bar import ProgressBar as Bar
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        spinner = Spinner("line")  # ASCII, which all terminals have

        def draw() -> Constrain:
            line = Table.grid(padding=(0, 1))
            bar = [Bar(self._total, self._done, BAR)] if self._total and console.width >= WIDE else []
            line.add_row(spinner, *bar, Text(self._text(), no_wrap=True, overflow="ellipsis"))
            return Constrain(line, console.width - len("^C"))  # the terminal writes that behind the line

        return draw

    def _text(self) -> str:
        with self._numbers_lock:
            now, done, total = self._clock(), self._done, self._total
            self._rate.note(now, done, has_total=total is not None)
            rate, elapsed = self._rate.at(now, done), now - self._began
            about = "  ".join(each for each in (self._about, self._detail) if each)
        if not done and total is None:
            return f"{about}, {elapsed:.0f} s" if elapsed >= 1 else about
        number = f"{done:,}" if total is None else f"{done:,}/{total:,}"
        text = f"{number} {self._noun}{'s' * (total is not None or done != 1)}"
        if rate is not None:
            text += f", {rate:,.1f}{self._unit}"
            if total is not None:
                left = min((total - done) / rate, self._longest - elapsed)
                text += f", about {max(0.0, left):.0f} s left"
        return f"{text}  {about}" if about else text


@contextmanager
def shown_step(about: str) -> Iterator[None]:
    """Show on standard error what a command does in this block, if that takes long. A command that a signal ends at
    once (`main`) takes the line away before."""
    with ProgressBar(sys.stderr, "") as progress, _line_erased_by_signals():
        progress.begin(about)
        yield


@contextmanager
def _line_erased_by_signals() -> Iterator[None]:
    """Erase the terminal's line before the handlers of signals run. No lock is taken: a handler interrupts
    any code."""
    before: dict[signal.Signals, Callable[[int, FrameType | None], object]] = {}
    if sys.stderr.isatty() and current_thread() is main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler

    def erase(number: int, frame: FrameType | None) -> None:
        os.write(sys.stderr.fileno(), b"\r\x1b[2K")
        before[signal.Signals(number)](number, frame)

    for each in before:
        signal.signal(each, erase)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def shown_fetches(about: str = "") -> Iterator[None]:
    """Show the progress of what git fetches in this block, and `about` while git does not run. Ctrl-C raises, so that
    it takes the line away, also in commands that it ends at once (`main`)."""
    from mockllm.packing.git import FETCH_WATCH

    with ProgressBar(sys.stderr, "object") as progress:
        fetching = False

        def watch(done: int, total: int | None, phase: str) -> None:
            nonlocal fetching
            if phase:
                progress.update(done, total, phase)
            else:  # git may ask for a password, or the fetch is over
                progress.clear()
                if about and fetching:
                    progress.begin(about)
            fetching = bool(phase)

        if about:
            progress.begin(about)

        token = FETCH_WATCH.set(watch)
        interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, interrupt)
            FETCH_WATCH.reset(token)
