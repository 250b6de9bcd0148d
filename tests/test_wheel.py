"""The wheel as a user gets it: what is in it, and that it serves from an empty environment and empty folder.

It is built once. One test looks inside, another installs it and runs what a newcomer runs: no more, as that takes
a while and needs the package index.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from mockllm import __version__
from tests.process import environment, serving

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [pytest.mark.full, pytest.mark.xdist_group("wheel"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the hatchling that is here, else by one that is fetched for it."""
    folder = tmp_path_factory.mktemp("wheel")
    isolated = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    run(sys.executable, "-m", "build", "--wheel", *isolated, "--outdir", str(folder), str(ROOT), cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def run(*line: str, cwd: Path) -> str:
    """What a command says; it must end well."""
    done = subprocess.run(
        line, cwd=cwd, env=environment(), capture_output=True, encoding="utf-8", timeout=240
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_wheel_contains_package_packs_and_schemas_only(wheel: Path) -> None:
    assert wheel.name == f"mockllm_scenarios-{__version__}-py3-none-any.whl"
    about = f"mockllm_scenarios-{__version__}.dist-info/"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entries = archive.read(about + "entry_points.txt").decode()
    assert "[pytest11]\nmockllm_server = mockllm.testing.plugin\n" in entries
    assert {name.partition("/")[0] + "/" for name in names} == {"mockllm/", about}
    assert {about + "licenses/LICENSE", about + "entry_points.txt"} <= names

    code = {name for name in names if name.startswith("mockllm/")}
    shipped = {
        f"mockllm/{inside}/{path.relative_to(ROOT / outside).as_posix()}"
        for outside, inside in (("scenarios", "packs"), ("schemas", "schemas"))
        for path in (ROOT / outside).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    assert {f"mockllm/packs/{pack}/pack.yaml" for pack in ("default", "benchmark")} <= shipped
    assert {name for name in code if name.split("/")[1] in ("packs", "schemas")} == shipped
    page = {
        f"mockllm/dashboard/{name}" for name in ("index.html", "app.js", "app.css", "editor.js", "icon.svg")
    }
    assert {name for name in code if name.startswith("mockllm/dashboard/")} == page, (
        "the page, not its sources"
    )
    site = {name for name in code if name.startswith("mockllm/site/")}
    assert {"mockllm/site/index.html", "mockllm/site/search.json"} <= site, "zensical is in the extra `dev`"
    kinds = {Path(name).suffix for name in code - shipped - page - site}
    assert kinds <= {".py", ".typed", ".yaml", ".md", ".json", ".lua", ".mjs"}, "no caches, no binaries"
    assert not any(Path(name).name.startswith("test_") or "__pycache__" in name for name in names)


def test_wheel_serves_in_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    # Without its own pip, which takes five seconds to make: the one that is here installs there.
    run(sys.executable, "-m", "venv", "--without-pip", str(venv), cwd=tmp_path)
    commands = venv / ("Scripts" if sys.platform == "win32" else "bin")
    python, mockllm = str(commands / "python"), str(commands / "mockllm")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", str(wheel), cwd=empty)

    assert run(mockllm, "--version", cwd=empty) == f"mockllm {__version__}\n"
    assert run(python, "-m", "mockllm", "--version", cwd=empty) == f"mockllm {__version__}\n"
    run(mockllm, "check", "--pack", "benchmark", cwd=empty)
    with serving(cwd=empty, mockllm=[mockllm]) as server:
        assert server.ask("hello")
        assert server.line(lambda line: "default/answers.yaml:made 200" in line)
        with urllib.request.urlopen(f"{server.url}/dashboard/app.js") as script:
            assert script.status == 200
    documentation = serving(cwd=empty, mockllm=[mockllm], verb="docs")
    with documentation as server, urllib.request.urlopen(server.url) as first_page:
        assert b"mockllm" in first_page.read()
    with serving("--pack", "benchmark", cwd=empty, mockllm=[python, "-m", "mockllm"]) as server:
        assert server.get("/health")["files"] == 1
    tls = ("--tls-self-signed", "--tls-port", "0", "--tls-dir", str(tmp_path / "tls"))
    with serving(*tls, cwd=empty, mockllm=[mockllm]) as server:
        assert server.get("/health")["status"]
    assert (tmp_path / "tls" / "ca.pem").is_file()
    assert list(empty.iterdir()) == [], "nothing is left behind"
