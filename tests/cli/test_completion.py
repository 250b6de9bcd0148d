"""`mockllm completion`: scripts that shells accept and that complete commands and options."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mockllm.cli.completion import SHELLS
from mockllm.cli.main import COMMANDS, main


def script(capsys: pytest.CaptureFixture[str], shell: str) -> str:
    with pytest.raises(SystemExit) as exit:
        main(["completion", shell])
    assert exit.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_names_all_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(capsys, shell)
    assert all(command in text for command in COMMANDS)
    assert "allow-overrides" in text


@pytest.mark.needs("bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mockllm", "se"], ["serve"]),
        (["mockllm", "serve", "--sc"], ["--scenarios"]),
        (["mockllm", "serve", "--scenarios", "my"], ["mypack"]),
        (["mockllm", "pack", "add", "my"], ["mypack"]),
    ],
    ids=["a command", "an option", "an option's folder", "a folder"],
)
def test_bash_completes(
    words: list[str], expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mypack").mkdir()
    file = tmp_path / "mockllm.bash"
    file.write_text(script(capsys, "bash"), encoding="utf-8")
    line = f"""
    source {file}
    COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}
    _shtab_mockllm mockllm {words[-1]} {words[-2]}
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    shown = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == expected
