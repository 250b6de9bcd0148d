"""What is loaded once for the whole process is loaded again when, and only when, something changed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mockllm.testing import Broken, catalog_cache
from mockllm.testing.catalog_cache import CompiledBase, compiled_base
from mockllm.testing.mock_base import scenario_sources

LONG_AGO = time.time() - 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder that refers to a text and uses a pack beside it; nothing has changed for a while."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yaml").write_text("use: [../pack]\nrules: [{reply: {text: {file: said.md}}}]")
    (tmp_path / "own" / "said.md").write_text("Hi")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.yaml").write_text("{name: team, version: '1'}")
    (tmp_path / "pack" / "b.yaml").write_text("rules: [{fallback: true, reply: Ho}]")
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return tmp_path


def loaded(folder: Path) -> CompiledBase:
    return compiled_base(scenario_sources([str(folder / "own")], ["default"], {}))


def test_unchanged_files_are_not_loaded_again(folder: Path) -> None:
    first = loaded(folder)
    assert loaded(folder) is first
    assert loaded(folder) is first, "by the files' times"
    assert first.catalog is first.catalog


def test_file_saved_without_change_is_not_loaded_again(folder: Path) -> None:
    first = loaded(folder)
    (folder / "own" / "said.md").write_text("Hi")
    assert loaded(folder) is first


def test_change_within_clock_tick_is_noticed(folder: Path) -> None:
    file = folder / "own" / "said.md"
    file.write_text("Ho")
    stat = file.stat()
    first = loaded(folder)
    assert loaded(folder) is first
    file.write_text("Ha")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert loaded(folder) is not first


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "own" / "a.yaml").write_text("rules: [{reply: Hm}]"),
        lambda folder: (folder / "own" / "said.md").write_text("Hello"),
        lambda folder: (folder / "own" / "c.yaml").write_text("rules: [{reply: Hm}]"),
        lambda folder: (folder / "pack" / "b.yaml").write_text("rules: [{fallback: true, reply: Hm}]"),
        lambda folder: (folder / "pack" / "c.yaml").write_text("rules: [{fallback: true, reply: Hm}]"),
        lambda folder: (folder / "pack" / "pack.yaml").write_text("{name: team, version: '2'}"),
    ],
    ids=["a file", "a text", "a new file", "a pack's file", "a pack's new file", "a pack's manifest"],
)
def test_changed_files_are_loaded_again(folder: Path, change: Callable[[Path], object]) -> None:
    first = loaded(folder)
    assert loaded(folder) is first
    change(folder)
    assert loaded(folder) is not first


def test_missing_file_is_reported(folder: Path) -> None:
    first = loaded(folder)
    shutil.rmtree(folder / "pack")
    assert not first.fresh
    with pytest.raises(Broken, match="pack"):
        loaded(folder)


def test_full_cache_is_cleared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_cache, "_cache", {})  # nothing of other tests, which may have loaded the same
    monkeypatch.setattr(catalog_cache, "MAX_CACHED", 1)
    first = loaded(folder)
    compiled_base(scenario_sources([], ["weather"], {"climate": "calm"}))
    assert loaded(folder) is not first
