"""What a person may write as the source of a pack, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.packing.pack_source import Place, from_here, understood
from mockllm.scenario.pack_files import Refused
from tests.packing.making import pack, repository, write


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
    ("./plain", Place("folder", "./plain")),
    ("plain", Place("folder", "plain")),
    ("mono#packs/x", Place("git", "mono", None, "packs/x")),
    ("repo", Place("folder", "repo")),
    ("git+repo", Place("git", "repo")),
    ("repo@v1.0.0", Place("git", "repo", "v1.0.0")),
    ("./repo@release/1", Place("git", "./repo", "release/1")),
    ("mono/packs/x@v1", Place("git", "mono", "v1", "packs/x")),
    ("x.zip", Place("zip", "x.zip")),
    ("x.zip#inside", Place("zip", "x.zip", None, "inside")),
    ("x-1-py3-none-any.whl#team/x", Place("wheel", "x-1-py3-none-any.whl", None, "team/x")),
    ("team/x", Place("installed", "team/x")),
    ("installed:team/x", Place("installed", "team/x")),
    ("https://git.example/team/x.git@v1", Place("git", "https://git.example/team/x.git", "v1")),
    ("https://git.example/team/x.git", Place("git", "https://git.example/team/x.git")),
    ("https://me@git.example/x.git", Place("git", "https://me@git.example/x.git")),
    ("https://me@git.example/x.git@v1", Place("git", "https://me@git.example/x.git", "v1")),
    ("ssh://git@git.example:22/x.git@v1#a/b", Place("git", "ssh://git@git.example:22/x.git", "v1", "a/b")),
    ("git@git.example:team/x.git", Place("git", "git@git.example:team/x.git")),
    ("git@git.example:team/x.git@v1.2", Place("git", "git@git.example:team/x.git", "v1.2")),
    ("git+file:///srv/x@v1", Place("git", "file:///srv/x", "v1")),
]


@pytest.mark.parametrize(("text", "place"), CASES, ids=[text for text, _ in CASES])
def test_it_is_understood_and_a_lock_keeps_it(text: str, place: Place, here: Path) -> None:
    assert understood(text, here) == place
    assert understood(place.text, here) == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no source of a pack"),
        ("-x", "is no source of a pack"),
        ("a\nb", "is no source of a pack"),
        ("./none", 'there is no folder, zip, wheel or git repository "./none"'),
        ("repo@a b", '"a b" is no tag or commit'),
        ("repo@v1#../x", '"../x" leads out of repo@v1'),
        ("https://git.example/x.zip", "is not downloaded; fetch it yourself and add the file"),
        ("ftp://git.example/x@v1", '"ftp://" is not fetched'),
    ],
)
def test_what_is_no_source_is_said(text: str, message: str, here: Path) -> None:
    with pytest.raises(Refused) as told:
        understood(text, here)
    assert message in str(told.value)


def test_a_path_is_kept_as_it_is_seen_from_the_lock(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    assert from_here(understood("plain", here), here / "below").where == "../plain"
    assert (
        from_here(understood("https://git.example/x", here), here / "below").where == "https://git.example/x"
    )
    assert from_here(understood("team/x", here), here / "below").where == "team/x"
