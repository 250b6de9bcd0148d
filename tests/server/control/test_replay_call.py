"""Requests of the journal are sent to another server, with a key that is nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockllm.server.control.handlers import replays
from tests.server.control.live_server import Steered, steered

KEY = "sk-live-0123456789abcdef"
ECHO = """
rules:
  - name: echo
    match: {user: {contains: hello}}
    reply: "{{ headers.authorization | default('nobody') }} said {{ user }}"
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Steered]:
    folder = tmp_path / "other"
    folder.mkdir()
    with steered(folder, {"echo.yaml": ECHO}) as server:
        yield server


def kept(server: Steered, user: str, **more: Any) -> str:
    """The call that sends a request again which just came."""
    server.ask(user, **more)
    number = server.call("GET", "/api/requests").json["requests"][0]["id"]
    return f"/api/requests/{number}/send"


def base(server: Steered) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_request_is_sent_to_another_server(server: Steered, other: Steered) -> None:
    call, before = kept(server, "hello there", session="mine"), server.app.journal.total
    sent = server.call("POST", call, {"server": base(other), "key": KEY})
    assert (sent.status, sent.json["status"], sent.json["whole"]) == (200, 200, True)
    assert "said hello there" in sent.json["text"]
    assert KEY not in sent.text
    (got,) = other.call("GET", "/api/requests").json["requests"]
    assert (got["method"], got["path"], got["session"]) == ("POST", "/v1/chat/completions", None)
    assert server.app.journal.total == before


def test_edited_body_is_sent_in_place(server: Steered, other: Steered) -> None:
    call = kept(server, "words")
    body = '{"model": "m", "messages": [{"role": "user", "content": "hello again"}]}'
    sent = server.call("POST", call, {"server": f"{base(other)}/v1", "body": body})
    assert "said hello again" in sent.json["text"]


def test_response_of_many_bytes_is_cut(
    server: Steered, other: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "MAX_BODY", 20)
    sent = server.call("POST", kept(server, "hello"), {"server": base(other)})
    assert (sent.json["whole"], len(sent.json["text"])) == (False, 20)


def test_host_that_is_not_allowed_gets_nothing(server: Steered, other: Steered) -> None:
    call = kept(server, "hello")
    sent = server.call("POST", call, {"server": "https://api.openai.com/v1"})
    assert (sent.status, "--proxy-allow api.openai.com" in sent.json["detail"]) == (403, True)
    # for a call from elsewhere, this machine is another host, too
    headers = {"x-mockllm-admin-token": "t", "x-forwarded-for": "192.0.2.1"}
    sent = server.call("POST", call, {"server": base(other)}, headers)
    assert sent.status in (401, 403)
    assert other.call("GET", "/api/requests").json["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"server": "ftp://localhost"},
        {"server": "http://a@localhost"},
        {"server": "http://localhost?x"},
        {"server": "http://localhost:99999"},
        {"server": "http://localhost:port"},
        {"server": "http://[localhost"},
    ],
    ids=["none", "scheme", "user", "query", "port", "word", "bracket"],
)
def test_server_that_is_no_base_url_is_refused(server: Steered, body: dict[str, str]) -> None:
    sent = server.call("POST", kept(server, "hello"), body)
    assert (sent.status, sent.json["errors"][0]["field"]) == (422, "server")


def test_server_that_does_not_respond_is_named(server: Steered) -> None:
    sent = server.call("POST", kept(server, "hello"), {"server": "http://127.0.0.1:9", "key": KEY})
    assert sent.status == 502
    reason = "cannot connect to 127.0.0.1:9: Connection refused"
    assert sent.json["detail"] == f"http://127.0.0.1:9 does not respond: {reason}"
