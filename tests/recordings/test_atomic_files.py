"""Files of recordings: there as a whole or not at all, under names that are names on any system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mockllm.recordings.atomic_files import file_name, folder_name, write_file


def test_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    write_file(path, "before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for act in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"os.{act}", full)
            with pytest.raises(OSError, match="No space"):
                write_file(path, "after")
        assert [item.name for item in tmp_path.iterdir()] == ["a.yaml"]
        assert path.read_text() == "before"
    write_file(path, "after")
    assert path.read_text() == "after"


def test_really_full_disk_leaves_no_file(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from mockllm.recordings.atomic_files import write_file; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); write_file(Path(sys.argv[1]), 'x' * 10_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.yaml")],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert "OSError" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a test::b[c]", "a-test-b-c"),
        ("../../x", "x"),
        ("..", "recording"),
        (".hidden", "hidden"),
        ("a" * 99, "a" * 80),
    ],
)
def test_names_of_files(text: str, name: str) -> None:
    assert file_name(text) == name


def test_two_sessions_have_two_folders() -> None:
    sessions = [
        "a",
        "A",
        "a-b",
        "a:b",
        "a[b]",
        "a@b",
        ".a",
        "shared",
        "..",
        "a" * 128,
        "a" * 127 + "b",
        "test_x-1.2",
    ]
    names = [folder_name(session) for session in sessions]
    assert len({name.lower() for name in names}) == len(sessions)
    assert "shared" not in names
    assert all(file_name(name) == name and len(name) <= 80 for name in names)
    assert [folder_name(session) for session in ("a", "a-b", "test_x-1.2")] == ["a", "a-b", "test_x-1.2"]
