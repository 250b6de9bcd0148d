"""The address and the token of the commands that query a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.testing import MockLLM
from tests.cli.in_process import command

WRONG_URLS = (
    "http://[::1",
    "http://[zz]:80",
    "http://localhost:8080x",
    "http://h:99999",
    "http://a b",
    "http://h\t:80",
    "http://a..b",
    f"http://{'a' * 64}",
    "http://",
    "http://:8080",
    "http://h/ключ",
    "http://h?x=1",
    "http://h#x",
)


@pytest.mark.parametrize("url", WRONG_URLS)
def test_url_without_valid_host_and_port_is_refused(tmp_path: Path, url: str) -> None:
    for name, ended in {
        "--url": command("requests", "--url", url, cwd=tmp_path),
        "MOCKLLM_URL": command("verdict", cwd=tmp_path, MOCKLLM_URL=url),
    }.items():
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"mockllm: {name}: expected http://HOST:PORT, found ")
        assert ended.stderr.count("\n") == 1


def test_url_with_a_user_is_refused_without_its_password(tmp_path: Path) -> None:
    ended = command("requests", "--url", "http://me:s3cret@localhost:1", cwd=tmp_path)
    assert (ended.returncode, "s3cret" in ended.stderr) == (2, False)
    assert "--url: expected no user and no password" in ended.stderr


@pytest.mark.parametrize("token", ["ключ", "one two", "s3cret\nx", "s3cret\x00"])
def test_token_invalid_in_header_is_refused_unseen(tmp_path: Path, token: str) -> None:
    ended = command("requests", "--admin-token", token, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == "mockllm: --admin-token: not a token: expected one word of ASCII characters\n"


def test_token_of_a_variable_may_end_with_a_line(tmp_path: Path) -> None:
    variables = {"MOCKLLM_ADMIN_TOKEN": "s3cret\n", "MOCKLLM_URL": "http://127.0.0.1:1"}
    ended = command("requests", cwd=tmp_path, **variables)
    assert (ended.returncode, "no server responds" in ended.stderr) == (2, True)
    ended = command("requests", cwd=tmp_path, **{**variables, "MOCKLLM_ADMIN_TOKEN": "s3 cret"})
    assert (ended.returncode, "cret" in ended.stderr) == (2, False)
    assert ended.stderr.startswith("mockllm: MOCKLLM_ADMIN_TOKEN: not a token")


@pytest.mark.parametrize("path", ["/v1", "/openai/v1/", "/s/mine/v1"])
def test_url_with_the_path_of_an_sdk_is_refused(tmp_path: Path, path: str) -> None:
    ended = command("requests", "--url", f"http://127.0.0.1:1{path}", cwd=tmp_path)
    own = "http://127.0.0.1:1/s/mine" if "mine" in path else "http://127.0.0.1:1"
    assert ended.returncode == 2
    assert ended.stderr.endswith(f": expected the address without the path of an SDK, {own}\n")


def test_url_of_a_session_has_advice_on_404(tmp_path: Path) -> None:
    with MockLLM() as server:
        ended = command("requests", "--url", f"{server.base_url}/s/mine", cwd=tmp_path)
        assert ended.returncode == 2
        assert f"write the address without a path, {server.base_url}\n" in ended.stderr
