"""`mockllm cookbook`: list, print and write scenarios for known symptoms."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.cli.main import main
from mockllm.cli.recipes import entries


def cookbook(*words: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["cookbook", *words])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def test_cookbook_without_word_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cookbook() == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        entry.name for entry in entries()
    ]


def test_cookbook_prints_the_entry_of_a_name_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cookbook("no-usage") == 0
    assert capsys.readouterr().out == (
        "# no-usage: The response has no token counts\n"
        "# source: https://github.com/Portkey-AI/portkey-python-sdk/pull/263\n"
        "# tested with: openai-chat, openai-responses, anthropic-messages, gemini-generate\n"
        "rules:\n  - reply: one two\n    faults: [no_usage]\n"
    )


def test_entry_has_all_words_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert cookbook("RETRY", "date") == 0
    printed = capsys.readouterr().out
    assert "# retry-after-as-a-date: " in printed
    assert "no-usage" not in printed


def test_unknown_word_suggests_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cookbook("no-usagge") == 1
    assert capsys.readouterr().err == 'no entry with no-usagge; did you mean "no-usage"?\n'
    assert cookbook("zebra", "crossing") == 1
    assert capsys.readouterr().err == "no entry with zebra and crossing; `mockllm cookbook` lists all\n"


def test_written_files_are_scenarios_and_are_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "known"
    assert cookbook("--write", str(folder)) == 0
    capsys.readouterr()
    assert len(list(folder.glob("*.yaml"))) == len(entries())
    with pytest.raises(SystemExit) as exit:
        main(["check", str(folder)])
    assert exit.value.code == 0, capsys.readouterr()
    assert cookbook("no-usage", "--write", str(folder)) == 1
    assert "exists already; nothing was written" in capsys.readouterr().err


def test_entries_that_cannot_be_written_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert cookbook("no-usage", "--write", str(tmp_path / "file" / "folder")) == 1
    assert capsys.readouterr().err == f"mockllm: {tmp_path}/file/folder: Not a directory\n"
