"""Two groups of two workers behind nginx count as one server: with a killed worker and a restarted store, too."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.process import Process, serving
from tests.server.workers.nginx import nginx
from tests.server.workers.worker_processes import workers_of
from tests.store.redis_server import RedisServer, redis_server
from tests.waiting import PATIENCE, until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes"),
    pytest.mark.needs("nginx"),
]

CLIENTS = 64
SCOPES = 32
SLACK = 2 * CLIENTS
"""Steps for requests whose worker was killed: these may have counted without a response."""
LIMIT = 100
STAGES = ("first", "second", "third")
PATIENT = 20 * PATIENCE
"""Seconds that anything here may wait for a busy machine: the timeout of the test ends it before."""


def scenario(steps: int) -> str:
    """A sequence and states for each scope, and one limit for all scopes."""
    listed = ", ".join(f"step-{number}" for number in range(steps))
    stages = [
        f"  - {{name: {stage}, match: {{user: stage}}, per: 'header:x-scope', requires_state: {{stage: {before}}}, "
        f"sets_state: {{stage: {stage}}}, reply: {stage}}}"
        for before, stage in zip(("null", *STAGES), (*STAGES, STAGES[0]), strict=True)
    ]
    return "\n".join(
        [
            "rules:",
            f"  - {{name: steps, match: {{user: step}}, per: 'header:x-scope', sequence: [{listed}]}}",
            *[line.replace("name: first", f"name: first{number}") for number, line in enumerate(stages)],
            "  - {name: rest, reply: Hello.}",
            "modifiers:",
            f"  - {{name: few, match: {{model: limited}}, limit: {{strategy: after-n, requests: {LIMIT}}}}}",
        ]
    )


class ReplicaResponse(NamedTuple):
    scope: int
    status: int
    text: str


class Replicas(NamedTuple):
    port: int
    groups: Sequence[Process]
    store: RedisServer


@contextmanager
def replicas(folder: Path, steps: int) -> Iterator[Replicas]:
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    (scenarios / "a.yaml").write_text(scenario(steps))
    with redis_server() as store:
        options = ("--store", store.url, "--workers", "2", "--quiet", "--store-wait", f"{PATIENT:g}s")
        with (
            serving(*options, cwd=folder) as one,
            serving(*options, cwd=folder) as two,
            nginx(folder, [one.port, two.port], PATIENT) as port,
        ):
            yield Replicas(port, (one, two), store)


class Client:
    """One client with a separate connection to nginx."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENT)

    def ask(self, scope: int, user: str, model: str = "gpt-4o") -> ReplicaResponse:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": user}]})
        headers = {"content-type": "application/json", "x-scope": str(scope)}
        self._connection.request("POST", "/v1/chat/completions", body, headers)
        response = self._connection.getresponse()
        data = response.read()
        text = json.loads(data)["choices"][0]["message"]["content"] if response.status == 200 else ""
        return ReplicaResponse(scope, response.status, text)

    def close(self) -> None:
        self._connection.close()


def ask_all(
    port: int, requests: Sequence[tuple[int, str, str]], done: list[int] | None = None
) -> list[ReplicaResponse]:
    """The responses to requests of 64 clients at once."""
    local = threading.local()
    clients: list[Client] = []

    def ask(request: tuple[int, str, str]) -> ReplicaResponse:
        if not hasattr(local, "client"):
            local.client = Client(port)
            clients.append(local.client)
        answer: ReplicaResponse = local.client.ask(*request)
        if done is not None:
            done.append(1)
        return answer

    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(ask, requests))
    for client in clients:
        client.close()
    return answers


def steps_by_scope(answers: Sequence[ReplicaResponse]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for answer in answers:
        found.setdefault(answer.scope, []).append(int(answer.text.removeprefix("step-")))
    return found


@pytest.mark.parametrize(
    "requests",
    [960, pytest.param(100_000, marks=[pytest.mark.full, pytest.mark.long, pytest.mark.timeout(1500)])],
)
def test_replicas_count_each_step_once(tmp_path: Path, requests: int) -> None:
    each = requests // SCOPES
    with replicas(tmp_path, 2 * each + SLACK) as found:
        _check_without_faults(found, each)
        _check_with_faults(found, each)


def _check_without_faults(found: Replicas, each: int) -> None:
    answers = ask_all(found.port, [(scope, "step", "gpt-4o") for _ in range(each) for scope in range(SCOPES)])
    assert {answer.status for answer in answers} == {200}
    for steps in steps_by_scope(answers).values():
        assert sorted(steps) == list(range(each))
    limited = ask_all(found.port, [(0, "hi", "limited")] * (2 * LIMIT))
    assert Counter(answer.status for answer in limited) == {200: LIMIT, 429: LIMIT}

    def walk(scope: int) -> list[str]:
        with closing(Client(found.port)) as client:
            return [client.ask(scope, "stage").text for _ in range(3 * len(STAGES))]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(walk, range(8))) == [list(STAGES) * 3] * 8


def _check_with_faults(found: Replicas, each: int) -> None:
    """Kill a worker, then the store, while all clients ask; the store is started again."""
    requested = [(scope, "step", "gpt-4o") for _ in range(each) for scope in range(SCOPES)]
    done: list[int] = []
    with ThreadPoolExecutor(1) as thread:
        requesting = thread.submit(ask_all, found.port, requested, done)
        until(lambda: len(done) > len(requested) // 4, PATIENT)
        os.kill(workers_of(found.groups[0])[0], signal.SIGKILL)
        until(lambda: len(done) > len(requested) // 2, PATIENT)
        found.store.kill()
        found.store.start()
        answers = requesting.result(PATIENT)
    assert Counter(answer.status for answer in answers) == {200: len(requested)}
    lost = 0
    for steps in steps_by_scope(answers).values():
        assert len(set(steps)) == len(steps), "a step was played twice"
        assert min(steps) >= each, "a step from before the restart was played again"
        lost += max(steps) - 2 * each + 1
    assert lost <= CLIENTS, "more steps are lost than the killed worker can have had requests"
