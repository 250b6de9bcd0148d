"""Packs from folders, git, zips and wheels: added, locked, updated, removed, vendored, and refused when changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mockllm.packing.builder import build
from mockllm.scenario.lockfile import Lock, read_lock
from tests.packing.git_server import GitServer
from tests.packing.pack_files import all_files, git, manifest, pack, repository, run, tagged, write, zipped
from tests.process import serving
from tests.waiting import until


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with scenarios that use a pack."""
    folder = tmp_path / "work"
    write(folder, {"scenarios/a.yaml": "use: [team/x]\n"})
    monkeypatch.chdir(folder)
    return folder


def lock() -> Lock:
    result = read_lock(str(Path("mockllm.lock").absolute()))
    assert result.diagnostics == ()
    return result


def wants(wanted: str) -> None:
    write(Path("scenarios"), {"a.yaml": f'use: ["team/x@{wanted}"]\n'})


SOURCES = ["a folder", "a repository", "its URL", "a commit", "a folder of a repository", "a zip", "a wheel"]


def source(kind: str, folder: Path) -> str:
    if kind == "a folder":
        return str(pack(folder / "p"))
    if kind == "a zip":
        return str(zipped(folder / "x.zip", {}))
    if kind == "a wheel":
        return str(build(pack(folder / "p"), folder)[0])
    if kind == "a folder of a repository":
        built = folder / "mono"
        repository(built, "9.0.0", name="other")
        pack(built / "packs" / "x")
        git(built, "add", "--all")
        git(built, "commit", "--quiet", "-m", "x")
        git(built, "tag", "both/1")
        return f"git+{built.as_uri()}@both/1#packs/x"
    built = repository(folder / "repo", "1.0.0")
    if kind == "a commit":
        return f"{built.as_uri()}@{git(built, 'rev-parse', 'HEAD')}"
    return f"{built.as_uri()}@v1.0.0" if kind == "its URL" else f"{built}@v1.0.0"


@pytest.mark.parametrize("kind", SOURCES)
def test_pack_of_any_source_is_locked_and_loaded(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("check") == 1
    assert 'there is no pack "team/x"' in capfd.readouterr().out
    assert run("pack", "add", source(kind, tmp_path)) == 0
    assert capfd.readouterr().out.startswith("added team/x 1.0.0 from ")
    assert lock().packs["team/x"].version == "1.0.0"
    assert (lock().packs["team/x"].commit is not None) == (kind not in ("a folder", "a zip", "a wheel"))
    assert run("check", "--frozen") == 0

    before = Path("mockllm.lock").read_bytes()
    shutil.rmtree(".mockllm")
    capfd.readouterr()
    assert run("check", "--frozen") == 1
    assert (
        "mockllm.lock names team/x 1.0.0, and its files are missing; run `mockllm pack add`"
        in capfd.readouterr().out
    )
    assert run("check") == 0
    assert capfd.readouterr().err.startswith("fetched team/x 1.0.0 from ")
    assert run("check", "--frozen") == 0
    assert Path("mockllm.lock").read_bytes() == before


def test_all_sources_of_same_files_have_one_digest(tmp_path: Path) -> None:
    results = set()
    for kind in (kind for kind in SOURCES if kind not in ("a repository", "its URL", "a commit")):
        shutil.rmtree(tmp_path / "theirs", ignore_errors=True)
        (tmp_path / "theirs").mkdir()
        assert run("pack", "add", source(kind, tmp_path / "theirs")) == 0
        results.add(lock().packs["team/x"].sha256)
        assert run("pack", "remove", "team/x") == 0
    assert len(results) == 1


def test_changed_pack_is_refused_until_restored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    stored = Path(".mockllm/packs/team/x@1.0.0/rules.yaml")
    stored.write_text(stored.read_text() + "# more\n")
    for line in (["check"], ["check", "--frozen"], ["serve", "--port", "0"]):
        capfd.readouterr()
        assert run(*line) in (1, 2)
        output = capfd.readouterr()
        assert "is not team/x 1.0.0 of mockllm.lock: its files have changed" in output.out + output.err
    assert run("pack", "list") == run("pack", "list", "--json") == 1
    assert run("pack", "add") == 0
    assert run("check", "--frozen") == 0


def test_changed_files_of_same_version_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = pack(tmp_path / "p")
    assert run("pack", "add", built) == 0
    before = Path("mockllm.lock").read_bytes()
    write(built, {"rules.yaml": "rules: []\n"})
    for line in (["pack", "add", str(built)], ["pack", "update"]):
        assert run(*line) == 1
        assert "a version never changes; raise the version in its pack.yaml" in capfd.readouterr().err
    assert Path("mockllm.lock").read_bytes() == before
    shutil.rmtree(".mockllm")
    assert run("check") == 1
    assert (
        "no longer contains the team/x 1.0.0 of mockllm.lock (its files have changed)"
        in capfd.readouterr().err
    )
    write(built, {"pack.yaml": manifest(version="1.0.1")})
    assert run("pack", "update") == 0
    assert "team/x 1.0.0 -> 1.0.1 from" in capfd.readouterr().out
    assert run("check", "--frozen") == 0


def test_moved_tag_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = repository(tmp_path / "repo", "1.0.0")
    assert run("pack", "add", f"{built}@v1.0.0") == 0
    write(built, {"rules.yaml": "rules: []\n"})
    git(built, "commit", "--quiet", "--all", "-m", "moved")
    git(built, "tag", "--force", "v1.0.0")
    shutil.rmtree(".mockllm")
    capfd.readouterr()
    assert run("check") == 1
    output = capfd.readouterr()
    assert "(the tag was moved)" in output.err
    assert "its files are missing; `mockllm pack add` fetches it, or says why it cannot" in output.out


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("^1", "1.9.0"),
        ("~1.2", "1.2.7"),
        (">=1, <1.2.7", "1.2.0"),
        ("1.2.0", "1.2.0"),
        ("*", "2.0.0"),
        ("2", "2.0.0"),
    ],
)
def test_newest_matching_version_is_chosen(wanted: str, version: str, tmp_path: Path) -> None:
    built = repository(tmp_path / "repo", "1.2.0", "1.2.7", "1.9.0", "2.0.0", "3.0.0-rc.1")
    assert run("pack", "add", f"{built}@v1.2.0") == 0
    wants(wanted)
    assert run("pack", "update", "team/x") == 0
    assert lock().packs["team/x"].version == version
    assert run("check", "--frozen") == 0


def test_update_leaves_a_pack_whose_source_is_out_of_range(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    built = pack(tmp_path / "p", version="0.1.0")
    assert run("pack", "add", built) == 0
    wants("^0.1")
    write(built, {"pack.yaml": manifest(version="0.2.0")})
    other = pack(tmp_path / "q", "team/y")
    assert run("pack", "add", other) == 0
    write(other, {"pack.yaml": manifest("team/y", "1.1.0")})
    capfd.readouterr()
    assert run("pack", "update") == 0
    says = "team/x 0.1.0 stays: ../p is 0.2.0, but scenarios/a.yaml:1:7 requires ^0.1\n"
    assert capfd.readouterr().out.startswith(f"{says}team/y 1.0.0 -> 1.1.0 from")
    assert lock().packs["team/x"].version == "0.1.0"


def test_update_names_the_range_that_nothing_meets(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = pack(tmp_path / "p", version="0.1.0")
    assert run("pack", "add", built) == 0
    wants("^1")
    write(built, {"pack.yaml": manifest(version="0.2.0")})
    assert run("pack", "update") == 1
    messages = capfd.readouterr().err
    assert "mockllm: team/x: ../p is 0.2.0, but scenarios/a.yaml:1:7 requires ^1\n" in messages


def test_version_conflict_is_reported_with_its_origin(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    built = repository(tmp_path / "repo", "1.0.0")
    assert run("pack", "add", f"{built}@v1.0.0") == 0
    wants("^2")
    capfd.readouterr()
    assert run("check") == 1
    hint = "the pack team/x is 1.0.0, and ^2 is required; try `mockllm pack update team/x`"
    assert f"scenarios/a.yaml:1:7: use[0]: {hint}" in capfd.readouterr().out
    assert run("pack", "update") == 1
    assert "has no version that fits ^2; its newest is 1.0.0" in capfd.readouterr().err


def test_conflicting_ranges_are_reported_with_positions(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    write(Path("scenarios"), {"a.yaml": 'use: ["team/x@^1"]\n', "b.yaml": 'use: ["team/x@^2"]\n'})
    capfd.readouterr()
    assert run("check") == 1
    hint = (
        "the pack team/x is 1.0.0, and ^2 is required here, ^1 in scenarios/a.yaml:1:7; no version fits both"
    )
    assert f"scenarios/b.yaml:1:7: use[0]: {hint}" in capfd.readouterr().out
    assert run("pack", "add", pack(tmp_path / "q", version="1.5.0")) == 1
    output = capfd.readouterr().err
    assert "scenarios/b.yaml:1:7 requires ^2" in output
    assert "scenarios/a.yaml:1:7 requires ^1, which it meets" in output


def test_pack_may_use_another_pack(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(tmp_path / "p", more='use: ["base@^1"]')) == 0
    assert "it uses base@^1, which is not installed: add it, too" in capfd.readouterr().out
    assert run("check") == 1
    assert run("pack", "add", pack(tmp_path / "q", "base", "1.4.0")) == 0
    assert run("check", "--frozen") == 0
    capfd.readouterr()
    uses = "use: [base@^1, default@^1, weather@~0.1, ./inner]"
    write(pack(tmp_path / "p", version="1.1.0", more=uses), {"inner/pack.yaml": manifest("inner")})
    assert run("pack", "add", tmp_path / "p") == 0
    assert [line for line in capfd.readouterr().out.splitlines() if "uses" in line] == [
        "  it uses weather@~0.1, but weather 1.0 is installed: add or update it, too",
    ]


def test_removed_pack_is_gone_and_vendored_is_complete(tmp_path: Path) -> None:
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    assert run("pack", "vendor") == 0
    shutil.rmtree(".mockllm")
    shutil.rmtree(tmp_path / "p")
    assert run("check", "--frozen") == 0
    assert run("pack", "remove", "team/x") == 0
    assert all_files(Path()) == {"mockllm.lock", "scenarios/a.yaml"}
    assert lock().packs == {}
    assert run("pack", "remove", "team/x") == 1


def test_named_pack_is_served_at_a_version(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    assert run("test", "--pack", "team/x@^1") == 0
    capfd.readouterr()
    assert run("check", "--pack", "team/x@^2") == 2
    assert "--pack team/x@^2: the pack team/x is 1.0.0, and ^2 is required" in capfd.readouterr().out


def test_rules_of_team_pack_have_its_full_name(tmp_path: Path) -> None:
    built = pack(tmp_path / "p", rules="rules: [{name: hi, fallback: true, reply: Hi.}]\n")
    assert run("pack", "add", built) == 0
    mine = "use: [team/x]\nrules: [{replaces: 'team/x:hi', reply: Ho.}]\n"
    examples = "examples: [{request: {user: x}, expect: {text: Ho.}}]\n"
    write(Path("scenarios"), {"a.yaml": mine + examples})
    assert run("test") == 0


def test_git_over_http_is_fetched(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = repository(tmp_path / "served" / "x.git", "1.0.0", "1.1.0", "1.2.0")
    git(built, "tag", "-a", "-m", "with a word", "v1.1.1", "v1.1.0")
    with GitServer(tmp_path / "served") as server:
        url = f"{server.url}/x.git/.git"
        for at, version in {
            "@v1.0.0": "1.0.0",
            f"@{git(built, 'rev-parse', 'v1.1.0')}": "1.1.0",
            "": "1.2.0",
        }.items():
            assert run("pack", "add", url + at) == 0
            assert lock().packs["team/x"].version == version
        shutil.rmtree(".mockllm")
        assert run("pack", "add") == 0
        assert run("pack", "add", f"{url}@v1.1.1") == 0, "a tag that is an object of its own"
        assert lock().packs["team/x"].commit == git(built, "rev-parse", "v1.1.0")
        capfd.readouterr()
        assert run("pack", "add", f"{url}@main", f"{url}@v9", f"{server.url}/none.git@v1") == 1
    output = capfd.readouterr().err
    assert f'"main" is a branch of {url}, which moves' in output
    assert 'has no tag "v9"' in output
    assert f"git: repository '{server.url}/none.git/' not found" in output


def test_abbreviated_commit_is_accepted(tmp_path: Path) -> None:
    built = repository(tmp_path / "repo", "1.0.0", "1.1.0")
    first = git(built, "rev-parse", "v1.0.0")
    assert run("pack", "add", f"{built}@{first[:10]}") == 0
    assert lock().packs["team/x"].version == "1.0.0"
    assert lock().packs["team/x"].commit == first
    assert lock().packs["team/x"].source.endswith(f"@{first}"), "the next time nothing else is fetched"
    git(built, "tag", "deadbeef", "v1.1.0")
    assert run("pack", "add", f"{built}@deadbeef") == 0, "a tag may look like a commit"
    assert lock().packs["team/x"].version == "1.1.0"


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("@v9", 'has no tag "v9"'),
        ("@0123456789", 'has no commit "0123456789"'),
        ("@" + "0" * 40, f'has no commit "{"0" * 40}"'),
        ("@v1.0.0#none", "it is not a pack: it contains no pack.yaml"),
    ],
)
def test_missing_ref_or_folder_is_reported(
    at: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("pack", "add", f"{repository(tmp_path / 'repo', '1.0.0')}{at}") == 1
    assert message in capfd.readouterr().err
    assert all_files(Path()) == {"scenarios/a.yaml"}


def test_missing_repository_or_version_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", f"{(tmp_path / 'none').as_uri()}@v1") == 1
    assert "git: " in capfd.readouterr().err
    built = repository(tmp_path / "repo")
    pack(built)
    tagged(built, "first")
    assert run("pack", "add", built.as_uri()) == 1
    assert "has no tag that is a version; name a commit" in capfd.readouterr().err


def test_interrupted_fetch_leaves_the_old_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A repository that loses an object in the middle, and a git that never ends."""
    built = repository(tmp_path / "repo", "1.0.0", "1.1.0")
    assert run("pack", "add", f"{built}@v1.0.0") == 0
    before = {name: Path(name).read_bytes() for name in all_files(Path())}
    lost = git(built, "rev-parse", "v1.1.0:rules.yaml")
    (built / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    assert run("pack", "update") == 1
    slow = write(tmp_path / "bin", {"git": "#!/bin/sh\nexec sleep 100\n"})
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("mockllm.packing.git.GIT_TIMEOUT", 0.1)
    assert run("pack", "update") == 1
    assert "git did not end within 0.1 s" in capfd.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("pack", "update") == 1
    assert "git is not installed" in capfd.readouterr().err
    assert {name: Path(name).read_bytes() for name in all_files(Path())} == before


def test_frozen_server_does_not_fetch(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    shutil.rmtree(".mockllm")
    assert run("serve", "--port", "0", "--frozen") == 2
    assert (
        "its files are missing; run `mockllm pack add` to fetch it before --frozen" in capfd.readouterr().err
    )
    assert run("test", "--frozen") == 2
    assert not Path(".mockllm").exists()


@pytest.mark.full
def test_running_server_loads_an_updated_pack(tmp_path: Path) -> None:
    built = repository(tmp_path / "repo", "1.0.0", "1.1.0")
    assert run("pack", "add", f"{built}@v1.0.0") == 0
    with serving(cwd=Path.cwd()) as server:
        assert server.ask("hi") == "Hi from 1.0.0."
        assert run("pack", "update") == 0
        until(lambda: server.ask("hi") == "Hi from 1.1.0.")
