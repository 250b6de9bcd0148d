"""`mockllm explain` of entries of the journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.explain_command import report, run

SCENARIO = """\
rules:
  - {name: greeting, match: {user: {contains: hello}}, reply: "Hi."}
  - {name: second, fallback: true, reply: Else.}
modifiers:
  - {name: late, match: {query: {late: {exists: true}}}, delay: 1s}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO, encoding="utf-8")


def entry(**more: Any) -> dict[str, Any]:
    """An entry of the journal, as `mockllm requests --json` and the export print it."""
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "hello"}]}
    headers = [
        {"name": "Content-Type", "value": "application/json"},
        {"name": "Content-Length", "value": "9"},
    ]
    request = {"headers": headers, "body": body, "text": None, "base64": None, "whole": True, **more}
    path = "/v1/chat/completions?late=1"
    return {"id": 7, "method": "POST", "path": path, "status": 404, "missed": True, "request": request}


def test_journal_entry_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    stated = report(entry(), capsys)
    assert stated["rule"] == "a.yaml:greeting"
    assert stated["modifiers"] == ["a.yaml:late"]
    assert stated["guess"] == "request 7 of a journal, without its keys"


def test_lines_of_the_journal_are_explained_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    other = entry(
        body=None, text='{"model": "m", "messages": [{"role": "user", "content": "x"}]}', whole=False
    )
    coded = entry(body=None, base64="/w==")
    lines = "\n\n".join(map(json.dumps, (entry(), other, coded)))
    reports = report(lines, capsys)
    assert [each["rule"] for each in reports] == ["a.yaml:greeting", "a.yaml:second", None]
    assert reports[1]["guess"].endswith("; its body was too large for the journal")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            json.dumps({**entry(), "request": None}),
            "request.json:1:1: this is no whole entry of the journal: ",
        ),
        (
            f"{json.dumps(entry())}\n{json.dumps(entry(base64='?'))}",
            "request.json:2:1: this is no whole entry",
        ),
        (f"{json.dumps(entry())}\n{{}}", "this is not JSON: "),
        (f"{json.dumps(entry())}\nx", "this is not JSON: "),
        ("", "this is not JSON: "),
    ],
)
def test_invalid_journal_entry_is_refused(
    lines: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lines) == 2
    assert problem in capsys.readouterr().err
