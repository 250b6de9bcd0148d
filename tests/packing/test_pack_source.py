"""What a person may write as the source of a pack, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from mockllm.packing.pack_source import PackSource, from_here, parse_pack_source
from mockllm.scenario.pack_files import PackRejected
from tests.packing.pack_files import pack, repository, write


@pytest.fixture
def here(tmp_path: Path) -> Path:
    pack(tmp_path / "plain")
    repository(tmp_path / "repo", "1.0.0")
    mono = repository(tmp_path / "mono", "1.0.0")
    (mono / "pack.yaml").unlink()
    pack(mono / "packs" / "x")
    write(tmp_path, {"x.zip": "", "x-1-py3-none-any.whl": ""})
    return tmp_path


CASES = [
    ("./plain", PackSource("folder", "./plain")),
    ("plain", PackSource("folder", "plain")),
    ("mono#packs/x", PackSource("git", "mono", None, "packs/x")),
    ("repo", PackSource("folder", "repo")),
    ("git+repo", PackSource("git", "repo")),
    ("repo@v1.0.0", PackSource("git", "repo", "v1.0.0")),
    ("./repo@release/1", PackSource("git", "./repo", "release/1")),
    ("mono/packs/x@v1", PackSource("git", "mono", "v1", "packs/x")),
    ("x.zip", PackSource("zip", "x.zip")),
    ("x.zip#inside", PackSource("zip", "x.zip", None, "inside")),
    ("x-1-py3-none-any.whl#team/x", PackSource("wheel", "x-1-py3-none-any.whl", None, "team/x")),
    ("team/x", PackSource("installed", "team/x")),
    ("installed:team/x", PackSource("installed", "team/x")),
    ("https://git.example/team/x.git@v1", PackSource("git", "https://git.example/team/x.git", "v1")),
    ("https://git.example/team/x.git", PackSource("git", "https://git.example/team/x.git")),
    ("https://me@git.example/x.git", PackSource("git", "https://me@git.example/x.git")),
    ("https://me@git.example/x.git@v1", PackSource("git", "https://me@git.example/x.git", "v1")),
    ("https://me:word@git.example:9/x.git", PackSource("git", "https://me:word@git.example:9/x.git")),
    ("https://me:word@git.example/x@v1", PackSource("git", "https://me:word@git.example/x", "v1")),
    (
        "ssh://git@git.example:22/x.git@v1#a/b",
        PackSource("git", "ssh://git@git.example:22/x.git", "v1", "a/b"),
    ),
    ("git@git.example:team/x.git", PackSource("git", "git@git.example:team/x.git")),
    ("git@git.example:team/x.git@v1.2", PackSource("git", "git@git.example:team/x.git", "v1.2")),
    ("git+file:///srv/x@v1", PackSource("git", "file:///srv/x", "v1")),
]


@pytest.mark.parametrize(("text", "place"), CASES, ids=[text for text, _ in CASES])
def test_source_is_parsed_and_written_to_lockfile(text: str, place: PackSource, here: Path) -> None:
    assert parse_pack_source(text, here) == place
    assert parse_pack_source(place.text, here) == replace(place, where=place.where.replace(":word", ""))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a source of a pack"),
        ("-x", "is not a source of a pack"),
        ("a\nb", "is not a source of a pack"),
        ("./none", 'there is no folder, zip, wheel or git repository "./none"'),
        ("repo@a b", '"a b" is not a tag or commit'),
        ("repo@v1#../x", '"../x" is outside of repo@v1'),
        ("https://git.example/x.zip", "is not downloaded; fetch it yourself and add the file"),
        ("ftp://git.example/x@v1", '"ftp://" is not fetched'),
    ],
)
def test_invalid_source_is_reported(text: str, message: str, here: Path) -> None:
    with pytest.raises(PackRejected) as raised:
        parse_pack_source(text, here)
    assert message in str(raised.value)


def test_path_is_stored_relative_to_the_lockfile(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    assert from_here(parse_pack_source("plain", here), here / "below").where == "../plain"
    assert (
        from_here(parse_pack_source("https://git.example/x", here), here / "below").where
        == "https://git.example/x"
    )
    assert from_here(parse_pack_source("team/x", here), here / "below").where == "team/x"
