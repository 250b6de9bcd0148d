"""The control API under `mockllm exec`: what the command may ask and change, in any language."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mockllm.cli.main import main

HELLO = "rules: [{name: hello, match: {model: known}, reply: Hello.}]"
CALLS = """
import json, os, subprocess, sys, urllib.request
base = os.environ["MOCKLLM_URL"]
def call(path, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(base + path, data, method=method), timeout=60) as answer:
        return json.load(answer)
def ask(session="", model="known"):
    found = call(session + "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "hi"}]})
    return found["choices"][0]["message"]["content"]
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MOCKLLM_"):
            monkeypatch.delenv(name)
    Path("scenarios").mkdir()
    Path("scenarios/hello.yaml").write_text(HELLO)


def run(code: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["exec", "--", sys.executable, "-c", CALLS + code])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_exec_command_can_verify_requests() -> None:
    code = """
ask(); ask("/s/one")
assert [each["session"] for each in call("/api/requests")["requests"]] == ["one", None]
assert call("/api/verify", {"expect": [{"rule": "hello", "exactly": 2}], "all_rules_used": True})["passed"]
assert [each["id"] for each in call("/api/sessions")["sessions"]] == ["one"]
"""
    assert run(code) == 0


def test_exec_command_can_add_rules() -> None:
    code = """
call("/api/rules?session=one", {"name": "mine", "reply": "Mine."})
assert (ask("/s/one"), ask("/s/two"), ask()) == ("Mine.", "Hello.", "Hello.")
call("/api/config/endpoints/openai-chat", {"headers": {"x-a": "b"}}, "PATCH")
assert call("/api/rules")["rules"][-1]["layer"] == "overlay"
call("/api/sessions/one", method="DELETE")
assert ask("/s/one") == "Hello."
"""
    assert run(code) == 0


def test_commands_find_the_server(capfd: pytest.CaptureFixture[str]) -> None:
    code = """
ask()
open("expected.yaml", "w").write("expect: [{match: {model: known}, exactly: 1}]")
done = subprocess.run([sys.executable, "-m", "mockllm", "verify", "expected.yaml"], timeout=60)
sys.exit(done.returncode)
"""
    assert run(code) == 0
    assert "verified: 1 request checked" in capfd.readouterr().out


def test_exec_refuses_reload() -> None:
    code = """
import urllib.error
try:
    call("/api/reload", {})
except urllib.error.HTTPError as refused:
    with refused:
        sys.exit(refused.code - 400)
"""
    assert run(code) == 9
