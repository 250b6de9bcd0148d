"""Runs `mockllm explain` on a request in the working directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.main import main

SCENARIO = """\
rules:
  - name: greeting
    match: {user: {contains: hello}}
    reply: "Hi, {{ model }} here."
  - name: rare
    match: {model: gpt-4}
    chance: 0.001%
    reply: Never.
  - name: shout
    match: {user: HELLO}
    reply: Loud.
  - name: turns
    match: {model: gpt-*}
    pace: {ttft: 200ms, itl: 50ms, chunk_size: 1 word}
    sequence: [One two three., "Second."]
  - {name: second, fallback: true, reply: Else.}
modifiers:
  - {name: late, match: {query: {late: {exists: true}}}, delay: 1s}
  - {name: outage, match: {query: {fail: {exists: true}}}, error: overloaded}
  - {name: seldom, times: 0, delay: 9s}
"""


def run(request: object, *arguments: str) -> int:
    text = request if isinstance(request, str) else json.dumps(request)
    Path("request.json").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as exit:
        main(["explain", "request.json", *arguments])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def report(request: object, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(request, "--json", *arguments) == 0
    return json.loads(capsys.readouterr().out)
