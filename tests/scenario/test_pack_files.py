"""Allowed names and sizes of a pack's files, and the pack's digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.scenario import pack_files as limits
from mockllm.scenario.pack_files import MAX_PACK_FILE_SIZE, PackFiles, PackRejected, is_ignored, read_tree


def tree(*paths: str) -> PackFiles:
    result = PackFiles()
    for path in paths:
        result.add(path, path.encode())
    return result


def test_pack_digest_depends_on_paths_and_contents() -> None:
    assert tree("a.yaml", "b/c.yaml").sha256 == tree("b/c.yaml", "a.yaml").sha256
    others = [tree("a.yaml"), tree("b/c.yaml"), tree("a.yaml", "b.yaml"), PackFiles()]
    assert len({each.sha256 for each in others}) == len(others)


def test_read_tree_skips_ignored_paths(tmp_path: Path) -> None:
    for name in (
        "pack.yaml",
        "a/b.yaml",
        ".git/x",
        "a/.hidden",
        "__pycache__/x.yaml",
        "dist/x.whl",
        "a/dist/y.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(read_tree(tmp_path).files) == ["a/b.yaml", "a/dist/y.yaml", "pack.yaml"]


@pytest.mark.parametrize("path", [".git/config", "a/.x", "dist/a.whl", "dist", "__pycache__/a"])
def test_is_ignored_for_dot_names_caches_and_dist(path: str) -> None:
    assert is_ignored(path)
    assert not is_ignored(f"x{path.removeprefix('.')}".replace("/.", "/").replace("__pycache__", "cache"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/a", "is an absolute path"),
        ("\\\\host\\a", "is an absolute path"),
        ("c:a", "is an absolute path"),
        ("a/..", "leads out of the pack"),
        ("..", "leads out of the pack"),
        ("a//b", "is a path that not every system allows"),
        ("a/./b", "is a path that not every system allows"),
        ("a ", "is a path that not every system allows"),
        ("a.", "is a path that not every system allows"),
        ("a?", "is a path that not every system allows"),
        ("a\u202eb", '"a\\u202eb" is a path that not every system allows'),
        ("LPT1.txt", "is a device"),
        ("a" * 201, "is a path of more than 200 bytes"),
        ("/".join("a" * 13), "is in more than 12 folders"),
        ("a.PY", "is code; a pack is data"),
    ],
)  # fmt: skip
def test_pack_files_refuse_bad_path(path: str, message: str) -> None:
    with pytest.raises(PackRejected) as reported:
        tree(path)
    assert message in str(reported.value)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("a.yaml", "a.yaml"), '"a.yaml" and "a.yaml" are one file on some systems'),
        (("a.yaml", "A.yaml"), '"a.yaml" and "A.yaml" are one file on some systems'),
        (("x/a.yaml", "X/b.yaml"), '"x" and "X" are one file on some systems'),
        (("caf\u00e9", "cafe\u0301"), "are one file on some systems"),
        (("a", "a/b"), '"a/b" is inside a file'),
    ],
    ids=["twice", "cases", "cases of a folder", "accents", "a file as a folder"],
)
def test_pack_files_refuse_colliding_paths(paths: tuple[str, ...], message: str) -> None:
    with pytest.raises(PackRejected) as reported:
        tree(*paths)
    assert message in str(reported.value)


def test_pack_files_refuse_sizes_before_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PackRejected, match="has 16 MiB; a file of a pack may have at most 16 MiB"):
        PackFiles().expect("a", MAX_PACK_FILE_SIZE + 1)
    monkeypatch.setattr(limits, "MAX_PACK_SIZE", 10)
    result = tree("12345", "6789")
    with pytest.raises(PackRejected, match="its files have more than"):
        result.add("a", b"xx")
    monkeypatch.setattr(limits, "MAX_FILES", 2)
    with pytest.raises(PackRejected, match="it has more than 2 files"):
        result.add("a", b"")


def test_read_tree_refuses_deep_folders(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 30)).mkdir(parents=True)
    with pytest.raises(PackRejected, match="is in more than 12 folders"):
        read_tree(tmp_path)
