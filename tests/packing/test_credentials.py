"""Passwords of git URLs reach neither the terminal nor a file, and packs announce what they read and replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.packing.pack_source import parse_pack_source
from mockllm.scenario.lockfile import LockedPackSpec, lock_text, read_lock
from mockllm.scenario.pack_files import PackRejected
from tests.packing.git_server import GitServer
from tests.packing.pack_files import all_files, pack, repository, run, write

PASSWORD = "pa55-w0rd"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write(tmp_path / "work", {"scenarios/a.yaml": "rules: [{reply: hi}]"})
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://bob:{}@git.example/x@v1", "git+https://bob@git.example/x@v1"),
        ("https://ghp_0123456789{}@git.example/x@v1", "git+https://git.example/x@v1"),
        ("git+https://b:{}@y@git.example/x@v1#a", "git+https://b@git.example/x@v1#a"),
        ("https://bob:a%2F{}@git.example/x@v1", "git+https://bob@git.example/x@v1"),
        ("ssh://git:{}@git.example/x@v1", "git+ssh://git@git.example/x@v1"),
        ("ssh://git@git.example/x@v1", "git+ssh://git@git.example/x@v1"),
        ("git@git.example:x@v1", "git+git@git.example:x@v1"),
    ],
)
def test_source_has_no_password_in_a_lockfile(url: str, stored: str, tmp_path: Path) -> None:
    assert parse_pack_source(url.format(PASSWORD), tmp_path).text == stored


def test_password_of_a_url_is_in_no_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    repository(tmp_path / "repos" / "x", "1.0.0")
    with GitServer(tmp_path / "repos") as server:
        url = server.url.replace("://", f"://bob:{PASSWORD}@")
        assert run("pack", "add", f"{url}/x/.git@v1.0.0") == 0
        for source in (
            f"{url}/none@v1",
            f"{url}/x/.git@v9",
            f"{url}/x/.git@main",
            f"ftp://b:{PASSWORD}@x/y",
            f"{url}/y.zip",
        ):
            assert run("pack", "add", source) == 1
        assert run("pack", "info", f"{url}/none@v1") != 0
        assert run("diff", f"{url}/none@v1", "scenarios") != 0
    assert run("pack", "list") == 0
    assert run("pack", "add") == 0
    reported = capfd.readouterr()
    assert PASSWORD not in reported.out + reported.err
    assert "added team/x 1.0.0 from git+http://bob@127.0.0.1" in reported.out
    for path in all_files(Path.cwd()):
        assert PASSWORD not in Path(path).read_text("utf-8", "replace"), path


@pytest.mark.parametrize("mark", "/#?")
def test_password_with_a_mark_of_urls_is_refused(mark: str, capfd: pytest.CaptureFixture[str]) -> None:
    for end in ("", "@v1", "@v1#a"):
        url = f"https://bob:begin{mark}{PASSWORD}@127.0.0.1:9/x.git{end}"
        for line in (["pack", "add"], ["pack", "info"]):
            assert run(*line, url) != 0
        assert run("diff", url, "scenarios") != 0
    reported = capfd.readouterr()
    assert reported.err.count("in a password / is written as %2F") == 9
    for part in (PASSWORD, "begin"):
        assert part not in reported.out + reported.err
    assert not Path("mockllm.lock").exists()


def test_password_of_an_old_lockfile_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    source = f"git+http://bob:{PASSWORD}@127.0.0.1:9/x@v1"
    locked = LockedPackSpec(version="1.0.0", source=source, commit="0" * 40, sha256="0" * 64)
    Path("mockllm.lock").write_text(lock_text({"team/x": locked}))
    assert not read_lock("mockllm.lock").diagnostics
    for line in (["pack", "list"], ["pack", "add"], ["pack", "update"], ["pack", "remove", "team/x"]):
        run(*line)
    reported = capfd.readouterr()
    assert PASSWORD not in reported.out + reported.err
    assert "removed team/x 1.0.0" in reported.out


def test_rejection_of_a_pack_masks_passwords() -> None:
    assert str(PackRejected(f"https://a:{PASSWORD}@x/y is no pack")) == "https://a:REDACTED@x/y is no pack"


def test_pack_with_the_name_of_a_shipped_one_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("pack", "add", pack(tmp_path / "p", "default")) == 1
    assert '"default" is the name of a pack that ships with mockllm' in capfd.readouterr().err
    assert not Path("mockllm.lock").exists()


def test_lockfile_with_the_name_of_a_shipped_pack_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    locked = LockedPackSpec(version="1.0.0", source="../p", sha256="0" * 64)
    Path("mockllm.lock").write_text(lock_text({"default": locked}))
    Path("scenarios/a.yaml").write_text("use: [default]")
    assert run("check", "--frozen") == 1
    assert 'mockllm.lock names "default", which is the name of a pack that ships' in capfd.readouterr().out


def test_pack_add_names_the_variables_that_a_pack_reads(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    more = "params:\n  who: {type: string, default: x, env: [TEAM_WHO, WHO]}\n"
    assert run("pack", "add", pack(tmp_path / "p", more=more)) == 0
    assert "it reads the environment variables TEAM_WHO, WHO" in capfd.readouterr().out
