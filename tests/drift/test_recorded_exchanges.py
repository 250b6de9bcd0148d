"""What `mockllm drift --against` compares: recordings, and no responses that rules generate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.in_process import command
from tests.drift.pretended_provider import SCENARIO

pytestmark = pytest.mark.timeout(300)
CHAT = json.dumps(
    {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "Hi."}}]}
)


@pytest.mark.parametrize(
    "rule",
    [{"reply": "Hi."}, {"replay": {"frames": [CHAT], "as": "reply"}}, {"error": "overloaded"}],
    ids=lambda rule: str(next(iter(rule))),
)
def test_generated_responses_are_no_recordings(tmp_path: Path, rule: object) -> None:
    (tmp_path / "own.yaml").write_text(
        json.dumps({"rules": [rule], "examples": [{"name": "one", "request": {"user": "hi"}}]})
    )
    ended = command("drift", str(SCENARIO), "--against", "own.yaml", cwd=tmp_path)
    assert ended.returncode == 2
    assert "mockllm: nothing was compared" in ended.stderr
    assert "note: own.yaml: 1 response not compared: no recording" in ended.stdout


def test_plain_http_responses_are_compared(tmp_path: Path) -> None:
    http = {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"choices": 3}'}
    rule = {"match": {"path": "/v1/chat/completions"}, "http": http}
    (tmp_path / "own.yaml").write_text(
        json.dumps({"rules": [rule], "examples": [{"request": {"user": "hi"}}]})
    )
    ended = command("drift", str(SCENARIO), "--against", "own.yaml", cwd=tmp_path)
    assert ended.returncode == 1
    assert "$.choices" in ended.stdout


def test_compared_response_frees_its_slot(tmp_path: Path) -> None:
    http = {"status": 200, "headers": {"content-type": "application/json"}, "body": CHAT}
    rule = {"match": {"path": "/v1/chat/completions"}, "http": http}
    requests = [{"request": {"user": text}} for text in ("one", "two")]
    load = {"load": {"max_inflight": 1}}
    (tmp_path / "own.yaml").write_text(
        json.dumps({"rules": [rule], "modifiers": [load], "examples": requests})
    )
    ended = command("drift", str(SCENARIO), "--against", "own.yaml", cwd=tmp_path)
    assert "not compared" not in ended.stdout
