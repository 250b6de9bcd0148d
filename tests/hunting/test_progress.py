"""The progress of a hunt: a line that changes on a terminal, plain lines in a pipe."""

from __future__ import annotations

from io import StringIO

from msgspec.structs import replace

from mockllm.core.hunting.finding import Finding
from mockllm.core.hunting.judgement import BrokenRule
from mockllm.hunting.hunter import SilentWatch
from mockllm.hunting.progress import ProgressLine
from tests.core.hunting.runs import CRLF, ended

FOUND = Finding(BrokenRule("same_result", "x"), (CRLF,), (CRLF,), ended(), 20, 20)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_in_a_pipe_is_plain_lines() -> None:
    out, now = StringIO(), [0.0]
    progress = ProgressLine(out, 100, 600.0, lambda: now[0])
    for runs in range(1, 51):
        now[0] = runs / 10
        progress.ran(runs, 0, "crlf")
    progress.ran(50, 0, "replay crlf")
    progress.found(FOUND)
    progress.found(replace(FOUND, failures=3))
    progress.end()
    assert out.getvalue().splitlines()[-4:] == [
        "25/100 runs, 0 findings, 10.0/s, about 8 s left",
        "50/100 runs, 0 findings, 10.0/s, about 5 s left",
        "finding: same_result by crlf, every request (20 of 20)",
        "flaky: same_result by crlf, every request (3 of 20)",
    ]


def test_progress_on_a_terminal_is_one_line() -> None:
    out, now = Terminal(), [0.0]
    progress = ProgressLine(out, 100, 600.0, lambda: now[0])
    for runs in range(1, 21):
        now[0] = runs / 100
        progress.ran(runs, 1, "crlf")
    progress.found(FOUND)
    progress.end()
    text = out.getvalue()
    assert text.count("runs,") == 2
    assert "[" + "." * 10 + "]" in text
    assert text.endswith("\r\x1b[2K")


def test_estimate_counts_replays_and_ends_with_the_time() -> None:
    out, now = StringIO(), [0.0]
    progress = ProgressLine(out, 100, 30.0, lambda: now[0])
    for replay in range(1, 21):
        now[0] = replay / 10
        progress.ran(5, 1, f"replay {replay}/20 crlf")
    now[0] = 2.1
    progress.ran(25, 1, "crlf")
    now[0] = 29.0
    progress.ran(50, 2, "crlf")
    assert out.getvalue().splitlines() == [
        "25/100 runs, 1 finding, 10.0/s, about 8 s left",
        "50/100 runs, 2 findings, 0.8/s, about 1 s left",
    ]


def test_number_of_the_replay_is_visible_in_80_columns() -> None:
    out, now = Terminal(), [0.0]
    progress = ProgressLine(out, 200, 600.0, lambda: now[0])
    now[0] = 0.1
    progress.ran(120, 10, "replay 17/20 split_character, request 1")
    assert "replay 17/20" in out.getvalue()


def test_silent_watch_says_nothing() -> None:
    watch = SilentWatch()
    watch.ran(1, 0, "x")
    watch.found(FOUND)
