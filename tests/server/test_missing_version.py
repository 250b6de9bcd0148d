"""Calls of OpenAI at paths without `/v1`: they are served, with a note."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import live
from tests.server.recording import BODY, post

CHAT = "/chat/completions"
NOTE = "OpenAI's base URL ends with /v1; a rule with path: /v1/… does not match this request"


@pytest.mark.parametrize("prefix", ["", "/openai", "/s/mine"])
def test_openai_path_without_v1_is_served_with_note(prefix: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: hi}]")
    with live(tmp_path / "a.yaml") as server:
        for path in (CHAT, CHAT, f"/v1{CHAT}"):
            assert post(server.url, prefix + path, BODY).status == 200
        assert NOTE in server.line(lambda line: f" {prefix}{CHAT}" in line)
        assert NOTE not in server.line(lambda line: f"/v1{CHAT}" in line)
        notes = [entry.notes for entry in server.app.journal]
    assert notes == [(NOTE,), (NOTE,), ()]


def test_each_request_without_v1_has_the_note_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{match: {path: /v1/chat/completions}, reply: hi}]")
    with live(tmp_path / "a.yaml") as server:
        for number in range(2):
            assert post(server.url, CHAT, {**BODY, "model": f"m{number}"}).status == 404
        assert NOTE in server.line(lambda line: " m0 " in line)
        assert NOTE in server.line(lambda line: " m1 " in line)


def test_anthropic_path_without_v1_has_no_note(tmp_path: Path) -> None:
    """Vercel's provider for Anthropic sends such paths."""
    (tmp_path / "a.yaml").write_text("rules: [{reply: hi}]")
    with live(tmp_path / "a.yaml") as server:
        assert post(server.url, "/messages", {**BODY, "max_tokens": 9}).status == 200
        assert "base URL" not in server.line(lambda line: "/messages" in line)
