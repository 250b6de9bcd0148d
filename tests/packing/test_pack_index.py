"""The index of a company's packs: two teams, an index in a git repository, checksums."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockllm.scenario.lockfile import read_lock
from tests.packing.pack_files import git, manifest, pack, repository, run, tagged, write, zipped


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    write(folder, {"scenarios/a.yaml": "use: [team/x]\n"})
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def index(tmp_path: Path) -> str:
    """The URL of a repository with the index of two teams' packs; the pack of one team uses that of the second."""
    repository(tmp_path / "base", "1.0.0", "1.2.0", "2.0.0", name="one/base")
    other = tmp_path / "x"
    other.mkdir()
    git(other, "init", "--quiet")
    pack(other, "team/x", "1.0.0", "description: bad days of a provider\nuse: [one/base@^1]")
    tagged(other, "v1.0.0")
    company = tmp_path / "company"
    company.mkdir()
    git(company, "init", "--quiet")
    base = (tmp_path / "base").as_uri()
    sources = [f"{base}@v1.0.0", f"{base}@v1.2.0", f"{base}@v2.0.0", f"{other.as_uri()}@v1.0.0"]
    assert run("pack", "index", company / "index.yaml", *sources) == 0
    tagged(company, "anything")
    return company.as_uri()


def test_pack_is_found_and_added_by_its_name(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "search", "BAD", "provider", "--index", index) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split() == ["team/x", "1.0.0", "bad", "days", "of", "a", "provider"]
    assert run("pack", "search", "nothing", "--index", index) == 1
    assert run("pack", "add", "team/x", "--index", index) == 0
    packs = read_lock(str(Path("mockllm.lock").absolute())).packs
    assert {name: locked.version for name, locked in packs.items()} == {
        "team/x": "1.0.0",
        "one/base": "1.2.0",
    }
    assert run("check", "--frozen") == 0


def test_search_as_json_has_all_versions(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("pack", "search", "base", "--index", index, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == "one/base"
    assert row["versions"] == ["1.0.0", "1.2.0", "2.0.0"]


def test_range_selects_version_of_the_index(index: str) -> None:
    assert run("pack", "add", "one/base@~1.0", "--index", index) == 0
    assert read_lock(str(Path("mockllm.lock").absolute())).packs["one/base"].version == "1.0.0"
    assert run("pack", "add", "one/base@^7", "--index", index) == 1


def test_files_that_differ_from_the_index_are_refused(
    index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base"
    pack(base, "one/base", "1.2.0", rules="rules: [{match: {user: x}, reply: Other}]\n")
    git(base, "add", "--all")
    git(base, "commit", "--quiet", "-m", "moved")
    git(base, "tag", "--force", "v1.2.0")
    assert run("pack", "add", "one/base@^1", "--index", index) == 1
    assert "has other files than the index states for one/base 1.2.0" in capsys.readouterr().err


def test_version_of_the_index_does_not_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = repository(tmp_path / "repo", "1.0.0")
    assert run("pack", "index", "index.yaml", f"{built.as_uri()}@v1.0.0") == 0
    before = Path("index.yaml").read_bytes()
    assert run("pack", "index", "index.yaml", f"{built.as_uri()}@v1.0.0") == 0
    assert Path("index.yaml").read_bytes() == before
    assert run("pack", "index", "index.yaml", pack(tmp_path / "p")) == 1
    assert "has other files than the team/x 1.0.0 of the index" in capsys.readouterr().err


def test_each_archive_of_an_index_is_a_version() -> None:
    for version in ("1.0.0", "1.1.0"):
        archive = zipped(Path(f"x-{version}.zip"), {"pack.yaml": manifest("team/x", version)})
        assert run("pack", "index", "index.yaml", archive) == 0
    for version in ("1.0.0", "1.1.0"):
        assert run("pack", "add", f"team/x@={version}", "--index", "index.yaml") == 0
        assert read_lock(str(Path("mockllm.lock").absolute())).packs["team/x"].version == version
        assert run("pack", "remove", "team/x") == 0


def test_versions_stay_where_the_source_of_a_pack_changes(tmp_path: Path) -> None:
    built = repository(tmp_path / "repo", "1.0.0", "1.2.0")
    archive = zipped(Path("x.zip"), {"pack.yaml": manifest("team/x", "1.1.0")})
    for source in (f"{built.as_uri()}@v1.0.0", archive, f"{built.as_uri()}@v1.2.0"):
        assert run("pack", "index", "index.yaml", source) == 0
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        assert run("pack", "add", f"team/x@={version}", "--index", "index.yaml") == 0
        assert run("pack", "remove", "team/x") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index: 2\n", "index.yaml:1:8"),
        ("index: 1\npacks: {a: {source: x, version: {}}}\n", "unknown key"),
        ("index: 1\npacks: {a: {source: x, versions: {'1': {sha256: 7}}}}\n", "sha256"),
    ],
)
def test_bad_index_is_refused_with_position(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("index.yaml").write_text(text)
    assert run("pack", "search", "x", "--index", "index.yaml") == 1
    assert message in capsys.readouterr().err


def test_search_without_index_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "search", "x") == 1
    assert "MOCKLLM_PACK_INDEX" in capsys.readouterr().err
    assert run("pack", "search", "x", "--index", "gone.yaml") == 1


@pytest.mark.parametrize("local", ["a folder", "a repository"])
def test_paths_of_an_index_are_relative_to_its_file(
    local: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = tmp_path / "company"
    if local == "a folder":
        pack(company / "packs" / "x", "team/x", "1.0.0")
    else:
        repository(company / "packs" / "x", "1.0.0", name="team/x")
    monkeypatch.chdir(company / "packs")
    source = "x" if local == "a folder" else "git+x@v1.0.0"
    assert run("pack", "index", "../index.yaml", source) == 0
    assert "packs/x" in (company / "index.yaml").read_text("utf-8")
    assert str(tmp_path) not in (company / "index.yaml").read_text("utf-8")
    monkeypatch.chdir(tmp_path / "work")
    assert run("pack", "add", "team/x@^1.0", "--index", "../company/index.yaml") == 0
    assert run("check", "--frozen") == 0
    assert "../company/packs/x" in Path("mockllm.lock").read_text("utf-8")
