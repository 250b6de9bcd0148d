"""The control API of `serve`: on the same port, or on a separate one."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.process import command, serving
from tests.server.control.feed_client import following

ADMIN = re.compile(r"control API: (\S+)/api")


def got(
    url: str, method: str = "GET", body: bytes | None = None, host: str | None = None
) -> tuple[int, bytes]:
    headers = {} if host is None else {"Host": host}
    try:
        with urlopen(Request(url, method=method, data=body, headers=headers), timeout=30) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.full
def test_control_api_is_on_server_port(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/a.yaml").write_text("rules: [{name: a, reply: hi}]\n")
    with serving("--port", "0", cwd=tmp_path) as server:
        assert json.loads(got(f"{server.url}/api/rules")[1])["rules"][0]["id"] == "a.yaml:a"
        (tmp_path / "scenarios/a.yaml").write_text("rules: [{name: a, reply: hi}, {name: b, reply: ho}]\n")
        assert json.loads(got(f"{server.url}/api/reload", "POST", b"")[1])["rules"] == 2
        output = json.loads(got(f"{server.url}/api/explain", "POST", b'{"user": "x"}')[1])
        assert output["rule"] == "a.yaml:a"


def test_control_api_is_on_admin_port(tmp_path: Path) -> None:
    with serving("--port", "0", "--admin-port", "0", "--pack", "default", cwd=tmp_path) as server:
        line = server.line(lambda line: ADMIN.search(line) is not None)
        match = ADMIN.search(line)
        assert match is not None
        assert got(f"{server.url}/api/rules")[0] == 404
        assert got(f"{server.url}/metrics")[0] == 404
        assert got(f"{match[1]}/api/rules")[0] == 200
        assert got(f"{match[1]}/health")[0] == 200
        assert got(f"{match[1]}/v1/models")[0] == 404
        assert b"mockllm_rules" in got(f"{match[1]}/metrics")[1]
        status, body = got(f"{match[1]}/v1/chat/completions", "POST", b"[" * 400_000)
        assert (status, json.loads(body)["status"]) == (
            400,
            400,
        )  # the control API refuses it, not the engine
        assert got(f"{server.url}/dashboard")[0] == 404
        assert b"<title>" in got(f"{match[1]}/dashboard")[1]
        asyncio.run(followed(int(match[1].rpartition(":")[2])))


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_program_over_admin_port_calls_provider_port(tmp_path: Path, options: tuple[str, ...]) -> None:
    ports = ("--port", "0", "--admin-port", "0")
    with serving(*ports, "--pack", "default", *options, cwd=tmp_path) as server:
        match = ADMIN.search(server.line(lambda line: ADMIN.search(line) is not None))
        assert match is not None
        assert got(f"{server.url}/v1/models")[0] == 200
        (request,) = json.loads(got(f"{match[1]}/api/requests")[1])["requests"]
        python = json.loads(got(f"{match[1]}/api/requests/{request['id']}/code")[1])["python"]
        assert f"'{server.url}/v1/models'" in python
        assert json.loads(got(f"{match[1]}/api/config")[1])["provider_origin"] == server.url


@pytest.mark.full
def test_server_of_all_addresses_refuses_malformed_host(tmp_path: Path) -> None:
    with serving("--host", "", "--port", "0", "--pack", "default", cwd=tmp_path) as server:
        reset = f"http://127.0.0.1:{server.port}/api/reset"
        for host in ("a$b.evil.example", "x,y.evil.example:80", "evil.example"):
            assert got(reset, "POST", b"", host)[0] == 403
        assert got(reset, "POST", b"", f"localhost:{server.port}")[0] == 200


@pytest.mark.full
def test_admin_port_leaves_control_paths_to_rules(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/a.yaml").write_text("rules: [{match: {path: /api/rules}, http: {body: mine}}]\n")
    with serving("--port", "0", "--admin-port", "0", cwd=tmp_path) as server:
        assert got(f"{server.url}/api/rules") == (200, b"mine")


async def followed(port: int) -> None:
    async with following(port) as follower:
        await follower.next("hello")
        await follower.next("metrics")


@pytest.mark.full
def test_ready_lines_show_dashboard_without_token(tmp_path: Path) -> None:
    everywhere = ("--host", "0.0.0.0", "--port", "0", "--pack", "default")
    for more, text in (
        ((), "no --admin-token is set"),
        (("--admin-token", "s3cret"), "need the admin token"),
    ):
        with serving(*everywhere, *more, cwd=tmp_path) as server:
            line = server.line(lambda line: "Dashboard:" in line)
            assert f"http://localhost:{server.port}/dashboard (" in line
            assert text in line
            assert got(f"http://localhost:{server.port}/dashboard")[0] == 200
            assert "s3cret" not in server.reported


@pytest.mark.full
@pytest.mark.parametrize(
    "more", [(), ("--no-reload",), ("--workers", "2")], ids=["with reload", "without", "workers"]
)
@pytest.mark.covering(count=1)
def test_admin_port_in_use_ends_server(tmp_path: Path, more: tuple[str, ...]) -> None:
    with serving("--port", "0", "--pack", "default", cwd=tmp_path) as first:
        taken = first.url.rpartition(":")[2]
        options = ("--port", "0", "--pack", "default", "--admin-port", taken)
        ended = command("serve", *options, *more, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"port {taken} is in use; choose another with --admin-port" in ended.stderr


@pytest.mark.full
def test_no_reload_refuses_reload_call(tmp_path: Path) -> None:
    with serving("--port", "0", "--no-reload", "--pack", "default", cwd=tmp_path) as server:
        assert got(f"{server.url}/api/reload", "POST", b"")[0] == 409
