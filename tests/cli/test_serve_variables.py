"""Environment variables of `mockllm serve`: each option has one."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from mockllm.cli import serve
from mockllm.cli.options import LOAD_OPTIONS, SERVING, option_values, unknown_variables, without_effect
from mockllm.testing.environment import RUN_DIR, variables
from tests.cli.in_process import command as command_here
from tests.process import serving, without_dashboard

SCENARIO = """mockllm: 1
rules:
  - name: greeting
    match: {user: hello}
    reply: Hi there.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO)
    return tmp_path


@pytest.mark.full
@pytest.mark.parametrize(
    "variables",
    [{"PORT": "0"}, {"MOCKLLM_PORT": "0"}, {"MOCKLLM_PORT": "0", "PORT": "1"}],
    ids=["PORT", "MOCKLLM_PORT", "MOCKLLM_PORT before PORT"],
)
@pytest.mark.covering(count=1)
def test_serve_reads_port_from_environment(folder: Path, variables: dict[str, str]) -> None:
    with serving(cwd=folder, **variables) as server:
        assert server.port not in (1, 8080)
        assert server.ask("hello") == "Hi there."


@pytest.mark.full
def test_serve_option_overrides_its_variable(folder: Path) -> None:
    with serving(
        "--port", "0", "--host", "127.0.0.1", cwd=folder, PORT="1", MOCKLLM_HOST="nowhere"
    ) as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_folders_packs_and_parameters_from_the_environment(tmp_path: Path) -> None:
    with serving(
        cwd=tmp_path, MOCKLLM_PACK="default,benchmark", MOCKLLM_SET="default.default_response=As you wish."
    ) as server:
        assert server.ask() == "As you wish."
    (tmp_path / "mine.yaml").write_text("mockllm: 1\nrules: [{name: r, reply: Mine.}]\n")
    with serving(cwd=tmp_path, MOCKLLM_SCENARIOS="mine.yaml", MOCKLLM_QUIET="1") as server:
        assert server.ask() == "Mine."


@pytest.mark.full
def test_serve_reads_limit_from_environment(folder: Path) -> None:
    with serving(cwd=folder, MOCKLLM_MAX_BODY="200") as server, pytest.raises(Exception, match="413"):
        server.ask("x" * 300)


def test_serve_unknown_variable_warns(folder: Path) -> None:
    (folder / "scenarios" / "mine").mkdir()
    (folder / "scenarios" / "mine" / "pack.yaml").write_text(
        'name: mine\nversion: "1"\nparams: {n: {type: integer, env: [N, MOCKLLM_N]}}\n'
    )
    (folder / "scenarios" / "use.yaml").write_text("mockllm: 1\nuse: [./mine]\n")
    variables = {"MOCKLLM_QUITE": "1", "MOCKLLM_ZZZ": "1", "MOCKLLM_N": "1", "MOCKLLM_MAX_BODY": "9000"}
    with serving(cwd=folder, **variables) as server:
        server.line(lambda line: "MOCKLLM_ZZZ" in line)
        assert without_dashboard(server.err) == [
            "warning: MOCKLLM_QUITE has no effect; did you mean MOCKLLM_QUIET?",
            "warning: MOCKLLM_ZZZ has no effect; `mockllm serve --help` lists all variables",
        ]


def warned(options: list[str], **variables: str) -> list[str]:
    parser = argparse.ArgumentParser()
    serve.arguments(parser)
    args = parser.parse_args(options)
    return [*without_effect(args, option_values(args, (*LOAD_OPTIONS, *SERVING), variables))]


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        (["--tls-dir", "x"], ["--tls-dir has no effect without --tls-self-signed"]),
        (["--store-wait", "2s"], ["--store-wait has no effect without --store or --workers"]),
        (["--store-failure", "local"], ["--store-failure has no effect without --store or --workers"]),
        (["--redact", "Alice"], ["--redact has no effect without --record-misses"]),
        (["--tls-dir", "x", "--tls-self-signed", "--store-wait", "2s", "--workers", "2"], []),
        (["--store-wait", "2s", "--store", "redis://x", "--redact", "Alice", "--record-misses", "y"], []),
    ],
)
def test_option_without_effect_warns(options: list[str], warnings: list[str]) -> None:
    assert warned(options) == warnings


def test_variable_without_effect_does_not_warn() -> None:
    assert warned([], MOCKLLM_STORE_WAIT="2s", MOCKLLM_REDACT="Alice") == []
    assert warned(["--tls-dir", "x"], MOCKLLM_TLS_SELF_SIGNED="1") == []


def test_serve_prints_options_without_effect(folder: Path) -> None:
    with serving("--port", "0", "--tls-dir", "x", cwd=folder) as server:
        server.line(lambda line: "listening on" in line)
        assert "warning: --tls-dir has no effect without --tls-self-signed" in "".join(server.err)


def test_variables_for_clients_are_known() -> None:
    """After `eval "$(mockllm env)"` in a shell, and in the command of `exec`."""
    assert list(unknown_variables({**variables("http://localhost:8080"), RUN_DIR: "/tmp/x"}, ())) == []


@pytest.mark.full
def test_serve_ignores_kubernetes_variables(folder: Path) -> None:
    """In each container beside a Service called `mockllm`, or `mockllm-admin`."""
    service = {"SERVICE_HOST": "10.0.0.1", "SERVICE_PORT": "8080", "SERVICE_PORT_HTTP": "8080"}
    port = {"PROTO": "tcp", "PORT": "8080", "ADDR": "10.0.0.1"}
    ports = {"PORT": "tcp://10.0.0.1:8080", "PORT_8080_TCP": "tcp://10.0.0.1:8080", **service}
    ports |= {f"PORT_8080_TCP_{name}": value for name, value in port.items()}
    variables = {
        f"{name}_{end}": text for name in ("MOCKLLM", "MOCKLLM_ADMIN") for end, text in ports.items()
    }
    with serving(cwd=folder, PORT="0", **variables) as server:
        assert server.ask("hello") == "Hi there."
        assert server.err == []


def test_serve_help_names_variable_of_every_option(tmp_path: Path) -> None:
    output = command_here("serve", "--help", cwd=tmp_path, COLUMNS="200").stdout
    for option in re.findall(r"(?m)^  (?:-\w \S+, )?(--[\w-]+)", output):
        variable = "MOCKLLM_" + option[2:].upper().replace("-", "_")
        assert re.search(rf"(?m)^  .*{option}\b.*\s+.*\[{variable}[\],]", output), option
    assert "(default 32 MiB) [MOCKLLM_MAX_BODY]" in output
    assert "[MOCKLLM_PORT, PORT]" in output


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MOCKLLM_PORT": "many"}, "MOCKLLM_PORT: expected a whole number, found 'many'"),
        ({"MOCKLLM_PORT": "99999"}, "MOCKLLM_PORT: expected a port from 0 to 65535, found '99999'"),
        ({"MOCKLLM_ADMIN_PORT": "-1"}, "MOCKLLM_ADMIN_PORT: expected a port from 0 to 65535, found '-1'"),
        ({"MOCKLLM_LISTEN": ":65536"}, "MOCKLLM_LISTEN: expected a port from 0 to 65535, found '65536'"),
        ({"MOCKLLM_STORE_WAIT": "0"}, "MOCKLLM_STORE_WAIT: expected more than 0 seconds, found '0'"),
        ({"PORT": "many"}, "'many'"),
        ({"MOCKLLM_STRICT": "perhaps"}, "MOCKLLM_STRICT: expected true or false, found 'perhaps'"),
        (
            {"MOCKLLM_MAX_BODY": "big"},
            "MOCKLLM_MAX_BODY: expected a number of bytes, such as 1000, 64KiB or ",
        ),
        ({"MOCKLLM_GRACE": "nan"}, "MOCKLLM_GRACE: expected a number of seconds, found 'nan'"),
        ({"MOCKLLM_MAX_DELAY": "-1s"}, 'MOCKLLM_MAX_DELAY: "-1s" is negative'),
        ({"MOCKLLM_JOURNAL": "1.5"}, "MOCKLLM_JOURNAL: expected a whole number, found '1.5'"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "".join(value),
)
def test_serve_invalid_variable_is_named(folder: Path, variables: dict[str, str], expected: str) -> None:
    done = command_here("serve", cwd=folder, **variables)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
