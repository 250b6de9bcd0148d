"""Output of the commands that end by themselves, on small folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.snapshots.command_files import EXPLAINED, FILES, JSON_COMMANDS
from tests.snapshots.commands import transcript, write_files
from tests.snapshots.snapshot import check_snapshot


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("commands")
    write_files(built, FILES)
    return built


@pytest.mark.parametrize("name", JSON_COMMANDS)
def test_command_on_small_folder_prints_expected_json(name: str, folder: Path) -> None:
    check_snapshot(f"commands/{name}.txt", transcript(*JSON_COMMANDS[name].split(), folder=folder))


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_json_on_request_prints_expected(name: str, folder: Path) -> None:
    command = f"explain asked/{name}.json --scenarios good --seed 7 --json"
    check_snapshot(f"explain/{name}.json.txt", transcript(*command.split(), folder=folder))


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_text_on_request_prints_expected(name: str, folder: Path) -> None:
    command = f"explain asked/{name}.json --scenarios good --seed 7"
    check_snapshot(f"explain/{name}.txt", transcript(*command.split(), folder=folder))


def test_pack_commands_with_lock_print_expected(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    commands = ("pack add ./greeter", "pack list --json", "pack info greeter --json", "pack remove greeter")
    output = "\n".join(transcript(*command.split(), folder=tmp_path) for command in commands)
    check_snapshot("commands/pack-locked.txt", output)
