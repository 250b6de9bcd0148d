"""README, `mockllm init` and the pages after it, typed in order into one folder beside one running server."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packing.pack_files import run
from tests.process import Process, serving

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/verdicts.md", "docs/packs.md", "docs/testing.md", "docs/control.md")
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
NAMED_FILE = re.compile(r"```yaml\n(# (\S+\.yaml)\n.*?)```", re.DOTALL)


def named_files(page: str) -> dict[str, str]:
    """Return the YAML blocks that begin with the name of their file."""
    return {name: text for text, name in NAMED_FILE.findall(TEXTS[page])}


def python_blocks(page: str, server: Process) -> list[str]:
    blocks = re.findall(r"```python\n(.*?)```", TEXTS[page], re.DOTALL)
    return [block.replace("http://localhost:8080", server.url) for block in blocks]


def holds() -> None:
    """Check that the files in the folder have no mistakes and pass their examples."""
    assert run("check") == 0
    assert run("test") == 0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    """Serve the folder after `mockllm init` and README's first file. The environment of `python` is active."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    for name, text in named_files("README.md").items():
        Path(name).write_text(text, encoding="utf-8")
    with serving(cwd=tmp_path) as process:
        monkeypatch.setenv("MOCKLLM_URL", process.url)
        yield process


@pytest.mark.timeout(300)
def test_pages_hold_in_one_folder_in_order(server: Process, capsys: pytest.CaptureFixture[str]) -> None:
    holds()
    assert server.ask("Hello there") == "Hello! This is gpt-4o, mocked."
    for block in python_blocks("README.md", server)[:2]:
        capsys.readouterr()
        exec(block, {})
        assert "Third time lucky." in capsys.readouterr().out, block

    for name, text in named_files("docs/verdicts.md").items():
        Path(name).write_text(text, encoding="utf-8")
    server.line(lambda line: line.startswith("reloaded: "))
    holds()
    assert run("verdict", "--fail-on", "none") == 0

    for line in (
        "pack new team/greet",
        "pack check greet",
        "pack test greet --min-coverage 90%",
        "pack add greet",
    ):
        assert f"mockllm {line}" in TEXTS["docs/packs.md"]
        assert run(*line.split()) == 0, line
    mine = "scenarios/mine.yaml"
    Path(mine).write_text(named_files("docs/packs.md")[mine], encoding="utf-8")
    holds()

    for page in ("docs/testing.md", "docs/control.md"):
        for name, text in named_files(page).items():
            assert not name.startswith("scenarios/"), name
            Path(name).write_text(text, encoding="utf-8")
    holds()
    assert run("exec", "--scenarios", "hello.yaml", "--", "python", "-c", "pass") == 0
    assert run("verify", "expectations.yaml") == 1, "nobody asked about the weather"
    assert run("requests") == 0
