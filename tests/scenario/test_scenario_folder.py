"""The files of a folder, also as Kubernetes mounts them, and the files that a file may refer to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mockllm.scenario import scenario_folder as folders
from mockllm.scenario.pack_resolver import bundled_names, bundled_pack
from mockllm.scenario.scenario_folder import (
    fingerprint,
    is_pack,
    linked_folders,
    read_bytes,
    read_reference,
    scenario_files,
)


def create_files(home: Path, *names: str) -> Path:
    for name in names:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return home


def config_map(home: Path, version: str) -> Path:
    """Create a volume as Kubernetes does: visible links into a hidden folder that is replaced as a whole."""
    create_files(home, f"..{version}/a.yaml", f"..{version}/answer.md")
    swapped = home / "..data_tmp"
    swapped.symlink_to(f"..{version}")
    os.replace(swapped, home / "..data")
    for name in ("a.yaml", "answer.md"):
        if not (home / name).is_symlink():
            (home / name).symlink_to(f"..data/{name}")
    return home


def test_scenario_files_are_yaml_at_any_depth(tmp_path: Path) -> None:
    create_files(
        tmp_path, "b.yaml", "a.yml", "c.txt", "sub/a.yaml", "sub/deep/z.yaml", "a.yaml.bak", "sub.yaml"
    )
    assert scenario_files(tmp_path) == ["a.yml", "b.yaml", "sub.yaml", "sub/a.yaml", "sub/deep/z.yaml"]


def test_scenario_files_skip_dot_names(tmp_path: Path) -> None:
    create_files(tmp_path, ".a.yaml", ".git/a.yaml", "sub/.b.yaml", "sub/..data/c.yaml", "sub/d.yaml")
    assert scenario_files(tmp_path) == ["sub/d.yaml"]


def test_scenario_files_skip_packs_and_manifest(tmp_path: Path) -> None:
    create_files(tmp_path, "pack.yaml", "a.yaml", "sub/pack.yaml", "sub/b.yaml", "sub/deep/c.yaml")
    assert is_pack(tmp_path)
    assert scenario_files(tmp_path) == ["a.yaml"]


def test_scenario_files_of_config_map_are_listed_once(tmp_path: Path) -> None:
    config_map(tmp_path, "2026_1")
    assert scenario_files(tmp_path) == ["a.yaml"]
    assert linked_folders(tmp_path, ["a.yaml"]) == set()
    config_map(tmp_path, "2026_2")
    assert scenario_files(tmp_path) == ["a.yaml"]
    assert read_bytes(str(tmp_path / "a.yaml")) == b"..2026_2/a.yaml"
    assert read_reference(str(tmp_path), "a.yaml", "answer.md") == b"..2026_2/answer.md"


def test_link_to_itself_is_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("a.yaml")
    (tmp_path / "b.txt").symlink_to("b.txt")
    assert scenario_files(tmp_path) == ["a.yaml"]


def test_scenario_files_follow_links_without_cycles(tmp_path: Path) -> None:
    home = create_files(tmp_path / "home", "a.yaml", "sub/b.yaml")
    create_files(tmp_path, "elsewhere/c.yaml")
    (home / "sub" / "up").symlink_to(home)
    (home / "linked").symlink_to(tmp_path / "elsewhere")
    assert scenario_files(home) == ["a.yaml", "linked/c.yaml", "sub/b.yaml"]
    assert linked_folders(home, scenario_files(home)) == {os.path.realpath(tmp_path / "elsewhere")}


@pytest.mark.parametrize("target", ["c.yaml", "missing.yaml"])
def test_linked_folders_omit_that_of_a_linked_file(tmp_path: Path, target: str) -> None:
    home = create_files(tmp_path / "home", "a.yaml")
    create_files(tmp_path, "elsewhere/c.yaml")
    (home / "b.yaml").symlink_to(tmp_path / "elsewhere" / target)
    assert linked_folders(home, scenario_files(home)) == set()


@pytest.mark.parametrize(
    ("file", "name", "content"),
    [
        ("a.yaml", "answer.md", "answer.md"),
        ("a.yaml", "texts/long.md", "texts/long.md"),
        ("a.yaml", "./texts/../answer.md", "answer.md"),
        ("sub/b.yaml", "../answer.md", "answer.md"),
        ("sub/b.yaml", "near.md", "sub/near.md"),
    ],
)
def test_read_reference_is_relative_to_file(tmp_path: Path, file: str, name: str, content: str) -> None:
    create_files(tmp_path, "answer.md", "texts/long.md", "sub/near.md")
    assert read_reference(str(tmp_path), file, name) == content.encode()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.md", '"../secret.md" is outside of the folder'),
        ("texts/../../secret.md", "is outside of the folder"),
        ("../home-too/secret.md", "is outside of the folder"),
        ("/etc/passwd", '"/etc/passwd" is outside of the folder'),
        ("leads-out.md", '"leads-out.md" is a link that leads out of the folder'),
        ("anwser.md", 'there is no file "anwser.md"; did you mean "answer.md"?'),
        ("text/long.md", 'there is no file "text/long.md"'),
        ("texts/lonk.md", 'there is no file "texts/lonk.md"; did you mean "texts/long.md"?'),
        ("texts", '"texts" cannot be read: Is a directory'),
    ],
)
def test_read_reference_outside_or_missing_raises(tmp_path: Path, name: str, message: str) -> None:
    home = create_files(tmp_path / "home", "answer.md", "texts/long.md")
    create_files(tmp_path, "secret.md", "home-too/secret.md")
    (home / "leads-out.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(ValueError) as error:
        read_reference(str(home), "a.yaml", name)
    assert message in str(error.value)


def test_read_reference_too_large_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FILE_SIZE", 4)
    create_files(tmp_path, "answer.md")
    with pytest.raises(ValueError, match="is larger than"):
        read_reference(str(tmp_path), "a.yaml", "answer.md")


def test_bundled_packs_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_files(tmp_path, "one/pack.yaml", "two/pack.yaml", "three/a.yaml")
    monkeypatch.setattr("mockllm.scenario.pack_resolver._bundled_folder", lambda: tmp_path)
    assert bundled_names() == ["one", "two"]
    assert bundled_pack("one") == tmp_path / "one"
    assert bundled_pack("three") is None
    assert bundled_pack("../one") is None
    monkeypatch.setattr("mockllm.scenario.pack_resolver._bundled_folder", lambda: tmp_path / "none")
    assert bundled_names() == []


def test_fingerprint_has_links_to_nothing(tmp_path: Path) -> None:
    empty = fingerprint([tmp_path])
    (tmp_path / "a.yaml").symlink_to("nowhere")
    assert fingerprint([tmp_path]) != empty
    (tmp_path / "a.yaml").unlink()
    assert fingerprint([tmp_path]) == empty
