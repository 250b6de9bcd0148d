"""docs/drift.md: its commands print what it shows, its options exist, and its pack is what `--fix` writes."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from mockllm.cli import drift
from mockllm.drift.extras_pack import FOLDER
from tests.cli.in_process import command
from tests.drift.planted_changes import PLANTED
from tests.drift.pretended_provider import pretended_provider

PAGE = (Path(__file__).parents[2] / "docs/drift.md").read_text(encoding="utf-8")
SCENARIO, PACK, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(CONSOLE,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
RECORDED, FIX = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SHOWN = [PLANTED[0], PLANTED[3]]
"""The changes that the page shows."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/mine.yaml").write_text(SCENARIO)
    return tmp_path


def arguments(line: str, url: str) -> list[str]:
    """Return the arguments of a command of the page, with this provider."""
    return line.partition("#")[0].replace("https://api.openai.com", url).split()[1:]


def words(text: str) -> list[list[str]]:
    """Return the words of each line: the widths of columns depend on all rows."""
    return [line.split() for line in text.splitlines() if line.strip()]


def test_drift_page_shows_what_the_command_prints(folder: Path) -> None:
    _, line, *shown = CONSOLE.splitlines()
    with pretended_provider(*(change.plant for change in SHOWN)) as provider:
        run = command(*arguments(line.removeprefix("$ "), provider.url), cwd=folder, OPENAI_API_KEY="x")
    assert run.returncode == 1
    assert words(run.stderr + run.stdout) == words("\n".join(shown))


def test_drift_page_pack_is_what_fix_writes(folder: Path) -> None:
    with pretended_provider(PLANTED[0].plant) as provider:
        command(*arguments(FIX, provider.url), cwd=folder, OPENAI_API_KEY="x")
    written = (folder / "scenarios" / FOLDER / "extras.yaml").read_text()
    assert PACK.partition("\n")[2] in written
    assert (folder / f"scenarios/{FOLDER}.yaml").is_file()


def test_drift_page_recordings_are_compared_without_a_key(folder: Path) -> None:
    (folder / "scenarios/recorded").mkdir()
    (folder / "scenarios/recorded/one.json").write_text(
        '{"request": {"path": "/v1/embeddings", "body": {"model": "m", "input": "x"}},'
        ' "response": {"status": 500, "body": {"error": {"message": "m", "type": "server_error"}}}}'
    )
    run = command(*arguments(RECORDED, ""), cwd=folder)
    assert "gone field  $.error.code null in error" in run.stdout


def test_options_of_drift_page_are_those_of_the_command() -> None:
    parser = argparse.ArgumentParser()
    drift.arguments(parser)
    known = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    named = set(re.findall(r"--[a-z][a-z-]+", PAGE))
    assert named <= known
    assert known - named <= {"--help", "--set", "--frozen"}
