"""The official JavaScript SDKs, and Vercel's `ai`, against a live server: each case of the scripts beside this
file is a test here. A script runs once; node's own test runner runs its cases and says in lines of JSON how they
ended.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pytest

from mockllm.core.failure import NAMED
from tests.live import Live
from tests.live import live as serve

HERE = Path(__file__).parent
OLDEST = 20
PATIENCE = 60.0
"""Seconds for a whole script."""

SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "openai-chat": ("",),
    "openai-trouble": ("",),
    "anthropic-trouble": ("",),
    "google": ("gemini", "gemini v1", "vertex with a key", "vertex with a token"),
    "google-trouble": ("",),
    "anthropic": ("",),
    "openai-other": ("",),
    "openai-responses": ("",),
}
"""Each script, and the clients that it is run for."""

_NAMED = re.compile(r'(?m)^test\("([^"]+)"')


def cases(script: str) -> list[str]:
    """The names that stand in a script."""
    return _NAMED.findall((HERE / f"{script}.mjs").read_text("utf-8"))


ALL = [
    pytest.param(script, client, case, id=f"{' '.join((script, client)).strip()}: {case}")
    for script, clients in SCRIPTS.items()
    for client in clients
    for case in cases(script)
]


def missing() -> str | None:
    """What these tests lack on this machine, in a sentence's words."""
    wanted = f"node {OLDEST} or newer"
    node = shutil.which("node")
    if node is None:
        return f"{wanted} (there is none)"
    version = subprocess.run([node, "--version"], capture_output=True, encoding="utf-8", timeout=PATIENCE)
    found = version.stdout.strip()
    if not (number := re.match(r"v(\d+)", found)) or int(number[1]) < OLDEST:
        return f"{wanted} (found {found or 'one that does not run'})"
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        return "the packages of tests/js/package-lock.json (`npm ci` in tests/js, or scripts/setup dev)"
    return None


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    if lacks := missing():
        message = f"the tests of the JavaScript SDKs need {lacks}"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(message)
        pytest.skip(message)
    with serve(HERE / "scenarios") as server:
        yield server


@lru_cache
def outcome(script: str, client: str, url: str) -> tuple[dict[str, str | None], str]:
    """Why each case failed (None: it did not), and what the script said besides."""
    command = ["node", "--test-reporter=./reporter.mjs", "--test-reporter-destination=stdout", f"{script}.mjs"]
    # Nothing of this machine's own steers an SDK: neither keys nor base addresses nor proxies.
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "SystemRoot", "TEMP") if name in os.environ
    }
    environment |= {"MOCKLLM_URL": url, "MOCKLLM_CLIENT": client, "NO_COLOR": "1"}
    ended: dict[str, str | None] = {}
    said = []
    try:
        run = subprocess.run(
            command, cwd=HERE, env=environment, capture_output=True, encoding="utf-8", timeout=PATIENCE
        )
        out, err = run.stdout, run.stderr
    except subprocess.TimeoutExpired as stopped:
        out, err = _text(stopped.stdout), f"{_text(stopped.stderr)}\nstopped after {PATIENCE:.0f} s"
    for line in out.splitlines():
        try:
            found = json.loads(line)
            ended[found["case"]] = found["why"]
        except (ValueError, TypeError, KeyError):
            said.append(line)
    return ended, "\n".join([*said, err]).strip()


def _text(said: str | bytes | None) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said or ""


@pytest.mark.parametrize(("script", "client", "case"), ALL)
def test_a_case(live: Live, script: str, client: str, case: str) -> None:
    ended, said = outcome(script, client, live.url)
    if case not in ended:
        pytest.fail(f"{script}.mjs did not come to this case\n{said}", pytrace=False)
    if why := ended[case]:
        pytest.fail(f"{why}\n\n{said}".strip(), pytrace=False)


@pytest.mark.parametrize(
    ("script", "client"), [(script, client) for script, clients in SCRIPTS.items() for client in clients]
)
def test_no_case_is_lost(live: Live, script: str, client: str) -> None:
    """What a script runs is what is asked for above: no name is made where it cannot be read, none twice."""
    ended, _ = outcome(script, client, live.url)
    assert sorted(ended) == sorted(cases(script))


def test_each_script_is_run() -> None:
    without_cases = {"cases", "reporter"}
    assert {path.stem for path in HERE.glob("*.mjs")} - without_cases == set(SCRIPTS)


def test_each_named_error_has_its_model() -> None:
    scenario = (HERE / "scenarios" / "trouble.yaml").read_text("utf-8")
    assert set(re.findall(r"match: \{model: (\w+)\}, error: \1\b", scenario)) == set(NAMED)


def test_the_lock_does_not_say_where_packages_come_from() -> None:
    locked = json.loads((HERE / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in locked.items() if "resolved" in package] == []
