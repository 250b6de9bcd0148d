"""`mockllm hash`: a request's names, for `match: {hash: …}`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.main import main
from tests.core.request.test_request_hash import POEM
from tests.language.virtual_server import raw_request, respond_once

AZURE: dict[str, Any] = {"path": "/azure/openai/deployments/gpt-4o-mini/chat/completions", "body": POEM}


def run(folder: Path, request: object, *more: str) -> int:
    file = folder / "request.json"
    file.write_text(request if isinstance(request, str) else json.dumps(request), encoding="utf-8")
    with pytest.raises(SystemExit) as exit:
        main(["hash", str(file), *more])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def test_hash_prints_both_hashes_and_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, AZURE) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "older hash  daa5badeb5cfabcb85b36bb0d6d8daa2a63536329f3c48e654137a6b3dc8c3d6"
    assert '"provider":"azure"' in lines[2]
    request = raw_request(AZURE["path"], POEM)
    for hash in (line.split()[-1] for line in lines[:2]):
        response = respond_once(
            f"rules: [{{name: recorded, match: {{hash: {hash}}}, reply: Again.}}]", request
        )
        assert response.rule == "recorded"
        assert response.headers["x-mockllm-hash"] == lines[0].split()[-1]


def test_hash_escapes_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, {"model": "m\x1b[2J\u202e", "messages": []}) == 0
    output = capsys.readouterr().out
    assert r'"model":"m\u001b[2J\u202e"' in output
    assert all(line.isprintable() for line in output.splitlines())


@pytest.mark.parametrize("names", ["run,user", "user, run "])
def test_volatile_fields_may_be_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: str
) -> None:
    hashes = []
    for run_number in (1, 2):
        body: dict[str, Any] = {"model": "m", "messages": [], "run": run_number}
        assert run(tmp_path, body, "--hash-ignore", names) == 0
        hashes.append(capsys.readouterr().out.splitlines()[0])
    assert hashes[0] == hashes[1]


def test_hash_of_bare_body_reports_guess(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, {"model": "claude-x", "messages": []}) == 0
    assert "assumed to be the body of POST /v1/messages" in capsys.readouterr().err


def test_hash_of_invalid_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "{") == 2
    assert "not JSON" in capsys.readouterr().err
