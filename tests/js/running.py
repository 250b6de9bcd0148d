"""Runs the scripts of this folder by node, against a live server, and reads how their cases ended.

Apart from the tests: these are a table of what ran.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

HERE = Path(__file__).parent
OLDEST = 20
"""The oldest node that these packages run on."""
PATIENCE = 120.0
"""Seconds for a script."""

VERCEL = ("openai responses", "openai chat", "anthropic", "google")
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "vercel-trouble": VERCEL,
    "openai-trouble": ("",),
    "anthropic-trouble": ("",),
    "google-trouble": ("",),
    "openai-chat": ("",),
    "openai-responses": ("",),
    "openai-other": ("",),
    "anthropic": ("",),
    "batches": ("",),
    "google": ("gemini", "gemini v1", "vertex with a key", "vertex with a token"),
    "vercel": VERCEL,
    "vercel-embeddings": ("",),
    "openai-media": ("",),
    "vercel-media": ("",),
    "bedrock": ("",),
    "http2": ("",),
    "ollama": ("",),
}
"""Each script, and the clients that it is run for. Those that wait for a retry come first."""

Run: TypeAlias = tuple[str, str]
"""A script, and a client that it is run for."""

_CASE = re.compile(r'(?m)^test\("([^"]+)"')


@dataclass(frozen=True)
class Outcome:
    """Why each case failed (None: it did not), and what else the script printed."""

    cases: Mapping[str, str | None]
    reported: str


def cases(script: str) -> list[str]:
    """The names in a script, without running it."""
    return _CASE.findall((HERE / f"{script}.mjs").read_text("utf-8"))


def missing() -> str | None:
    """What this machine lacks, in a sentence's words."""
    wanted = f"node {OLDEST} or newer"
    node = shutil.which("node")
    if node is None:
        return f"{wanted} (there is none)"
    done = subprocess.run([node, "--version"], capture_output=True, encoding="utf-8", timeout=PATIENCE)
    version = re.match(r"v(\d+)", done.stdout)
    if version is None or int(version[1]) < OLDEST:
        return f"{wanted} (found {done.stdout.strip() or 'one that does not run'})"
    if _versions("node_modules/.package-lock.json") != _versions("package-lock.json"):
        return "the packages of tests/js/package-lock.json (`scripts/setup dev`, or `npm ci` in tests/js)"
    return None


def _versions(lock: str) -> dict[str, str] | None:
    """The version of each package in a lock. None: there is no such file."""
    try:
        locked = json.loads((HERE / lock).read_text("utf-8"))["packages"]
    except FileNotFoundError:
        return None
    return {name: package["version"] for name, package in locked.items() if name}


def run_all(runs: Iterable[Run], url: str) -> dict[Run, Outcome]:
    """Runs scripts, somewhat more at a time than there are processors: some only wait."""
    wanted = list(runs)
    with ThreadPoolExecutor((os.cpu_count() or 1) + 2) as pool:
        return dict(zip(wanted, pool.map(lambda item: run(item[0], item[1], url), wanted), strict=True))


def run(script: str, client: str, url: str) -> Outcome:
    """Runs one script. Nothing of this machine's own steers it: no keys, base addresses, proxies."""
    command = [
        "node",
        "--test-reporter=./reporter.mjs",
        "--test-reporter-destination=stdout",
        f"{script}.mjs",
    ]
    inherited = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMPDIR")
    environment = {name: os.environ[name] for name in inherited if name in os.environ}
    environment |= {"MOCKLLM_URL": url, "MOCKLLM_CLIENT": client, "NO_COLOR": "1"}
    try:
        ended = subprocess.run(
            command, cwd=HERE, env=environment, capture_output=True, encoding="utf-8", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as stopped:
        late = f"stopped after {PATIENCE:.0f} s"
        return _outcome(_text(stopped.stdout), f"{_text(stopped.stderr)}\n{late}")
    return _outcome(ended.stdout, ended.stderr)


def _outcome(out: str, err: str) -> Outcome:
    """Reads the reporter's lines; any other line is the script's own output."""
    result: dict[str, str | None] = {}
    texts = []
    for line in out.splitlines():
        try:
            case = json.loads(line)
            result[case["case"]] = case["why"]
        except (ValueError, TypeError, KeyError):
            texts.append(line)
    return Outcome(result, "\n".join([*texts, err]).strip())


def _text(reply: str | bytes | None) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply or ""
