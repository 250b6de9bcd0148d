"""Workers that share their counts over the store of `--store`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest

from mockllm.store.script_arguments import scope_key, session_base
from tests.process import Process, serving
from tests.server.workers.store_scenario import (
    SCENARIO,
    ask,
    ask_all,
    openai_client,
    response,
    scenario_folder,
    served_text,
    texts,
)
from tests.server.workers.worker_processes import workers_of
from tests.store.redis_server import RedisServer, redis_server
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")

REQUESTS = 60


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return scenario_folder(tmp_path)


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.mark.full
def test_two_groups_share_counts_and_no_ids(files: Path, store: RedisServer) -> None:
    options = ("--store", store.url, "--workers", "2")
    with serving(*options, cwd=files) as one, serving(*options, cwd=files) as two:
        with ThreadPoolExecutor(2) as threads:
            both = threads.map(lambda server: ask_all(server, ["step"] * REQUESTS), (one, two))
            counted = texts([answer for answers in both for answer in answers])
        assert counted == {"one": 1, "two": 1, "three": 2 * REQUESTS - 2}
        ids = {body["id"] for server in (one, two) for body in [response(server) for _ in range(10)]}
        assert len(ids) == 20


def test_no_key_of_the_store_has_a_text_of_a_request(files: Path, store: RedisServer) -> None:
    import redis

    marks = ("sk-marked-key", "marked-session", "marked-header", "marked text")
    limit = "limit: {strategy: fixed-window, requests: 9, window: 1h}"
    text = f"{SCENARIO}  - {{name: h, match: {{model: m}}, per: 'header:x-a', {limit}}}\n"
    (files / "scenarios" / "a.yaml").write_text(text)
    with serving("--store", store.url, "--workers", "2", cwd=files) as server:
        headers = {"authorization": f"Bearer {marks[0]}", "x_mockllm_session": marks[1], "x_a": marks[2]}
        ask(server, "step", model="m", **headers)
        ask(server, marks[3], model="m", **headers)
        openai_client(server).responses.create(model="m", input=marks[3])
        with redis.Redis(unix_socket_path=str(store.socket)) as found:
            keys = [key.decode() for key in found.keys("*")]
            fields = [
                name.decode("latin-1")
                for key in keys
                if found.type(key) == b"hash"
                for name in found.hkeys(key)
            ]
    assert len(keys) > 4
    assert not [name for name in (*keys, *fields) for mark in marks if mark in name]


def test_store_away_is_an_error_after_a_bounded_wait(files: Path, store: RedisServer) -> None:
    with serving("--store", store.url, "--workers", "2", "--store-wait", "500ms", cwd=files) as server:
        assert ask(server, "step")[1] == "one"
        store.kill()
        server.line(lambda line: "is away" in line)
        began = time.monotonic()
        status, text = ask(server, "step")
        assert status == 503
        assert "the store of this server's counts is away" in text
        assert time.monotonic() - began < PATIENCE
        assert ask(server, "hi") == (200, "Hello.")  # its rule counts nothing
        assert ask(server, "luck")[0] == 503
        health = server.get("/health")
        assert health["status"] == "degraded"
        assert "is away" in health["store"]
        store.start()
        server.line(lambda line: "is back" in line)
        assert until(lambda: served_text(server, "step")) == "two"  # workers may learn it later
        until(lambda: server.get("/health")["store"] == "ok")


def test_store_without_memory_is_away_without_requests(files: Path, store: RedisServer) -> None:
    import redis

    with serving("--store", store.url, "--workers", "2", cwd=files) as server:
        with redis.Redis(unix_socket_path=str(store.socket)) as client:
            client.config_set("maxmemory", 1)
        server.line(lambda line: "is away: OOM" in line and line.endswith("raise its maxmemory"))
        until(lambda: {server.get("/health")["status"] for _ in range(8)} == {"degraded"})  # of both workers


@pytest.mark.full
def test_store_away_with_local_decides_alone(files: Path, store: RedisServer) -> None:
    options = ("--store", store.url, "--workers", "1", "--store-wait", "200ms", "--store-failure", "local")
    with serving(*options, cwd=files) as server:
        assert [ask(server, "step")[1] for _ in range(2)] == ["one", "two"]
        store.kill()
        server.line(lambda line: "is away" in line)
        assert ask(server, "step") == (200, "one")
        assert "are decided without it" in server.get("/health")["store"]


def test_store_that_is_not_there_is_one_line(files: Path) -> None:
    process = Process(["--store", "unix:///nowhere/store.sock", "--port", "0"], files, {})
    try:
        assert process.ended() == 1
        process.line(lambda line: "the store unix:///nowhere/store.sock cannot be used: No such file" in line)
    finally:
        process.close()


@pytest.mark.full
def test_places_of_a_killed_worker_are_not_lost_for_ever(files: Path, store: RedisServer) -> None:
    """The places of responses end with their term, which a killed worker does not renew."""
    import redis

    with serving("--store", store.url, "--workers", "1", cwd=files) as server:
        (worker,) = workers_of(server)
        with ThreadPoolExecutor(1) as threads:
            requesting = threads.submit(ask, server, "hi", "busy")
            with redis.Redis(unix_socket_path=str(store.socket)) as found:
                key = until(lambda: found.keys("mockllm:{shared}:global:*c"))[0]
                os.kill(worker, signal.SIGKILL)
                (score,) = dict(found.zrange(key, 0, -1, withscores=True)).values()
                assert 0 < score / 1e6 - time.time() < 31
            assert isinstance(requesting.exception(PATIENCE), Exception)


def test_session_ends_as_a_whole(files: Path, store: RedisServer) -> None:
    import redis

    options = ("--store", store.url, "--workers", "2", "--session-ttl", "1")
    with (
        serving(*options, cwd=files) as server,
        openai.OpenAI(base_url=f"{server.url}/s/one/v1", api_key="any", max_retries=0) as session,
        redis.Redis(unix_socket_path=str(store.socket)) as found,
    ):
        first = session.responses.create(model="gpt-4o", input="one")
        assert ask(server, "step", x_mockllm_session="one")[1] == "one"
        until(lambda: not found.exists(scope_key(session_base("one"), "")))
        with pytest.raises(openai.NotFoundError):
            session.responses.retrieve(first.id)
        assert ask(server, "step", x_mockllm_session="one")[1] == "one"
