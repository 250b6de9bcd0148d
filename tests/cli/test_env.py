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
    assert "MOCKLLM_BASE_URL=http://h/s/v1\n" in printed(capsys, "--dotenv", "--url", "http://h/s/v1")


def test_env_as_dotenv_has_default_url(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOCKLLM_URL", raising=False)
    lines = printed(capsys, "--dotenv").splitlines()
    assert "ANTHROPIC_BASE_URL=http://localhost:8080" in lines
    monkeypatch.setenv("MOCKLLM_URL", "http://localhost:1")
    assert "ANTHROPIC_BASE_URL=http://localhost:1" in printed(capsys, "--dotenv").splitlines()


@pytest.mark.parametrize("url", ["localhost", "http://", "http://h:abc", "http://h:99999", "http://[::1"])
def test_env_with_invalid_url_is_a_mistake(capsys: pytest.CaptureFixture[str], url: str) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["env", "--url", url])
    assert exit.value.code == 2
    assert "mockllm: --url: expected http://HOST:PORT, found" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/v1", "/s/mine/v1/", "/openai/v1"])
def test_env_refuses_the_base_path_of_an_sdk(capsys: pytest.CaptureFixture[str], path: str) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["env", "--url", f"http://h:8080{path}"])
    assert exit.value.code == 2
    assert "expected the address without the path of an SDK" in capsys.readouterr().err
