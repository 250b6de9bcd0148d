"""Workers that share their counts over a store that they start."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from google.genai import errors, types
from openai.types.responses import ResponseFileSearchToolCall
from openai.types.responses.response_file_search_tool_call import Result

from mockllm.store.store_client import SESSIONS
from tests.process import Process, serving
from tests.sdk.gemini_clients import vertex
from tests.server.served_batches import created, lines_of
from tests.server.workers.store_scenario import (
    SCENARIO,
    ask,
    ask_all,
    end_session,
    openai_client,
    scenario_folder,
    statuses,
    texts,
)
from tests.server.workers.worker_processes import children_of, command_of
from tests.store.redis_server import redis_server
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")

REQUESTS = 60


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return scenario_folder(tmp_path)


@pytest.fixture
def server(files: Path) -> Iterator[Process]:
    with serving("--workers", "2", cwd=files) as process:
        yield process


def test_own_store_makes_counts_exact(server: Process) -> None:
    until(lambda: any("Store:" in line for line in list(server.out)))
    steps = texts(ask_all(server, ["step"] * REQUESTS))
    assert steps == {"one": 1, "two": 1, "three": REQUESTS - 2}
    assert Counter(status for status, _ in ask_all(server, ["hi"] * REQUESTS, model="limited")) == {
        200: 10,
        429: REQUESTS - 10,
    }
    assert [ask(server, user)[1] for user in ("enter", "open", "enter", "enter")] == [
        "Hello.", "Opened.", "Entered.", "Hello.",
    ]  # fmt: skip
    assert statuses(server, 8, "busy") == {200: 2, 429: 6}
    rule = server.get("/api/rules")["rules"][0]
    assert (rule["tries"], rule["answers"]) == (REQUESTS, REQUESTS)


def test_rules_count_responses_not_blocked_tries(server: Process) -> None:
    for user in ["late", "end"] * 3:
        ask(server, user)
    rules = {each["id"].removeprefix("a.yaml:"): each for each in server.get("/api/rules")["rules"]}
    assert {name: (rules[name]["tries"], rules[name]["answers"]) for name in ("late", "ends", "rare")} == {
        "late": (3, 2),
        "ends": (3, 2),
        "rare": (3, 1),
    }


def test_reset_while_the_store_is_away_is_refused_and_follows(files: Path) -> None:
    with (
        redis_server() as store,
        serving("--workers", "2", "--store", store.url, cwd=files, MOCKLLM_STORE_WAIT="1s") as process,
    ):
        until(lambda: ask(process, "step")[0] == 200)
        store.kill()
        request = urllib.request.Request(f"{process.url}/api/reset", b"", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == 503
        assert "The store is away" in json.load(refused.value)["detail"]
        store.start()
        until(lambda: ask(process, "step")[1] == "one")


def wait_for_entries(server: Process, count: int) -> None:
    """Wait until the journal has so many requests; other requests would be counted between them."""
    until(lambda: server.get("/api/requests?limit=1")["total"] == count)


@pytest.mark.full
def test_lines_of_a_batch_are_counted_in_their_order(files: Path) -> None:
    """Some lines are decided in the store, others in the worker."""
    users = ["hi", "step", "hi", "open", "hi", "luck", "enter", "hi"] * 3
    found = []
    for arguments in ((), ("--workers", "2")):
        with serving(*arguments, cwd=files) as server:
            id = created(server, *users)
            wait_for_entries(server, len(users) + 2)
            found.append([line["response"]["body"]["id"] for line in lines_of(server, id)[1]])
    assert found[0] == found[1]


@pytest.mark.full
def test_seed_with_store_makes_texts_of_one_process(files: Path) -> None:
    users = ["draw", "luck", "hi", "step"] * 10
    with serving("--seed", "3", cwd=files) as single:
        one = [ask(single, user) for user in users]
    with serving("--seed", "3", "--workers", "3", cwd=files) as several:
        assert [ask(several, user) for user in users] == one


def test_settings_that_processes_cannot_share_are_refused(server: Process) -> None:
    body = json.dumps({"load": {"max_inflight": 1, "queue": 2}}).encode()
    request = urllib.request.Request(f"{server.url}/api/config/global", body, method="PATCH")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 422
    assert "several processes have no load.queue" in json.load(refused.value)["detail"]
    assert ask(server, "hi") == (200, "Hello.")


def test_sessions_are_shared_and_listed(server: Process) -> None:
    for session in ("first", "second"):
        answers = [ask(server, "step", x_mockllm_session=session)[1] for _ in range(3)]
        assert answers == ["one", "two", "three"]
    listed = server.get("/api/sessions")["sessions"]
    assert {each["id"]: each["requests"] for each in listed} == {"first": 3, "second": 3}
    end_session(server, "first")
    assert ask(server, "step", x_mockllm_session="first")[1] == "one"
    assert ask(server, "step", x_mockllm_session="second")[1] == "three"


def test_sessions_that_have_ended_leave_the_store(files: Path) -> None:
    import redis

    with redis_server() as store, redis.Redis(unix_socket_path=str(store.socket)) as client:
        client.zadd(SESSIONS, {"ended": time.time() - 4000, "unused": time.time() - 100})
        with serving("--workers", "2", "--store", store.url, "--session-ttl", "3600", cwd=files) as process:
            ask(process, "step", x_mockllm_session="present")
            until(lambda: sorted(client.zrange(SESSIONS, 0, -1)) == [b"present", b"unused"])


def test_reset_deletes_all_counts(server: Process) -> None:
    assert [ask(server, "step")[1] for _ in range(2)] == ["one", "two"]
    server.post("/api/reset", {"what": ["state"]})
    assert [ask(server, "step")[1] for _ in range(2)] == ["one", "two"]


def test_refused_request_is_in_the_journal_without_stored_model(tmp_path: Path) -> None:
    """A remix has its video's model. No process needed to fetch the video: the request lacks a prompt."""
    with serving("--workers", "2", "--pack", "default", cwd=tmp_path) as server:
        sent = {"content-type": "application/json"}
        remix = urllib.request.Request(f"{server.url}/v1/videos/x/remix", b"{}", sent)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(remix, timeout=PATIENCE)
        wait_for_entries(server, 1)
        (entry,) = server.get("/api/requests")["requests"]
        assert (entry["status"], entry["model"]) == (400, None)


def test_stored_responses_are_found_by_all_workers(server: Process) -> None:
    for _ in range(6):  # a new client each time is a new connection: any worker may get it
        first = openai_client(server).responses.create(model="gpt-4o", input="one")
        second = openai_client(server).responses.create(
            model="gpt-4o", input="two", previous_response_id=first.id
        )
        assert second.output_text == "Second: two"
        assert openai_client(server).responses.retrieve(second.id).output_text == "Second: two"


@pytest.mark.full
def test_load_with_queue_is_refused_with_its_place(files: Path) -> None:
    text = "modifiers:\n  - name: busy\n    load: {max_inflight: 2, queue: 3}\n"
    (files / "scenarios" / "a.yaml").write_text(text)
    process = Process(["--workers", "2", "--port", "0"], files, {})
    try:
        assert process.ended() == 2
        process.line(
            lambda line: "scenarios/a.yaml:2:1: a.yaml:busy: several processes have no load.queue" in line
        )
    finally:
        process.close()


@pytest.mark.full
def test_own_store_that_dies_is_started_again_with_its_counts(server: Process) -> None:
    assert ask(server, "step")[1] == "one"
    stores = [pid for pid in children_of(server.pid) if "store.sock" in command_of(pid)]
    os.kill(stores[0], signal.SIGKILL)
    server.line(lambda line: "had ended; another one has its counts" in line)
    until(lambda: ask(server, "step")[1] == "two" or None)
    assert ask(server, "step")[1] == "three"


@pytest.mark.full
def test_own_store_that_a_signal_ends_serves_the_last_requests(files: Path) -> None:
    """systemd sends SIGTERM to all processes, also to the store."""
    text = f"{SCENARIO}  - {{name: long, match: {{user: step}}, delay: 3s}}\n"
    (files / "scenarios" / "a.yaml").write_text(text)
    with serving("--workers", "2", cwd=files) as server, ThreadPoolExecutor(1) as threads:
        requesting = threads.submit(ask, server, "step")
        until(lambda: server.get("/api/rules")["rules"][0]["tries"] == 1)
        for process in (*children_of(server.pid), server.pid):
            os.kill(process, signal.SIGTERM)
        server.line(lambda line: "had ended; another one has its counts" in line)
        assert requesting.result(PATIENCE) == (200, "one")
        assert server.ended() == 0


def test_batch_jobs_of_vertex_are_shared(server: Process) -> None:
    """Each client has a separate connection, so that both workers serve some."""
    clients = [vertex(server) for _ in range(6)]
    names = []
    for number, client in enumerate(clients):
        config = types.CreateBatchJobConfig(display_name=f"job {number}")
        job = client.batches.create(model="gemini-2.5-flash", src="gs://bucket/in.jsonl", config=config)
        names.append(job.name or "")
    for client in clients:
        titles = [client.batches.get(name=name).display_name for name in names]
        assert titles == [f"job {number}" for number in range(6)]
        assert {job.name for job in client.batches.list(config={"page_size": 2})} == set(names)
    until(lambda: all(clients[0].batches.get(name=name).done for name in names))
    clients[1].batches.delete(name=names[0])
    for client in clients:
        with pytest.raises(errors.ClientError, match="not found"):
            client.batches.get(name=names[0])


def searched(client: openai.OpenAI, store: str) -> list[Result]:
    """Return what the tool `file_search` finds in a store."""
    output = client.responses.create(
        model="gpt-4o",
        input="search",
        tools=[{"type": "file_search", "vector_store_ids": [store]}],
        include=["file_search_call.results"],
    ).output
    assert isinstance(output[0], ResponseFileSearchToolCall)
    return output[0].results or []


def test_vector_stores_are_shared(server: Process) -> None:
    """Each client has a separate connection, so that both workers serve some."""
    clients = [openai_client(server) for _ in range(6)]
    store = clients[0].vector_stores.create()
    files = []
    for number, client in enumerate(clients):
        uploaded = client.files.create(
            file=(f"{number}.txt", f"Number n{number}.".encode()), purpose="assistants"
        )
        files.append(uploaded.id)
        client.vector_stores.files.create(store.id, file_id=uploaded.id, attributes={"number": number})
    for number, client in enumerate(clients):
        client.vector_stores.files.poll(files[number], vector_store_id=store.id)
        assert client.vector_stores.retrieve(store.id).file_counts.total == 6
        assert [each.id for each in client.vector_stores.files.list(store.id, order="asc", limit=2)] == files
        assert client.vector_stores.search(store.id, query=f"n{number}").data[0].filename == f"{number}.txt"
    for client in clients:
        assert searched(client, store.id)[0].filename == "3.txt"
    batch = clients[1].vector_stores.file_batches.create(store.id, file_ids=files[:2])
    assert (
        clients[2].vector_stores.file_batches.poll(batch.id, vector_store_id=store.id).file_counts.completed
        == 2
    )
    clients[3].files.delete(files[0])
    assert [each.id for each in clients[4].vector_stores.files.list(store.id, order="asc")] == files[1:]
    clients[5].vector_stores.delete(store.id)
    for client in clients:
        assert list(client.vector_stores.list()) == []
        assert searched(client, store.id) == []
