"""`mockllm completion`: scripts that shells accept and that complete commands and options."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mockllm.cli.completion import SHELLS
from mockllm.cli.main import COMMANDS, main
from tests.waiting import PATIENCE


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
        (["mockllm", "serve", "--pack", "wea"], ["weather"]),
        (["mockllm", "pack", "add", "my"], ["mypack"]),
    ],
    ids=["a command", "an option", "an option's folder", "a shipped pack", "a folder"],
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


WORDS = [
    ("mockllm se", "serve"),
    ("mockllm serve --scen", "--scenarios"),
    ("mockllm serve --scenarios my", "mypack/"),
    ("mockllm serve --pack wea", "weather"),
    ("mockllm completion fi", "fish"),
]
"""A line, and what it becomes or is offered for its last word."""


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
@pytest.mark.parametrize(("line", "expected"), WORDS)
def test_fish_completes(line: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mypack").mkdir()
    (tmp_path / "mockllm.fish").write_text(script(capsys, "fish"), encoding="utf-8")
    command = ["fish", "--no-config", "-c", f"source mockllm.fish; complete -C '{line}'"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [offered.split("\t")[0] for offered in shown.stdout.splitlines()] == [expected]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
@pytest.mark.parametrize(("line", "expected"), WORDS)
def test_zsh_completes(line: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Typed in a terminal, with the Tab key."""
    (tmp_path / "mypack").mkdir()
    (tmp_path / "_mockllm").write_text(script(capsys, "zsh"), encoding="utf-8")
    (tmp_path / "type.zsh").write_text(TYPED.format(line=line), encoding="utf-8")
    shown = subprocess.run(
        ["zsh", "-f", "type.zsh"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert shown.stdout.split("<")[1].split(">")[0].split()[-1] == expected


TYPED = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste'
zpty -w shell 'show() {{ print -r -- "<$BUFFER>" }}; zle -N show; bindkey "^X" show; print rea""dy'
zpty -r shell shown '*ready*'
zpty -n -w shell "{line}"$'\t\x18'
zpty -r shell shown '*<*>*'
print -r -- "$shown"
"""
