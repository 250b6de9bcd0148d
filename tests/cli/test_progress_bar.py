"""Progress of long work: nothing for short work, a line that changes on a terminal, plain lines in a pipe."""

from __future__ import annotations

from io import StringIO

import pytest

from mockllm.cli.progress_bar import CLEAR, ProgressBar


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def work(out: StringIO, seconds: int, total: int | None) -> None:
    """Do ten steps a second for some seconds."""
    clock = Clock()
    with ProgressBar(out, "exchange", clock) as progress:
        for step in range(seconds * 10):
            clock.now = step / 10
            progress.update(step, total, "a.har")


@pytest.mark.parametrize("out", [StringIO(), Terminal()])
def test_work_under_a_second_shows_nothing(out: StringIO) -> None:
    work(out, 1, 10)
    assert out.getvalue() == ""


def test_pipe_gets_plain_lines_every_five_seconds() -> None:
    out = StringIO()
    work(out, 12, 200)
    assert out.getvalue().splitlines() == [
        "50/200 exchanges, 10.0/s, about 15 s left  a.har",
        "100/200 exchanges, 10.0/s, about 10 s left  a.har",
    ]


def test_unknown_total_shows_number_and_rate() -> None:
    out = StringIO()
    work(out, 6, None)
    assert out.getvalue() == "50 exchanges, 10.0/s  a.har\n"


def test_terminal_gets_one_line_with_a_bar() -> None:
    out = Terminal()
    work(out, 2, 20)
    shown = out.getvalue().split(CLEAR)
    assert shown[1] == "[##########..........] 10/20 exchanges, 10.0/s, about 1 s left  a.har"
    assert shown[-1] == "", "the line is removed at the end"
    assert "\n" not in out.getvalue()


def test_end_of_a_task_removes_the_line() -> None:
    out, clock = Terminal(), Clock()
    progress = ProgressBar(out, "object", clock)
    clock.now = 2.0
    progress.update(9, 10)
    assert not out.getvalue().endswith(CLEAR)
    progress.update(10, 10)
    assert out.getvalue().endswith(CLEAR)


def test_smaller_number_begins_a_rate_of_its_own() -> None:
    out, clock = StringIO(), Clock()
    progress = ProgressBar(out, "object", clock)
    clock.now = 60.0
    progress.update(99, 100)
    clock.now = 70.0
    progress.update(1, 10)
    clock.now = 79.9
    progress.update(5, 10)
    assert out.getvalue().splitlines()[1:] == [
        "1/10 objects, 10.0/s, about 1 s left",
        "5/10 objects, 0.5/s, about 10 s left",
    ]
