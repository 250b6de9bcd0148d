"""Names of files with templates: the files that they can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.scenario.file_patterns import (
    MAX_MATCHES,
    FilePattern,
    listed_folders,
    matching_files,
    matching_names,
)

NAMES = ("a.md", "b.md", "c.txt", ".hidden.md", "de/a.md", "de/b.md", "fr/a.md", "a+b/x.md")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.md").mkdir()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ([None, ".md"], ["a.md", "b.md"]),
        ([None], ["a.md", "b.md", "c.txt"]),
        (["./", None, ".md"], ["./a.md", "./b.md"]),
        (["de/", None, ".md"], ["de/a.md", "de/b.md"]),
        ([None, "/a.md"], ["de/a.md", "fr/a.md"]),
        ([None, "/", None, ".md"], ["a+b/x.md", "de/a.md", "de/b.md", "fr/a.md"]),
        (["a+", None, "/x.md"], ["a+b/x.md"]),
        (["a", None, "md"], ["a.md"]),
    ],
)
def test_files_that_fit_are_found(pattern: FilePattern, names: list[str], folder: str) -> None:
    assert matching_files(folder, pattern) == names
    assert matching_names(pattern, [*names, "x/y/z"]) == names


@pytest.mark.parametrize(
    ("pattern", "folders"),
    [
        ([None, ".md"], [""]),
        (["de/", None, ".md"], ["de/"]),
        ([None, "/a.md"], [""]),
        ([None, "/", None, ".md"], ["", "a+b/", "de/", "folder.md/", "fr/"]),
        (["none/", None], []),
    ],
)
def test_folders_of_possible_new_files_are_listed(
    pattern: FilePattern, folders: list[str], folder: str
) -> None:
    assert listed_folders(folder, pattern) == folders


@pytest.mark.parametrize("pattern", [[None, ".png"], ["none/", None], ["c.txt/", None], ["x", None, "/a.md"]])
def test_pattern_without_files_is_refused(pattern: FilePattern, folder: str) -> None:
    with pytest.raises(ValueError, match=r"there is no file \""):
        matching_files(folder, pattern)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(MAX_MATCHES + 1):
        (tmp_path / f"{number}.md").touch()
    with pytest.raises(ValueError, match=r'more than 1,000 files are "\*\.md"'):
        matching_files(str(tmp_path), [None, ".md"])
