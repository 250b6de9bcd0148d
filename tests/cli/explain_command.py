"""Runs `mockllm explain` on a request in the working directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.main import main


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
