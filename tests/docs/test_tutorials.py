"""The tutorials: their files and commands, typed in order into an empty folder, print what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page_runner import PageRunner, compare, steps


@pytest.mark.full  # each command starts a process, and most import an SDK
@pytest.mark.timeout(300)
def test_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    runner = PageRunner("tutorial.md", tmp_path)
    runner.run()
    assert len(runner.commands) == 9


def test_steps_of_console_block_have_their_output() -> None:
    assert list(steps("$ one\nA\nB\n$ two\n")) == [("one", "A\nB\n"), ("two", "")]


def test_compare_allows_other_times_and_dots() -> None:
    compare("c", "...\n#1 10:00:00 x 1.5ms ...\n...", "before\n#1 23:59:59 x 20ms [retry 1]\nafter")
    compare("c", "...\nend", "end")


@pytest.mark.parametrize("found", ["#1 10:00:00 y 1ms", "more\n#1 10:00:00 x 1ms"])
def test_compare_refuses_other_text(found: str) -> None:
    with pytest.raises(AssertionError, match="is not"):
        compare("c", "#1 10:00:00 x 1ms", found)
