"""`mockllm env`: variables for a shell and for a .env file."""

from __future__ import annotations

import subprocess

import pytest

from mockllm.cli.main import main


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit:
        main(["env", *arguments])
    assert exit.value.code == 0
    return capsys.readouterr().out


def test_env_is_evaluated_by_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--url", "http://127.0.0.1:99/s/a%20b/")
    shown = subprocess.run(
        ["sh", "-c", text + 'echo "$OPENAI_BASE_URL $MOCKLLM_URL"'], capture_output=True, text=True
    )
    assert shown.stdout == "http://127.0.0.1:99/s/a%20b/v1 http://127.0.0.1:99\n"


def test_env_as_dotenv_has_default_url(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOCKLLM_URL", raising=False)
    lines = printed(capsys, "--dotenv").splitlines()
    assert "ANTHROPIC_BASE_URL=http://localhost:8080" in lines
    monkeypatch.setenv("MOCKLLM_URL", "http://localhost:1")
    assert "ANTHROPIC_BASE_URL=http://localhost:1" in printed(capsys, "--dotenv").splitlines()


def test_env_without_url_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["env", "--url", "localhost"])
    assert exit.value.code == 2
    assert "expected a URL such as http://localhost:8080" in capsys.readouterr().err
