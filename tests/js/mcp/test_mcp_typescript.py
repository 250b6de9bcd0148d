"""MCP servers of scenarios with the unmodified TypeScript SDKs, and the conformance suite of the protocol.

They need `npm ci` in this folder, which also brings the node 22 that the suite for 2026-07-28 wants.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.tools import absent

HERE = Path(__file__).parent
PATIENCE = 120.0
"""Seconds for a script on a busy machine."""
SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
NEXT_SUITE = "node_modules/conformance-next/dist/index.js"
pytestmark = pytest.mark.timeout(2 * PATIENCE)


def node(*line: str, oldest: int = 20) -> str:
    """Return what a script printed, run by the node of this folder's packages, else by the machine's."""
    program = shutil.which("node", path=str(HERE / "node_modules" / ".bin")) or shutil.which("node")
    if program is None or not (HERE / "node_modules").is_dir():
        absent(f"node {oldest} and the packages of tests/js/mcp (`scripts/setup dev`) are needed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=PATIENCE)
    if int(re.findall(r"\d+", version.stdout)[0]) < oldest:
        absent(f"node {oldest} is needed, and this is {version.stdout.strip()} (`scripts/setup dev`)")
    done = subprocess.run([program, *line], cwd=HERE, capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    with serve(HERE / "server.yaml") as built:
        yield built


@pytest.fixture(scope="module")
def everything() -> Iterator[Live]:
    with serve(HERE / "conformance") as built:
        yield built


@pytest.mark.parametrize("client", ["sdk", "client", "client auto"])
@pytest.mark.covering(count=1)
def test_typescript_client_gets_everything(client: str, server: Live) -> None:
    package, *mode = client.split()
    text = node("client.mjs", package, f"{server.url}/mcp/weather", *mode)
    got: dict[str, Any] = json.loads(text)
    assert got["tools"] == ["get_weather", "slow", "book"]
    assert got["paris"]["structuredContent"] == {"temperature": 31}
    assert got["atlantis"]["isError"] is True
    assert (got["slow"]["content"][0]["text"], got["progress"]) == ("done", [1])
    assert got["questioned"]["content"] == [{"type": "text", "text": "Booked for Ann."}]
    assert got["unknown"]["code"] == -32602
    assert got["resource"]["contents"][0]["text"] == "The city of Oslo."
    assert got["prompt"]["messages"][0]["content"]["text"] == "Greet Ann."


def failed(text: str) -> list[str]:
    """Return the scenarios that failed; a run without a summary is a failure."""
    assert "=== SUMMARY ===" in text, text[-2000:]
    return re.findall(r"^✗ ([\w-]+): ", text, re.MULTILINE)


def test_conformance_suite_passes(everything: Live) -> None:
    text = node(SUITE, "server", "--url", f"{everything.url}/mcp/everything", "--suite", "all")
    assert failed(text) == []
    assert "✓ tools-call-elicitation: 1 passed" in text


@pytest.mark.full
def test_every_scenario_of_the_next_suite_passes(everything: Live) -> None:
    url = f"{everything.url}/mcp/everything"
    text = node(NEXT_SUITE, "server", "--url", url, "--suite", "all", oldest=22)
    assert failed(text) == []
    assert "✓ tasks-lifecycle: 9 passed" in text


@pytest.mark.parametrize("version", ["2025-11-25", pytest.param("2026-07-28", marks=pytest.mark.full)])
def test_conformance_requirements_of_version_are_met(version: str, everything: Live) -> None:
    url = f"{everything.url}/mcp/everything"
    text = node(NEXT_SUITE, "server", "--url", url, "--requirements", version, oldest=22)
    assert failed(text) == []
