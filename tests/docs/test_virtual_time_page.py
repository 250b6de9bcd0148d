"""docs/virtual-time.md: its tests pass, its library block runs, its commands and settings exist."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import pytest

from mockllm.cli import exec as exec_command
from mockllm.cli.options import SERVING
from mockllm.testing.plugin import WORDS
from tests.process import MOCKLLM, environment
from tests.testing.inner_runs import ONLY_OURS, apart
from tests.waiting import PATIENCE

PAGE = (Path(__file__).parents[2] / "docs/virtual-time.md").read_text(encoding="utf-8")
TESTS, LIBRARY = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(CONSOLE,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
SCENARIO = """
rules:
  - sequence: [{error: {type: rate_limit, retry_after: 42s}}, "Hi"]
"""
APPLICATION = """
const url = `${process.env.OPENAI_BASE_URL}/chat/completions`;
const body = JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "hi" }] });
const headers = { "content-type": "application/json" };
const began = Date.now();
for (;;) {
  const response = await fetch(url, { method: "POST", body, headers });
  if (response.ok) break;
  await new Promise((resolve) => setTimeout(resolve, Number(response.headers.get("retry-after-ms"))));
}
const took = (Date.now() - began) / 1000;
console.log(took > 42 && took < 42 / 0.01 ? "waited 42 s" : `waited ${took} s`);
"""


@pytest.mark.full
def test_virtual_time_page_tests_pass(tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # its clients are not closed, as those of applications
    done = apart(tmp_path, *ONLY_OURS)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_virtual_time_page_library_block_runs() -> None:
    exec(LIBRARY, {})


@pytest.mark.needs("node")
def test_virtual_time_page_node_process_is_scaled(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/a.yaml").write_text(SCENARIO)
    (tmp_path / "application.mjs").write_text(APPLICATION)
    line, note, printed = CONSOLE.splitlines()
    done = subprocess.run(
        [*MOCKLLM, *line.removeprefix("$ mockllm ").split()],
        cwd=tmp_path, env=environment(), capture_output=True, encoding="utf-8", timeout=PATIENCE * 2,
    )  # fmt: skip
    assert done.stdout.strip() == printed
    assert done.stderr.strip() == note


def test_virtual_time_page_options_and_keywords_exist() -> None:
    parser = argparse.ArgumentParser()
    exec_command.arguments(parser)
    options = {name for action in parser._actions for name in action.option_strings}
    assert "--time-scale" in options & {option.name for option in SERVING}
    assert "time_scale" in WORDS
