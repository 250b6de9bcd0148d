"""Changes of workers that share a store: sessions, resets, reloads, and the numbers of their requests."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.process import Process, serving
from tests.server.workers.store_scenario import (
    SCENARIO,
    ask,
    end_session,
    openai_client,
    response,
    scenario_folder,
)
from tests.server.workers.worker_processes import workers_of
from tests.store.redis_server import RedisServer, redis_server
from tests.waiting import PATIENCE, until

ADMIN = re.compile(r"control API: (\S+)/api")
CONNECTIONS = 12
"""So many that each of two workers gets some."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return scenario_folder(tmp_path)


@pytest.fixture
def server(files: Path) -> Iterator[Process]:
    with serving("--workers", "2", cwd=files) as process:
        yield process


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


def test_reset_that_the_store_refuses_is_503_and_follows(files: Path) -> None:
    import redis

    with (
        redis_server() as store,
        serving("--workers", "2", "--store", store.url, cwd=files, MOCKLLM_STORE_WAIT="1s") as process,
        redis.Redis(unix_socket_path=str(store.socket)) as client,
    ):
        until(lambda: ask(process, "step")[0] == 200)
        client.config_set("min-replicas-to-write", 1)
        request = urllib.request.Request(f"{process.url}/api/reset", b"", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == 503
        assert "NOREPLICAS" in json.load(refused.value)["detail"]
        client.config_set("min-replicas-to-write", 0)
        until(lambda: ask(process, "step")[1] == "one")


def test_first_reload_forgets_the_counts_of_changed_rules(server: Process, files: Path) -> None:
    assert [ask(server, "step")[1] for _ in range(2)] == ["one", "two"]
    path = files / "scenarios" / "a.yaml"
    for text in (SCENARIO.replace("sequence: [one, two, three]", "reply: Other."), SCENARIO):
        path.write_text(text)
        server.post("/api/reload", {})
    until(lambda: rule_counts(server, "steps") == (0, 0))
    until(lambda: ask(server, "step")[1] == "one")


def test_counts_of_rules_begin_again_with_a_reset(server: Process) -> None:
    assert [ask(server, "step")[1] for _ in range(2)] == ["one", "two"]
    assert rule_counts(server, "steps") == (2, 2)
    server.post("/api/reset", {"what": ["state"]})
    assert rule_counts(server, "steps") == (0, 0)
    ask(server, "step")
    assert rule_counts(server, "steps") == (1, 1)


def rule_counts(server: Process, name: str) -> tuple[int, int]:
    rules = {each["id"].removeprefix("a.yaml:"): each for each in server.get("/api/rules")["rules"]}
    return rules[name]["tries"], rules[name]["answers"]


def test_session_has_its_own_time_scale_in_all_workers(server: Process) -> None:
    server.post(
        "/api/rules", {"match": {"user": "fast"}, "error": {"type": "rate_limit", "retry_after": "5s"}}
    )
    change_scale(server, 0.01)
    assert {stated_wait(server) for _ in range(12)} == {"50"}  # a connection each: any worker may get it
    for worker in workers_of(server):
        os.kill(worker, signal.SIGKILL)
    until(lambda: len([line for line in server.err if "takes its place" in line]) == 2)
    assert {stated_wait(server) for _ in range(12)} == {"50"}
    change_scale(server, None)
    assert {stated_wait(server) for _ in range(12)} == {"5000"}


def test_calls_during_the_start_of_a_worker_succeed(files: Path) -> None:
    """The supervisor serves the control API on a separate port, and so also while a worker starts."""
    with (
        serving("--workers", "2", "--admin-port", "0", cwd=files) as server,
        ThreadPoolExecutor(CONNECTIONS) as threads,
    ):
        match = ADMIN.search(server.line(lambda line: ADMIN.search(line) is not None))
        assert match is not None
        reset = urllib.request.Request(f"{match[1]}/api/reset", b"")
        os.kill(workers_of(server)[0], signal.SIGKILL)
        requesting = [
            threads.submit(ask, server, "hi") for _ in range(CONNECTIONS)
        ]  # some wait for the new worker
        while not all(each.done() for each in requesting):
            for call in (f"{match[1]}/api/requests", f"{match[1]}/metrics", reset):
                with urllib.request.urlopen(call, timeout=PATIENCE) as response:
                    assert response.status == 200
        assert not [line for line in server.err if "Traceback" in line]


def change_scale(server: Process, scale: float | None) -> None:
    body = json.dumps({"time_scale": scale}).encode()
    request = urllib.request.Request(f"{server.url}/api/sessions/fast", body, method="PATCH")
    with urllib.request.urlopen(request):
        pass


def stated_wait(server: Process) -> str:
    request = urllib.request.Request(
        f"{server.url}/v1/chat/completions",
        json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "fast"}]}).encode(),
        {"content-type": "application/json", "x-mockllm-session": "fast"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    refused.value.read()
    return str(refused.value.headers["retry-after-ms"])


@pytest.mark.parametrize("ended_by", ["call", "reset"])
def test_session_that_begins_again_can_be_ended_at_once(server: Process, ended_by: str) -> None:
    for _ in range(3):
        assert [ask(server, "step", x_mockllm_session="q")[1] for _ in range(2)] == ["one", "two"]
        if ended_by == "call":
            end_session(server, "q")
        else:
            server.post("/api/reset", {"what": ["state"]})
    assert ask(server, "step", x_mockllm_session="q")[1] == "one"
    end_session(server, "q")
    assert ask(server, "step", x_mockllm_session="q")[1] == "one"


def test_restart_replaces_no_stored_response(files: Path, store: RedisServer) -> None:
    options = ("--store", store.url, "--workers", "2")
    with serving(*options, cwd=files) as server:
        before = [
            openai_client(server).responses.create(model="gpt-4o", input=f"before {n}").id for n in range(6)
        ]
        server.send(signal.SIGTERM)
        assert server.ended() == 0
    with serving(*options, cwd=files) as server:
        after = [
            openai_client(server).responses.create(model="gpt-4o", input=f"after {n}").id for n in range(6)
        ]
        assert not set(before) & set(after)
        (item,) = openai_client(server).responses.input_items.list(before[0]).data
        assert "before 0" in item.model_dump_json()


def test_group_whose_number_the_store_has_lost_takes_another(files: Path, store: RedisServer) -> None:
    import redis

    options = ("--store", store.url, "--workers", "2")
    with (
        serving(*options, "--seed", "3", cwd=files) as one,
        redis.Redis(unix_socket_path=str(store.socket)) as found,
    ):
        first = [response(one)["id"] for _ in range(4)]
        found.flushall()
        until(lambda: found.exists("mockllm:replica:1"))
        with serving(*options, "--seed", "3", cwd=files) as two:
            ids = [response(server)["id"] for _ in range(6) for server in (one, two)]
        assert len({*first, *ids}) == 4 + 12


@pytest.mark.full
def test_first_group_of_a_store_makes_bytes_of_one_process(files: Path, store: RedisServer) -> None:
    with serving("--seed", "3", cwd=files) as single:
        one = [response(single)["id"] for _ in range(4)]
    with serving("--seed", "3", "--store", store.url, "--workers", "2", cwd=files) as several:
        assert [response(several)["id"] for _ in range(4)] == one


def test_reload_of_one_group_leaves_the_counts_of_another(files: Path, store: RedisServer) -> None:
    other = files / "other"
    (other / "scenarios").mkdir(parents=True)
    paths = [folder / "scenarios" / "a.yaml" for folder in (files, other)]
    paths[1].write_text(SCENARIO)
    changed = SCENARIO.replace("sequence: [one, two, three]", "reply: Other.")
    options = ("--store", store.url, "--workers", "2")
    with serving(*options, cwd=files) as one, serving(*options, cwd=other) as two:
        assert [ask(server, "step")[1] for server in (one, two)] == ["one", "two"]
        reload(one, paths[0], changed)
        assert [ask(server, "step")[1] for server in (one, two)] == ["Other.", "three"]
        reload(one, paths[0], SCENARIO)
        assert ask(one, "step")[1] == "three"
        for text in (changed, SCENARIO):  # the counts end with the last group that has the rule
            for server, path in zip((one, two), paths, strict=True):
                reload(server, path, text)
        assert [ask(server, "step")[1] for server in (one, two)] == ["one", "two"]


def reload(server: Process, path: Path, text: str) -> None:
    """Change a file, and wait until all that follows in the store is done."""
    path.write_text(text)
    server.post("/api/reload", {})
    server.post("/api/reset", {"what": ["metrics"]})
