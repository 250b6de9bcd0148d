"""Hot reload under load: files change, break and mend; no request fails, and none sees two versions."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.process import Process, serving
from tests.server.saving import ConfigMap, rule, says
from tests.waiting import PATIENCE

RATE = 200
"""Requests a second."""
VERSIONS = 12
MANY = 60
"""Files between the two that tell their version: reading takes a while, and a swap may fall into it."""


@dataclass
class LoadResults:
    """What the clients saw: each (status, rule's version, modifier's version)."""

    answers: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def version(number: int) -> dict[str, str]:
    """A rule and a modifier that say which version they are of, in the first and the last of many files."""
    return {
        "first": f'mockllm: 1\nrules: [{{name: r, match: {{user: hi}}, reply: "{number}"}}]\n',
        **{f"many{each}": rule(f"many{each}", "more to read") for each in range(MANY)},
        "zenith": f'mockllm: 1\nmodifiers: [{{name: m, headers: {{x-version: "{number}"}}}}]\n',
    }


async def ask(session: aiohttp.ClientSession, url: str, stream: bool, seen: LoadResults) -> None:
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        seen.failures.append(repr(error))
        return
    if stream:
        chunks = [json.loads(line[6:]) for line in text.split("\n\n")[:-2]]
        assert text.endswith("data: [DONE]\n\n")
        reported = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    else:
        reported = json.loads(text)["choices"][0]["message"]["content"] if answer.status == 200 else text
    seen.answers[answer.status, reported, answer.headers.get("x-version", "")] += 1


async def load(url: str, done: asyncio.Event, seen: LoadResults) -> None:
    """Requests at their times, however long the responses take, until `done` is set."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session,
        asyncio.TaskGroup() as group,
    ):
        began, number = time.monotonic(), 0
        while not done.is_set():
            group.create_task(ask(session, url, number % 2 == 1, seen))
            number += 1
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))


async def churn(server: Process, map: ConfigMap, folder: Path) -> None:
    """Both files together to the next version, while a third breaks and mends and a fourth comes and goes."""
    third, fourth = folder / "third.yaml", folder / "fourth.yaml"
    for number in range(2, VERSIONS + 1):
        map.put(**version(number))
        third.write_text(rule("three", f"{number}") if number % 2 else "rules: [")
        if number % 3:
            fourth.write_text(rule("four", f"{number}"))
        else:
            fourth.unlink(missing_ok=True)
        await asyncio.sleep(0.05 * (number % 4))  # now in the middle of a reload, now after it
    end = time.monotonic() + PATIENCE
    while await asyncio.to_thread(says, server, "hi") != str(VERSIONS):
        assert time.monotonic() < end, server.reported
        await asyncio.sleep(0.02)


def reloads(server: Process) -> int:
    return sum(line.startswith("reloaded") for line in server.err)


@pytest.mark.full
def test_under_load_no_request_fails_and_none_sees_two_versions(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    map = ConfigMap(folder)
    map.put(**version(1))
    seen = LoadResults()

    async def run(server: Process) -> None:
        done = asyncio.Event()
        client = asyncio.create_task(load(server.url, done, seen))
        began = time.monotonic()
        while reloads(server) < 3 or len(seen.answers) < 3 or time.monotonic() < began + 3:
            assert time.monotonic() < began + PATIENCE, server.reported
            await churn(server, map, folder)
            map.put(**version(1))
        done.set()
        await client

    with serving("--quiet", cwd=tmp_path) as server:
        asyncio.run(run(server))
    assert seen.failures == []
    assert {status for status, _, _ in seen.answers} == {200}
    mixed = {key: count for key, count in seen.answers.items() if key[1] != key[2]}
    assert mixed == {}
    assert seen.answers.total() > RATE
