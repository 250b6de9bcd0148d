"""The Dockerfile, as far as it can be held to its word without Docker: its health check is run for real."""

from __future__ import annotations

import ast
import json
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mockllm.cli.options import SERVING
from mockllm.server.traces.tracing import STOP_TIMEOUT as SPANS
from tests.process import command, environment, serving
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "Dockerfile"
HEALTH = ROOT / "deploy" / "health.py"


def instructions() -> list[tuple[str, str]]:
    """Each with what follows it, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]


def last(name: str) -> str:
    return [rest for instruction, rest in instructions() if instruction == name][-1]


def test_last_stage_runs_as_user() -> None:
    names = [name for name, _ in instructions()]
    assert names.count("FROM") == 3
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER"))
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert last("STOPSIGNAL") == "SIGTERM"


def test_copied_files_exist_and_are_not_ignored() -> None:
    ignored = (FILE.parent / "Dockerfile.dockerignore").read_text("utf-8").split("\n")
    for name, rest in instructions():
        if name != "COPY" or rest.startswith("--from"):
            continue
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored


def copied() -> set[str]:
    """What the first stage takes from this folder."""
    return {source for name, rest in instructions() if name == "COPY" for source in rest.split()[:-1]}


def test_modules_of_build_hook_are_copied() -> None:
    """The hook is one file for hatchling, and imports others beside it."""
    beside = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    found, left = {"build_hook"}, ["build_hook"]
    while left:
        tree = ast.parse((ROOT / "scripts" / f"{left.pop()}.py").read_text("utf-8"))
        names = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
        left += (names & beside) - found
        found |= names & beside
    assert len(found) > 1
    assert {f"scripts/{name}.py" for name in found} <= copied()


def test_files_of_build_are_copied() -> None:
    """The files that hatchling gets."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    hatch = project["tool"]["hatch"]["build"]
    wanted = {*hatch["targets"]["wheel"]["packages"], *hatch["targets"]["wheel"]["force-include"]}
    wanted |= {project["project"]["readme"], *project["project"]["license-files"]}
    wanted |= {
        "pyproject.toml",
        *re.findall(r"install -m \d+ (\S+)", " ".join(rest for _, rest in instructions())),
    }
    wanted |= {hook["path"] for hook in hatch.get("hooks", {}).values()}
    assert wanted <= copied()
    installed = re.search(r"whl\)\[(.+?)\]", last("RUN") + " ".join(rest for _, rest in instructions()))
    assert installed is not None
    assert (
        {"otel", "redis", "tls"}
        == set(installed[1].split(","))
        <= set(project["project"]["optional-dependencies"])
    )


def variables() -> dict[str, str]:
    """What the image sets for its server."""
    return dict(item.split("=", 1) for name, rest in instructions() if name == "ENV" for item in rest.split())


def health_check(*command_line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs it as the container would, in an environment like its own, and with a file like `/proc/1/cmdline`."""
    assert json.loads(last("HEALTHCHECK").partition("CMD ")[2]) == ["python", "/opt/mockllm/health.py"]
    assert "install -m 0644 deploy/health.py /opt/mockllm/" in " ".join(rest for _, rest in instructions())
    return subprocess.run(
        [sys.executable, str(HEALTH), *command_line],
        env=environment(**more), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


@pytest.mark.parametrize("variable", ["MOCKLLM_PORT", "PORT"])
@pytest.mark.covering(count=1)
def test_health_check_finds_running_server(tmp_path: Path, variable: str) -> None:
    with serving("--pack", "default", cwd=tmp_path) as server:
        done = health_check(**{variable: str(server.port)})
        assert (done.returncode, done.stderr) == (0, "")


def test_health_check_finds_https_server(tmp_path: Path) -> None:
    with serving("--tls-self-signed", "--tls-dir", str(tmp_path / "tls"), cwd=tmp_path) as server:
        assert server.url.startswith("https://")
        done = health_check(PORT=str(server.port))
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        "serve --port {port}",
        "serve --port={port} --listen 127.0.0.1:9",
        "serve -l 127.0.0.1:{port} -l :9",
        "serve --pack default --listen=:{port}",
        "serve --host 127.0.0.1 --port {port}",
    ],
)
def test_health_check_reads_arguments(tmp_path: Path, arguments: str) -> None:
    with serving("--pack", "default", cwd=tmp_path) as server:
        words = ["/opt/mockllm/bin/python", "mockllm", *arguments.format(port=server.port).split(), ""]
        (tmp_path / "cmdline").write_text("\0".join(words), "utf-8")
        done = health_check(str(tmp_path / "cmdline"), MOCKLLM_PORT="9")
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("first", ["/sbin/init\0--port\0", "no such file"])
def test_health_check_needs_no_arguments(tmp_path: Path, first: str) -> None:
    """The first process may be another program, and Kubernetes may set a variable of this name."""
    (tmp_path / "cmdline").write_text(first, "utf-8")
    with serving("--pack", "default", cwd=tmp_path) as server:
        more = {"MOCKLLM_PORT": "tcp://10.0.0.1:80", "PORT": str(server.port)}
        done = health_check(str(tmp_path / "cmdline"), **more)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
def test_health_check_ignores_proxy_variables(tmp_path: Path) -> None:
    with serving("--pack", "default", cwd=tmp_path) as server:
        done = health_check(PORT=str(server.port), http_proxy="http://127.0.0.1:9", no_proxy="")
        assert (done.returncode, done.stderr) == (0, "")


def test_and_fails_where_there_is_none() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        done = health_check(MOCKLLM_PORT=port)
    assert done.returncode == 1
    assert f"no server responds at port {port}" in done.stderr


def test_exposed_port_is_default_port() -> None:
    """And the health check's where no variable names another."""
    assert last("EXPOSE") == "8080"
    assert '"8080")' in HEALTH.read_text("utf-8")
    assert next(option.default for option in SERVING if option.name == "--port") == 8080


def test_variables_of_image_exist(tmp_path: Path) -> None:
    """And those of the composition."""
    composed: Any = YAML(typ="safe").load(FILE.with_name("compose.yaml"))
    names = {*variables(), *composed["services"]["mockllm"]["environment"]}
    output = command("serve", "--help", cwd=tmp_path).stdout
    known = {*re.findall(r"\bMOCKLLM_[A-Z_]+", output), "MOCKLLM_DASHBOARD"}  # that is the build's
    assert {name for name in names if name.startswith("MOCKLLM_")} <= known


def test_grace_time_ends_before_docker_kills() -> None:
    """`docker stop` kills after ten seconds; a second stays for the rest."""
    assert float(variables()["MOCKLLM_GRACE"]) + SPANS <= 9
