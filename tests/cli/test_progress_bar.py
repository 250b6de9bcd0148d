"""Progress of long work: nothing for short work, a line that changes on a terminal, plain lines in a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import pytest

from mockllm.cli import progress_bar
from mockllm.cli.hunt import ShownHunt, hunt_progress
from mockllm.cli.progress_bar import ProgressBar, shown_fetches, shown_step
from mockllm.cli.sources import fetch_missing
from mockllm.core.hunting.finding import Finding, HuntReport
from mockllm.core.hunting.judgement import BrokenRule
from mockllm.core.hunting.report_text import summary
from mockllm.hunting.hunter import HuntBudget
from mockllm.packing.git import FETCH_WATCH
from mockllm.packing.lockfile_editor import LockChange, LockfileEditor
from tests.cli.terminal import CLEAR, REMOVED, STYLE, Pipe, Terminal
from tests.core.hunting.runs import BASE, CRLF, ended
from tests.waiting import PATIENCE

SHOW_CURSOR = "\x1b[?25h"
BUDGET = HuntBudget(seconds=600.0)
FOUND = Finding(BrokenRule("same_result", "x"), (CRLF,), (CRLF,), ended(), 20, 20)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns, on which the tests themselves show the line."""
    for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(progress_bar, "DELAY", 3600.0)


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
    out, clock = Terminal(), Clock()
    with ProgressBar(out, "exchange", clock) as progress:
        for step in range(11):
            clock.now = step / 10
            progress.update(step, 20, "a.har")
        progress.show()
    assert out.frames()[0] == "━━━━╺━━━ 10/20 exchanges, 10.0/s, about 1 s left  a.har"
    assert out.getvalue().endswith(REMOVED), "the line is removed at the end"


def test_terminal_shows_line_while_one_step_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "DELAY", 0.0)
    out = Terminal()
    with ProgressBar(out, "exchange", Clock()) as progress:
        progress.begin("reads a.har")
        assert out.written.wait(PATIENCE)
    assert out.frames()[0] == "reads a.har"


def test_step_without_numbers_has_its_time() -> None:
    out, clock = Terminal(), Clock()
    with ProgressBar(out, "exchange", clock) as progress:
        progress.begin("reads a.har")
        clock.now = 12.0
        progress.show()
    assert out.frames()[0] == "reads a.har, 12 s"


def test_pipe_gets_a_line_for_a_long_step_at_once() -> None:
    out, clock = StringIO(), Clock()
    progress = ProgressBar(out, "exchange", clock)
    progress.begin("reads a.har")
    progress.begin("reads b.har", long=True)
    clock.now = 4.0
    progress.begin("writes a.yaml")
    clock.now = 5.0
    progress.begin("writes b.yaml")
    assert out.getvalue().splitlines() == ["reads b.har", "writes b.yaml"]


def test_pipe_gets_the_line_of_a_step_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else happens until the step ends, so a timer prints the line."""
    monkeypatch.setattr(progress_bar, "PIPE_INTERVAL", 0.01)
    out = Pipe()
    with ProgressBar(out, "exchange", Clock()) as progress:
        progress.begin("reads a.har")
        assert out.written.wait(PATIENCE)
    assert out.getvalue() == "reads a.har\n"


def test_pipe_gets_no_line_of_a_step_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "PIPE_INTERVAL", 0.01)
    out = Pipe()
    with ProgressBar(out, "exchange", Clock()) as progress:
        progress.begin("reads a.har")
    assert not out.written.wait(0.1)


def test_signal_that_ends_a_command_erases_the_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    erased: list[bool] = []
    terminal = Terminal()
    with open(tmp_path / "terminal", "w+b") as file:
        monkeypatch.setattr(terminal, "fileno", file.fileno)
        monkeypatch.setattr(sys, "stderr", terminal)
        before = signal.signal(signal.SIGINT, lambda *_: erased.append(bool(os.fstat(file.fileno()).st_size)))
        try:
            with shown_step("loads scenarios"):
                signal.raise_signal(signal.SIGINT)
        finally:
            signal.signal(signal.SIGINT, before)
        file.seek(0)
        assert file.read().decode() == CLEAR
    assert erased == [True]


def test_terminal_that_cannot_change_a_line_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    work(out, 6, 100)
    assert out.getvalue() == "50/100 exchanges, 10.0/s, about 5 s left  a.har\n"


def test_narrow_terminal_has_the_numbers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    with ProgressBar(out, "recorded exchange", Clock()) as progress:
        progress.update(1, 3, "a.har")
        progress.show()
        progress.update(2, 3, "a-file-with-a-long-name.har")
    assert out.frames()[0] == "1/3 recorded exchanges  a.har"
    last = out.frames()[-1]
    assert (last, len(last)) == ("2/3 recorded exchanges  a-file-with…", 40 - len("- ^C"))


def test_no_color_leaves_colours_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    with ProgressBar(out, "object", Clock()) as progress:
        progress.update(5, 10)
        progress.show()
    assert re.search(r"\x1b\[[0-9;]*m", out.getvalue()) is None
    assert out.frames()[0] == "━━━━     5/10 objects"


def test_cleared_line_comes_back_with_the_next_task() -> None:
    out = Terminal()
    progress = ProgressBar(out, "object", Clock())
    progress.update(9, 10)
    progress.clear()
    progress.show()
    assert out.getvalue() == ""
    progress.update(10, 10)
    progress.show()
    progress.clear()
    assert out.frames()[0] == "━━━━━━━━ 10/10 objects"


def test_killed_command_leaves_the_cursor() -> None:
    out = Terminal()
    with ProgressBar(out, "object", Clock()) as progress:
        progress.update(9, 10)
        progress.show()
        assert SHOW_CURSOR in out.getvalue().rpartition("\x1b[?25l")[2]


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


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_printed_lines_go_above_the_line(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    out, clock = Terminal(), Clock()
    monkeypatch.setattr(sys, "stdout", out)
    with ProgressBar(out, "exchange", clock) as progress:
        for clock.now, done in ((2.0, 1), (4.0, 3)):
            progress.update(done)
        progress.show()
        print("\x1b[32mlong" * 50, file=getattr(sys, stream))
    assert f"{CLEAR}\x1b[32mlong" in out.getvalue()
    assert "long" * 50 + "\n" in STYLE.sub("", out.getvalue())
    assert out.frames()[-1] == "3 exchanges, 1.0/s"


def test_output_in_a_pipe_does_not_go_above_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = Terminal()
    with ProgressBar(out, "exchange", Clock()) as progress:
        progress.update(1)
        progress.show()
        print("result")
    assert capsys.readouterr().out == "result\n"
    assert "result" not in out.getvalue()


def test_line_has_no_rate_after_a_pause() -> None:
    out, clock = Terminal(), Clock()
    with ProgressBar(out, "exchange", clock) as progress:
        for clock.now, done in ((2.0, 1), (4.0, 3)):
            progress.update(done)
        progress.show()
        clock.now = 60.0
    assert out.frames()[0] == "3 exchanges, 1.0/s"
    assert out.frames()[-1] == "3 exchanges"


def test_fetch_is_shown_while_git_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_bar, "PIPE_INTERVAL", 0.0)
    with shown_fetches():
        watch = FETCH_WATCH.get()
        assert watch is not None
        for numbers in ((0, None, ""), (5, 10, "receiving"), (0, None, "")):
            watch(*numbers)
    assert FETCH_WATCH.get() is None
    assert capsys.readouterr().err == "5/10 objects  receiving\n"


def test_step_around_a_fetch_is_shown_again_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """While git may ask for a password, the terminal has no line."""
    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    begun: list[str] = []
    monkeypatch.setattr(ProgressBar, "begin", lambda _, about: begun.append(about))
    with shown_fetches("checks the packs"):
        watch = FETCH_WATCH.get()
        assert watch is not None
        watch(0, None, "")
        assert begun == ["checks the packs"]
        watch(5, 10, "receiving")
        watch(0, None, "")
    assert begun == ["checks the packs"] * 2


def test_interrupt_of_a_fetch_takes_the_line_away() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), shown_fetches():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_missing_pack_is_fetched_with_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = {"lock": 1, "packs": {"team/x": {"source": "s", "version": "1.0.0", "sha256": "0" * 64}}}
    (tmp_path / "mockllm.lock").write_text(json.dumps(lock), encoding="utf-8")
    watched: list[bool] = []

    def fetch(editor: LockfileEditor, names: Sequence[str]) -> Iterator[LockChange]:
        watched.append(FETCH_WATCH.get() is not None)
        yield LockChange(names[0], None, "1.0.0", "s")

    monkeypatch.setattr(LockfileEditor, "fetch", fetch)
    assert fetch_missing(str(tmp_path / "mockllm.lock"))
    assert watched == [True]


def test_rate_of_a_hunt_is_that_of_its_report() -> None:
    """Replays take time too, and are no runs."""
    out, clock = StringIO(), Clock()
    hunt = ShownHunt(hunt_progress(out, BUDGET, clock), 100)
    for clock.now, runs, doing in ((2.0, 25, "crlf"), (10.0, 25, "replay 20/20 crlf"), (20.0, 50, "cut")):
        hunt.ran(runs, 1, doing)
    assert out.getvalue().splitlines() == [
        "25/100 runs, 2.5 runs/s, about 30 s left  1 found, replay 20/20 crlf",
        "50/100 runs, 2.5 runs/s, about 20 s left  1 found, cut",
    ]
    report = HuntReport("x", BASE, [FOUND], [], {}, 50, 20, clock.now, 0, "50 runs", [])
    assert "50 runs and 20 replays, 20.0 s, 2.5 runs a second" in summary(report)


def test_estimate_of_a_hunt_ends_with_its_time() -> None:
    out, clock = StringIO(), Clock()
    hunt = ShownHunt(hunt_progress(out, HuntBudget(seconds=30.0), clock), 100)
    clock.now = 29.0
    hunt.ran(50, 0, "cut")
    assert out.getvalue() == "50/100 runs, 1.7 runs/s, about 1 s left  0 found, cut\n"


def test_number_of_the_replay_is_visible_in_80_columns() -> None:
    out, clock = Terminal(), Clock()
    progress = hunt_progress(out, BUDGET, clock)
    hunt = ShownHunt(progress, 200)
    clock.now = 10.0
    hunt.ran(120, 10, "replay 17/20 split_character, request 1")
    with progress:
        progress.show()
        hunt.found(FOUND)
    assert "120/200 runs, 12.0 runs/s, about 7 s left  10 found, replay 17/20" in out.frames()[0]
    assert "finding: same_result by crlf, every request (20 of 20)\n" in out.getvalue()
