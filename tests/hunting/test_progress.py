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
    progress = ProgressLine(out, 100, lambda: now[0])
    for runs in range(51):
        now[0] = runs / 10
        progress.ran(runs, 0, "crlf")
    progress.ran(50, 0, "replay crlf")
    progress.found(FOUND)
    progress.found(replace(FOUND, failures=3))
    progress.end()
    assert out.getvalue().splitlines()[-4:] == [
        "25/100 runs, 0 findings, 10.0/s, at most 8 s left",
        "50/100 runs, 0 findings, 10.0/s, at most 5 s left",
        "finding: same_result by crlf, every request (20 of 20)",
        "flaky: same_result by crlf, every request (3 of 20)",
    ]


def test_progress_on_a_terminal_is_one_line() -> None:
    out, now = Terminal(), [0.0]
    progress = ProgressLine(out, 100, lambda: now[0])
    for runs in range(1, 21):
        now[0] = runs / 100
        progress.ran(runs, 1, "crlf")
    progress.found(FOUND)
    progress.end()
    text = out.getvalue()
    assert text.count("runs,") == 2
    assert "[" + "." * 20 + "]" in text
    assert text.endswith("\r\x1b[2K")


def test_silent_watch_says_nothing() -> None:
    watch = SilentWatch()
    watch.ran(1, 0, "x")
    watch.found(FOUND)
