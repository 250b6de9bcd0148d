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
    for clock.now, done in ((60.0, 99), (70.0, 1), (80.0, 5)):
        progress.update(done, 100)
    assert out.getvalue().splitlines() == [
        "99/100 objects",
        "1/100 objects",
        "5/100 objects, 0.4/s, about 238 s left",
    ]


def test_wait_before_a_task_does_not_count() -> None:
    """A git server prepares the objects for some seconds before it sends the first one."""
    out, clock = StringIO(), Clock()
    progress = ProgressBar(out, "object", clock)
    for clock.now, done in ((4.0, 0), (5.0, 100), (10.0, 600)):
        progress.update(done, 1000, "receiving")
    assert out.getvalue().splitlines() == [
        "100/1,000 objects, 100.0/s, about 9 s left  receiving",
        "600/1,000 objects, 100.0/s, about 4 s left  receiving",
    ]


def test_another_phase_begins_a_rate_of_its_own() -> None:
    out, clock = StringIO(), Clock()
    progress = ProgressBar(out, "object", clock)
    progress.update(1, 100, "receiving")
    for clock.now, done in ((60.0, 20), (70.0, 30)):
        progress.update(done, 100, "resolving")
    assert out.getvalue().splitlines() == [
        "20/100 objects  resolving",
        "30/100 objects, 1.0/s, about 70 s left  resolving",
    ]


def test_rate_without_a_total_is_that_of_the_last_seconds() -> None:
    """A recorder waits for its clients."""
    out, clock = StringIO(), Clock()
    progress = ProgressBar(out, "exchange", clock)
    for clock.now, done in ((600.0, 1), (605.0, 11), (700.0, 12), (705.0, 22)):
        progress.update(done)
    assert out.getvalue().splitlines() == [
        "1 exchange",
        "11 exchanges, 2.0/s",
        "12 exchanges",
        "22 exchanges, 2.0/s",
    ]


def test_line_stays_below_other_lines() -> None:
    out, clock = Terminal(), Clock()
    progress = ProgressBar(out, "exchange", clock)
    progress.print_above(lambda: out.write("first\n"))
    for clock.now, done in ((2.0, 1), (4.0, 3)):
        progress.update(done)
    progress.print_above(lambda: out.write("second\n"))
    line = f"{CLEAR}3 exchanges, 1.0/s"
    assert out.getvalue() == f"first\n{CLEAR}1 exchange{line}{CLEAR}second\n{line}"


def test_refreshed_line_has_no_rate_after_a_pause() -> None:
    out, clock = Terminal(), Clock()
    progress = ProgressBar(out, "exchange", clock)
    progress.refresh()
    for clock.now, done in ((2.0, 1), (4.0, 3)):
        progress.update(done)
    clock.now = 60.0
    progress.refresh()
    assert out.getvalue().split(CLEAR)[1:] == ["1 exchange", "3 exchanges, 1.0/s", "3 exchanges"]
