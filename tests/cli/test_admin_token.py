"""The admin token: from the command line, from a file, or created there once and printed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mockllm.cli.control_setup import AdminToken, admin_token
from mockllm.cli.option import BadOption
from tests.cli.in_process import command
from tests.process import serving


def requested(token: str | None = None, file: Path | None = None) -> AdminToken:
    return admin_token({"admin_token": token, "admin_token_file": None if file is None else str(file)})


def test_admin_token_option_is_used(tmp_path: Path) -> None:
    assert requested() == requested("") == AdminToken()
    assert requested("t0ken") == requested("t0ken\n") == AdminToken("t0ken")
    assert requested(" ") == AdminToken()
    (tmp_path / "token").write_text("from-a-file\n")
    assert requested(file=tmp_path / "token") == AdminToken("from-a-file")


def test_missing_token_file_is_created_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    built = requested(file=path)
    assert built.generated == path
    assert path.read_text() == f"{built.text}\n"
    assert len(built.text or "") >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert requested(file=path) == AdminToken(built.text)  # the next start finds it
    assert requested(file=tmp_path / "other").text != built.text


WRONG = {
    "nothing": b"",
    "a blank line": b" \n",
    "two words": b"one two",
    "two lines": b"one\ntwo",
    "no text": b"\xff\xfe",
    "no ASCII": "schlüssel".encode(),
}


@pytest.mark.parametrize("text", ["one two", "one\ntwo", "a\x1bb", "schlüssel", "a\u2028b"])
def test_admin_token_invalid_in_header_is_refused(text: str) -> None:
    with pytest.raises(BadOption, match="--admin-token: not a token: expected one word of ASCII characters"):
        requested(text)


@pytest.mark.parametrize("text", WRONG.values(), ids=list(WRONG))
def test_token_file_without_token_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(text)
    with pytest.raises(BadOption, match="--admin-token-file: "):
        requested(file=path)
    assert path.read_bytes() == text


def test_token_file_unwritable_or_with_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="No such file or directory"):
        requested(file=tmp_path / "no" / "token")
    with pytest.raises(BadOption, match="one of them"):
        requested("x", tmp_path / "token")
    done = command("serve", "--admin-token", "x", "--admin-token-file", "y", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_generated_token_is_printed_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    variable = {"MOCKLLM_ADMIN_TOKEN_FILE": str(path)}
    with serving("--pack", "default", cwd=tmp_path, **variable) as server:
        line = server.line(lambda line: "Dashboard:" in line)
        token = path.read_text().strip()
        assert line.endswith(f"/dashboard?token={token}")
    with serving("--pack", "default", cwd=tmp_path, **variable) as server:
        server.line(lambda line: "Dashboard:" in line)
        assert token not in server.reported
