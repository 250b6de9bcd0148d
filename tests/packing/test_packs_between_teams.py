"""Packs between teams: what a pack uses comes with it, in versions that fit together; newer versions, branches."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mockllm.packing.fetch import FetchedPack
from mockllm.packing.pack_source import PackSource
from mockllm.packing.resolution import uses_of
from mockllm.scenario.lockfile import Lock, read_lock
from mockllm.scenario.manifest import PackSpec
from mockllm.scenario.pack_files import PackFiles, PackRejected
from tests.packing.pack_files import EXAMPLE, git, pack, repository, run, tagged, write


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    write(folder, {"scenarios/a.yaml": "use: [team/x]\n"})
    monkeypatch.chdir(folder)
    return folder


def lock() -> Lock:
    result = read_lock(str(Path("mockllm.lock").absolute()))
    assert result.diagnostics == ()
    return result


def versions() -> dict[str, str]:
    return {name: locked.version for name, locked in lock().packs.items()}


def using(folder: Path, name: str, uses: dict[str, str]) -> Path:
    """A repository of a pack, each version of which uses other packs."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for version, more in uses.items():
        pack(folder, name, version, f"use: [{more}]")
        tagged(folder, f"v{version}")
    return folder


def test_pack_brings_what_it_uses(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    low = repository(tmp_path / "low", "1.0.0", "1.4.0", "2.0.0", name="low")
    middle = using(tmp_path / "middle", "middle", {"1.0.0": f"{{pack: low@^1, from: '{low.as_uri()}'}}"})
    using(tmp_path / "x", "team/x", {"1.0.0": f"{{pack: middle@^1, from: '{middle.as_uri()}'}}"})
    assert run("pack", "add", tmp_path / "x") == 0
    assert versions() == {"low": "1.4.0", "middle": "1.0.0", "team/x": "1.0.0"}
    assert "added low 1.4.0 from git+" in capfd.readouterr().out
    assert run("check", "--frozen") == 0


def test_older_version_is_taken_where_the_newest_does_not_fit(tmp_path: Path) -> None:
    low = repository(tmp_path / "low", "1.0.0", "2.0.0", name="low")
    source = f"from: '{low.as_uri()}'"
    using(
        tmp_path / "x",
        "team/x",
        {"1.0.0": f"{{pack: low@^1, {source}}}", "1.1.0": f"{{pack: low@^2, {source}}}"},
    )
    using(tmp_path / "y", "team/y", {"1.0.0": f"{{pack: low@^1, {source}}}"})
    assert run("pack", "add", (tmp_path / "x").as_uri(), (tmp_path / "y").as_uri()) == 0
    assert versions() == {"low": "1.0.0", "team/x": "1.0.0", "team/y": "1.0.0"}


def test_ranges_without_common_version_lock_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    low = repository(tmp_path / "low", "1.0.0", "2.0.0", name="low")
    source = f"from: '{low.as_uri()}'"
    using(tmp_path / "x", "team/x", {"1.0.0": f"{{pack: low@^1, {source}}}"})
    using(tmp_path / "y", "team/y", {"1.0.0": f"{{pack: low@^2, {source}}}"})
    assert run("pack", "add", (tmp_path / "x").as_uri(), (tmp_path / "y").as_uri()) == 1
    error = capfd.readouterr().err
    assert "no version of low meets all requirements:" in error
    assert "team/x 1.0.0 requires ^1" in error
    assert "team/y 1.0.0 requires ^2" in error
    assert not Path("mockllm.lock").exists()


def test_pack_names_no_folder_of_its_users(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pack(tmp_path / "low", "low")
    assert (
        run("pack", "add", pack(tmp_path / "p", more=f"use: [{{pack: low, from: '{tmp_path / 'low'}'}}]"))
        == 1
    )
    assert "is not the URL of a git repository" in capfd.readouterr().err


def test_pack_from_elsewhere_names_no_repository_of_this_machine(tmp_path: Path) -> None:
    found = FetchedPack(
        PackFiles(),
        PackSpec.model_validate(
            {"name": "a", "version": "1", "use": [{"pack": "b", "from": tmp_path.as_uri()}]}
        ),
        PackSource("git", "https://git.example/a.git"),
    )
    with pytest.raises(PackRejected, match="is not the URL of a git repository"):
        list(uses_of(found))


def test_outdated_lists_what_fits_and_what_is_newest(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    built = repository(tmp_path / "x", "1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1")
    write(Path("scenarios"), {"a.yaml": 'use: ["team/x@^1"]\n'})
    assert run("pack", "add", f"{built}@v1.0.0") == 0
    capfd.readouterr()
    assert run("pack", "outdated") == 1
    head, row, _ = capfd.readouterr().out.splitlines()
    assert head.split() == ["name", "locked", "fits", "newest", "source"]
    assert row.split()[:4] == ["team/x", "1.0.0", "1.1.0", "2.0.0"]
    assert run("pack", "update") == 0
    assert versions() == {"team/x": "1.1.0"}
    assert run("pack", "update", "--major") == 0
    assert versions() == {"team/x": "2.0.0"}
    assert Path("scenarios/a.yaml").read_text() == 'use: ["team/x@^2.0.0"]\n'
    assert "scenarios/a.yaml:1:7: team/x@^1 is now team/x@^2.0.0" in capfd.readouterr().out
    assert run("pack", "outdated") == 0
    assert run("check", "--frozen") == 0


def test_outdated_names_a_source_that_changed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = pack(tmp_path / "p")
    assert run("pack", "add", built) == 0
    write(built, {"rules.yaml": "rules: []\n"})
    capfd.readouterr()
    assert run("pack", "outdated") == 1
    out = capfd.readouterr().out
    assert out.startswith(
        "team/x 1.0.0: ../p has other files under the same version (its files have changed); "
    )
    assert "up to date" not in out
    assert run("pack", "outdated", "--json") == 1
    (row,) = json.loads(capfd.readouterr().out)
    assert row == {
        "name": "team/x",
        "locked": "1.0.0",
        "fits": "-",
        "newest": "1.0.0",
        "source": "../p",
        "changed": "its files have changed",
    }


def test_outdated_names_a_moved_tag(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = repository(tmp_path / "x", "1.0.0")
    assert run("pack", "add", f"{built}@v1.0.0") == 0
    git(built, "tag", "--force", "-a", "-m", "with a word", "v1.0.0", "v1.0.0")
    git(built, "commit", "--quiet", "--allow-empty", "-m", "the same files")
    assert run("pack", "outdated") == 0
    git(built, "tag", "--force", "v1.0.0")
    assert run("pack", "outdated") == 0
    write(built, {"rules.yaml": "rules: []\n"})
    git(built, "commit", "--quiet", "--all", "-m", "moved")
    git(built, "tag", "--force", "v1.0.0")
    capfd.readouterr()
    assert run("pack", "outdated") == 1
    assert "@v1.0.0 has other files under the same version (the tag was moved); " in capfd.readouterr().out


def test_outdated_of_a_source_that_is_gone_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    shutil.rmtree(tmp_path / "p")
    assert run("pack", "outdated") == 0
    reported = capfd.readouterr()
    assert (
        'the versions of ../p are unknown: there is no folder, zip, wheel or git repository "../p"'
        in reported.err
    )
    assert reported.out.splitlines()[-1] == "all packs whose versions are known are up to date"


def test_tag_of_another_version_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shared = tmp_path / "x"
    shared.mkdir()
    git(shared, "init", "--quiet")
    pack(shared, "team/x", "0.1.0")
    tagged(shared, "v1.0.0")
    assert run("pack", "add", f"{shared}@v1.0.0") == 0
    assert "its tag is v1.0.0, but its pack.yaml says 0.1.0" in capfd.readouterr().out
    pack(shared, "team/x", "1.1.0")
    tagged(shared, "v1.1.0")
    assert run("pack", "update", "team/x") == 0
    assert "its tag" not in capfd.readouterr().out


def test_branch_is_followed_and_refused_by_frozen(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = repository(tmp_path / "x", "1.0.0")
    assert run("pack", "add", f"{built}@main") == 1
    assert '"main" is a branch' in capfd.readouterr().err
    assert run("pack", "add", "--dev", f"{built}@main") == 0
    assert lock().packs["team/x"].branch == "main"
    assert run("check") == 0
    assert run("check", "--frozen") == 1
    assert "names the branch main for team/x, and --frozen uses no branch" in capfd.readouterr().out
    pack(built, rules="rules: [{match: {user: new}, reply: New}]\n")
    assert run("pack", "outdated") == 0
    head = tagged(built, "later")
    assert run("pack", "outdated") == 1
    assert head[:12] in capfd.readouterr().out
    assert run("pack", "update") == 0
    assert run("pack", "outdated") == 0
    assert "team/x 1.0.0 has new files" in capfd.readouterr().out
    assert lock().packs["team/x"].commit == head
    assert run("pack", "add", f"{built}@v1.0.0") == 0
    assert run("check", "--frozen") == 0


def test_outdated_goes_on_after_an_unreadable_branch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outdated = repository(tmp_path / "a", "1.0.0", "1.1.0", name="a")
    followed = repository(tmp_path / "b", "1.0.0", name="b")
    assert run("pack", "add", "--dev", f"{followed.as_uri()}@main") == 0
    followed.rename(tmp_path / "gone")
    capfd.readouterr()
    assert run("pack", "outdated") == 0
    reported = capfd.readouterr()
    assert "mockllm: b: the newest commit of git+file://" in reported.err
    assert "/b@main is unknown: git: " in reported.err
    assert reported.out.splitlines()[-1] == "all packs whose versions are known are up to date"
    assert run("pack", "add", f"{outdated}@v1.0.0") == 0
    capfd.readouterr()
    assert run("pack", "outdated", "--json") == 1
    reported = capfd.readouterr()
    (row,) = json.loads(reported.out)
    assert (row["name"], row["locked"], row["newest"]) == ("a", "1.0.0", "1.1.0")
    assert reported.err.count("mockllm: b: ") == 1


def test_outdated_names_a_branch_that_is_deleted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    followed = repository(tmp_path / "b", "1.0.0", name="b")
    assert run("pack", "add", "--dev", f"{followed}@main") == 0
    git(followed, "branch", "--move", "main", "trunk")
    capfd.readouterr()
    assert run("pack", "outdated") == 0
    reported = capfd.readouterr()
    assert reported.err.count('b has no branch "main"') == 1
    assert reported.out.splitlines()[-1] == "all packs whose versions are known are up to date"


def test_examples_of_a_used_pack_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", write(pack(tmp_path / "p"), {"examples.yaml": EXAMPLE})) == 0
    capfd.readouterr()
    assert run("test") == 0
    assert "mockllm test --pack team/x runs the examples of the pack team/x" in capfd.readouterr().err
    assert run("test", "--pack", "team/x") == 0
    assert capfd.readouterr() == ("ok .mockllm/packs/team/x@1.0.0/examples.yaml:1 a greeting\n1 passed\n", "")


def test_dev_needs_a_branch(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = repository(tmp_path / "x", "1.0.0")
    assert run("pack", "add", "--dev", f"{built}@gone") == 1
    assert 'has no branch "gone"' in capfd.readouterr().err
    assert run("pack", "add", "--dev", pack(tmp_path / "p")) == 1
    assert "--dev follows a branch of a git repository" in capfd.readouterr().err


def test_fetched_packs_are_ignored_by_git(tmp_path: Path, work: Path) -> None:
    git(work, "init", "--quiet")
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    assert ".mockllm" not in git(work, "status", "--short", "--untracked-files=all")


def used_versions(tmp_path: Path) -> None:
    """A pack whose newer versions need newer versions of another one, which uses a third; the oldest are locked."""
    third = repository(tmp_path / "third", "1.0.0", "1.1.0", "2.0.0", name="third")
    low = using(
        tmp_path / "low",
        "low",
        {version: f"{{pack: third@^{version}, from: '{third.as_uri()}'}}" for version in ("1.0.0", "2.0.0")},
    )
    source = f"from: '{low.as_uri()}'"
    uses = {"1.0.0": "low@^1", "1.5.0": "low@^2", "2.0.0": "low@^2"}
    top = using(
        tmp_path / "x", "team/x", {version: f"{{pack: {name}, {source}}}" for version, name in uses.items()}
    )
    write(Path("scenarios"), {"a.yaml": 'use: ["team/x@^1"]\n'})
    assert run("pack", "add", f"{top}@v1.0.0") == 0
    assert versions() == {"team/x": "1.0.0", "low": "1.0.0", "third": "1.1.0"}


@pytest.mark.parametrize("names", [(), ("team/x",)])
def test_update_brings_newer_versions_of_used_packs(tmp_path: Path, names: tuple[str, ...]) -> None:
    used_versions(tmp_path)
    assert run("pack", "update", *names) == 0
    assert versions() == {"team/x": "1.5.0", "low": "2.0.0", "third": "2.0.0"}
    assert run("check", "--frozen") == 0


def test_major_update_brings_newer_versions_of_used_packs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    used_versions(tmp_path)
    assert run("pack", "update", "--major") == 0
    assert versions() == {"team/x": "2.0.0", "low": "2.0.0", "third": "2.0.0"}
    messages = capfd.readouterr().out
    assert "team/x@^1 is now team/x@^2.0.0" in messages
    assert "it uses" not in messages, "what it uses is locked with it"
    assert run("check", "--frozen") == 0


def test_update_respects_ranges_of_packs_that_stay(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    used_versions(tmp_path)
    assert run("pack", "update", "--major", "low") == 0
    got = capfd.readouterr()
    assert "low 1.0.0 stays" in got.out
    assert "mockllm: low 2.0.0 is newer, but " in got.err
    assert "pack.yaml:" in got.err  # who requires an older one
    assert "requires ^1" in got.err
    assert versions() == {"team/x": "1.0.0", "low": "1.0.0", "third": "1.1.0"}


def test_update_of_refused_pack_does_not_stop_others(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    used_versions(tmp_path)
    repository(tmp_path / "y", "1.0.0", name="team/y")
    assert run("pack", "add", (tmp_path / "y").as_uri()) == 0
    (tmp_path / "y").rename(tmp_path / "gone")
    assert run("pack", "update") == 1
    assert "team/y" in capfd.readouterr().err
    assert versions() == {"team/x": "1.5.0", "low": "2.0.0", "third": "2.0.0", "team/y": "1.0.0"}
