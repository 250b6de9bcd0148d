"""docs/testing.md is true: its tests pass, in each of its languages where that is installed, by the commands of the
page; its tables name what there is."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import subprocess
import urllib.request
from pathlib import Path

import pytest

from mockllm.packing.builder import DISTRIBUTION
from mockllm.scenario.yaml_reader import read_source
from mockllm.testing.mock_base import MockBase
from mockllm.testing.mock_server import MockLLM
from mockllm.testing.plugin import WORDS
from mockllm.testing.received_request import Received
from tests.process import MOCKLLM, environment
from tests.testing.inner_runs import ONLY_OURS, apart
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
APPLICATION = """\
import openai

def my_application(said):
    with openai.OpenAI() as client:
        asked = [{"role": "user", "content": said}]
        return client.chat.completions.create(model="gpt-4o", messages=asked).choices[0].message.content

"""
VITEST = """\
import assert from "node:assert/strict";
export { test } from "node:test";
export const expect = (found) => ({ toBe: (wanted) => assert.equal(found, wanted) });
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def run(*line: str, cwd: Path, **more: str) -> str:
    """What a command says, which must succeed."""
    done = subprocess.run(
        line, cwd=cwd, env=environment(PYTHONPATH=str(ROOT), **more), capture_output=True, encoding="utf-8",
        timeout=PATIENCE * 6,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_testing_page_and_readme_pytest_blocks_pass(tmp_path: Path) -> None:
    *tests, _ = blocks("python")
    tests += [APPLICATION + block for block in re.findall(r"```python\n(def test_.*?)```", README, re.DOTALL)]
    for number, block in enumerate(tests):
        (tmp_path / f"test_page_{number}.py").write_text(block)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # its clients are not closed, as those of applications
    done = apart(tmp_path, *ONLY_OURS)
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


GOES_WRONG = re.findall(
    r"^\| [^|]+ \| `(mockllm\.\w+\(.*\))` \|$", PAGE[PAGE.index("### Faults and errors") :], re.MULTILINE
)


@pytest.mark.parametrize(
    ("number", "comes"),
    [
        (0, [529, 529, 200]),
        (1, [429, 200]),
        (2, [200, 200, 429]),
        (3, [200]),
        (4, [529]),
        (5, [200]),
        (6, []),
        (7, []),
        (8, []),
    ],
)
def test_testing_page_faults_have_stated_statuses(number: int, comes: list[int]) -> None:
    assert len(GOES_WRONG) == 9
    sent = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    with MockLLM(max_delay=0.001) as server:
        server.reply("Fine.", fallback=True)
        exec(GOES_WRONG[number], {"mockllm": server})
        for _ in comes:
            request = urllib.request.Request(f"{server.anthropic_url}/v1/messages", json.dumps(sent).encode())
            with (
                contextlib.suppress(OSError, http.client.HTTPException),
                urllib.request.urlopen(request, timeout=PATIENCE),
            ):
                pass
        assert [item.status for item in server.requests] == comes


def test_python_of_page_runs_without_pytest() -> None:
    exec(blocks("python")[-1], {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (yaml,) = (block for block in blocks("yaml") if "hello.yaml" in block)
    (tmp_path / "hello.yaml").write_text(yaml)
    return tmp_path


def executed(folder: Path, *line: str, **more: str) -> str:
    return run(*MOCKLLM, "exec", "--scenarios", "hello.yaml", "--strict", "--", *line, cwd=folder, **more)


@pytest.mark.needs("node")
def test_vitest_tests_of_page_pass(folder: Path) -> None:
    """By node's own runner, which has what the page's tests use of vitest's."""
    (block,) = blocks("js")
    package = folder / "node_modules" / "vitest"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "vitest", "type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(VITEST)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "hello.test.js").write_text(block)
    assert re.search(r"pass 2\b", executed(folder, "node", "--test", "hello.test.js"))


@pytest.mark.timeout(300)
@pytest.mark.needs("go")
@pytest.mark.full
def test_go_tests_of_page_pass(folder: Path) -> None:
    (block,) = blocks("go")
    (folder / "hello_test.go").write_text(block)
    (folder / "go.mod").write_text("module hello\n\ngo 1.21\n")
    more = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    assert "ok" in executed(folder, "go", "test", "-count=1", "./...", **more)


@pytest.mark.timeout(300)
@pytest.mark.needs("java")
@pytest.mark.full
def test_java_test_of_page_passes(folder: Path) -> None:
    (block,) = blocks("java")
    (folder / "HelloTest.java").write_text(block)
    executed(folder, "java", "HelloTest.java")


@pytest.mark.needs("bash", "curl")
@pytest.mark.full
def test_workflow_of_page_is_valid_and_its_commands_run(folder: Path) -> None:
    """As GitHub would: each step in the checkout, by a shell; what it fetches (an action, a package) is left out."""
    (block,) = (block for block in blocks("yaml") if "runs-on" in block)
    workflow = read_source(block.encode(), "test.yml")
    assert workflow.diagnostics == ()
    assert isinstance(workflow.data, dict)
    assert workflow.data.keys() == {"name", "on", "jobs"}
    (job,) = workflow.data["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    assert all(step.keys() in ({"uses"}, {"uses", "with"}, {"run"}) for step in job["steps"])
    assert [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step] == [
        "actions/checkout",
        "actions/setup-python",
    ]
    installs, *commands = [step["run"] for step in job["steps"] if "run" in step]
    assert installs == f"pip install {DISTRIBUTION}"
    ask = "curl -sS --fail $OPENAI_BASE_URL/chat/completions -d @asked.json"
    programs = {"mockllm": f'exec {shlex.join(MOCKLLM)} "$@"', "npm": f'[ "$*" = test ] && {ask}'}
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    (folder / "asked.json").write_text(
        '{"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}'
    )
    (folder / "tests" / "scenarios").mkdir(parents=True)
    examples = "examples: [{request: {user: hello}, expect: {text: Hi.}}]\n"
    (folder / "tests" / "scenarios" / "a.yaml").write_text((folder / "hello.yaml").read_text() + examples)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    output = [run("bash", "-e", "-c", command, cwd=folder, PATH=path) for command in commands]
    assert ["ok: 2 rules" in output[0], "1 passed" in output[1], '"Hi."' in output[2]] == [True, True, True]


def test_testing_page_names_marker_keywords_and_fixture_methods() -> None:
    for term in (item for item in WORDS if item != "pack"):
        assert f"`{term}=" in PAGE, term
    public = {name for kind in (MockBase, MockLLM) for name in vars(kind) if not name.startswith("_")}
    untold = {"journal", "complaints", "check", "session_id", "port", "warnings", "base_url", "azure_url"}
    missing = {name for name in public - untold if not re.search(rf"\b{name}\b", PAGE)}
    assert missing == set()
    seen = {name for name in vars(Received) if not name.startswith("_")} - {
        "record",
        "explanation",
        "session",
        "at",
    }
    assert {name for name in seen if f"`{name}`" not in PAGE} == set()
