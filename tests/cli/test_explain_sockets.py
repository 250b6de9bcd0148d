"""`mockllm explain` of a recorded WebSocket."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.explain_command import run

SOCKET = """
rules:
  - name: talk
    match: {path: /v1/realtime}
    replay:
      messages:
        - {data: hello}
        - {at: 1s, from: client, data: '{"type": "a"}'}
        - {at: 2s, data: one}
        - {at: 2s, data: two}
        - {at: 3s, from: client, data: '{"type": "b"}'}
        - {at: 4s, from: client, data: '{"type": "c"}'}
        - {at: 4s, from: client, data: '{"type": "d"}'}
        - {at: 4s, from: client, data: '{"type": "e"}'}
        - {at: 4s, from: client, data: '{"type": "f"}'}
"""


def test_explain_recorded_socket_shows_its_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scenarios").mkdir()
    Path("scenarios", "a.yaml").write_text(SOCKET, encoding="utf-8")
    assert run({"method": "GET", "path": "/v1/realtime", "headers": {"upgrade": "websocket"}}) == 0
    shown = capsys.readouterr().out
    assert "a.yaml:talk responds" in shown
    assert "a recorded WebSocket of 7 turns:" in shown
    assert "    open: 1 message\n    a: 2 messages\n    b: 0 messages\n" in shown
    assert "  …" in shown
