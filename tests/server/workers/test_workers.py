"""`mockllm serve --workers` as a user runs it: one server, whichever process responds."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from websockets.sync.client import connect

from mockllm.server.certificates import self_signed
from tests.process import Process, serving
from tests.server.workers.worker_processes import workers_of
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")

SCENARIO = """
rules:
  - {name: first, match: {user: hi}, reply: "Hello from the first version."}
  - {name: drawn, match: {user: draw}, reply: {text: {sentences: 3}}}
"""
REQUESTS = 40
NO_STORE = {"PATH": ""}
"""Without a program in PATH, `serve` finds no server for a store."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text(SCENARIO)
    return tmp_path


@pytest.fixture
def server(files: Path) -> Iterator[Process]:
    with serving("--workers", "2", cwd=files, **NO_STORE) as process:
        yield process


def ask_all(server: Process, texts: list[str]) -> list[str]:
    """The texts of the responses to requests that come at the same time, each on a separate connection."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(server.ask, texts))


def ask_and_see_it_end(server: Process) -> None:
    """Ask once. The same worker responds again before this returns, so the first exchange is in its journal: a client
    may have the response before that."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        connection.request("POST", "/v1/chat/completions", json.dumps(request))
        assert connection.getresponse().read()
        connection.request("GET", "/health")
        assert connection.getresponse().read()
    finally:
        connection.close()


def body(server: Process, user: str) -> Any:
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}]}
    found = server.post("/v1/chat/completions", request)
    found.pop("created")
    return found


def test_workers_serve_one_journal(server: Process) -> None:
    assert set(ask_all(server, ["hi"] * REQUESTS)) == {"Hello from the first version."}
    page = server.get("/api/requests?limit=1000")
    assert sorted(entry["id"] for entry in page["requests"]) == list(range(1, REQUESTS + 1))
    assert page["total"] == page["kept"] == REQUESTS
    expected = {"expect": [{"match": {"user": "hi"}, "exactly": REQUESTS}]}
    assert server.post("/api/verify", expected)["passed"]
    detail = server.get(f"/api/requests/{page['requests'][0]['id']}")
    assert detail["request"]["body"]["messages"][0]["content"] == "hi"


def test_journal_of_workers_has_azure_requests(server: Process) -> None:
    """The classes of Azure's requests are derived from OpenAI's."""
    messages = [{"role": "user", "content": "hi"}]
    server.post("/openai/deployments/d/chat/completions?api-version=2024-10-21", {"messages": messages})
    until(lambda: server.get("/api/requests")["total"] == 1)
    (entry,) = server.get("/api/requests")["requests"]
    assert entry["provider"] == "azure"


def test_workers_serve_one_set_of_metrics(server: Process) -> None:
    ask_all(server, ["hi"] * REQUESTS)
    assert server.get("/api/metrics")["requests"] == REQUESTS
    with urllib.request.urlopen(f"{server.url}/metrics") as page:
        assert f'status="200"}} {REQUESTS}.0' in page.read().decode()
    rule = server.get("/api/rules")["rules"][0]
    assert (rule["tries"], rule["answers"]) == (REQUESTS, REQUESTS)
    server.post("/api/reset", {})
    assert server.get("/api/metrics")["requests"] == 0
    assert server.get("/api/rules")["rules"][0]["tries"] == 0


def test_uptime_is_that_of_the_server(server: Process) -> None:
    before = server.get("/health")["uptime"]
    begin = time.monotonic()
    for worker in workers_of(server):
        os.kill(worker, signal.SIGKILL)
    until(lambda: sum("takes its place" in line for line in list(server.err)) == 2)
    took = time.monotonic() - begin
    assert server.get("/health")["uptime"] - before > took - 0.01


@pytest.mark.full
def test_workers_serve_one_set_of_vllm_metrics(server: Process, files: Path) -> None:
    ask_all(server, ["hi"] * REQUESTS)
    with urllib.request.urlopen(f"{server.url}/metrics") as page:
        assert "vllm:" not in page.read().decode()
    (files / "scenarios" / "a.yaml").write_text(f"provider: vllm\n{SCENARIO}")
    until(lambda: vllm_metric(server, "num_requests_running") == 0)
    ask_all(server, ["hi"] * REQUESTS)
    assert vllm_metric(server, "e2e_request_latency_seconds_count") == REQUESTS
    assert (vllm_metric(server, "generation_tokens_total") or 0) > REQUESTS
    os.kill(workers_of(server)[0], signal.SIGKILL)
    server.line(lambda line: "another one takes its place" in line)
    assert vllm_metric(server, "e2e_request_latency_seconds_count") == REQUESTS


def vllm_metric(server: Process, name: str) -> float | None:
    """The sum of the series of this name; None if there is none."""
    with urllib.request.urlopen(f"{server.url}/metrics") as page:
        lines = [line for line in page.read().decode().splitlines() if line.startswith(f"vllm:{name}{{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines) if lines else None


@pytest.mark.full
def test_seed_with_workers_makes_bytes_of_one_process(files: Path) -> None:
    texts = ["hi", "draw", "draw", "hi", "draw", "what?"] * 4
    with serving("--seed", "7", "--miss-status", "404", cwd=files) as single:
        one = [seen(single, text) for text in texts]
    with serving("--seed", "7", "--workers", "3", cwd=files, **NO_STORE) as several:
        assert [seen(several, text) for text in texts] == one


def seen(server: Process, text: str) -> Any:
    try:
        return body(server, text)
    except urllib.error.HTTPError as error:
        return error.read()


@pytest.mark.full
def test_killed_worker_is_replaced(server: Process) -> None:
    first = workers_of(server)
    os.kill(first[0], signal.SIGKILL)
    server.line(lambda line: "was killed by SIGKILL" in line)
    until(lambda: len(set(workers_of(server)) - set(first)) == 1)
    answers = ask_all(server, ["hi"] * REQUESTS)
    assert answers == ["Hello from the first version."] * REQUESTS
    assert server.get("/api/requests?limit=1")["total"] == REQUESTS


def test_worker_with_a_broken_certificate_says_why(files: Path) -> None:
    certificate = self_signed(files / "tls").server
    options = ("--workers", "2", "--tls-port", "0", "--tls-cert", str(certificate))
    with serving(*options, cwd=files, **NO_STORE) as server:
        certificate.write_text("broken")
        os.kill(workers_of(server)[0], signal.SIGKILL)
        server.line(lambda line: line.startswith("worker 1 does not start: expected a certificate in"))
        assert not [line for line in server.err if "Traceback" in line]


def test_requests_of_a_killed_worker_are_lost_for_verify(server: Process) -> None:
    ask_all(server, ["hi"] * REQUESTS)
    assert server.get("/api/requests?limit=1")["total"] == REQUESTS
    workers = workers_of(server)
    ask_and_see_it_end(server)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until(lambda: set(workers_of(server)).isdisjoint(workers) and len(workers_of(server)) == 2)
    server.ask()
    found = server.post("/api/verify", {"expect": [{"match": {"user": "hi"}}]})
    assert found["checked"] + found["lost"] == REQUESTS + 2


@pytest.mark.full
def test_reload_changes_all_workers_from_one_moment(server: Process, files: Path) -> None:
    answers: list[str] = []

    def ask_on(_: int) -> None:
        while not any("second" in answer for answer in answers[-50:-25]):
            answers.append(server.ask())

    with ThreadPoolExecutor(
        1
    ) as client:  # one after another, each on a new connection: any worker may get it
        requesting = client.submit(ask_on, 0)
        until(lambda: len(answers) > 20)
        text = SCENARIO.replace("first version", "second version")
        (files / "scenarios" / "a.yaml").write_text(text)
        requesting.result(PATIENCE)
    versions = ["second" in answer for answer in answers]
    assert versions == sorted(versions)


def test_file_that_workers_refuse_is_stale_and_others_reload(server: Process, files: Path) -> None:
    folder = files / "scenarios"
    text = SCENARIO.replace('reply: "Hello from the first version."', "sequence: [one, two]")
    (folder / "a.yaml").write_text(text)
    (folder / "b.yaml").write_text("rules:\n  - {name: held, match: {user: held}, hold: x, reply: Held.}\n")
    (folder / "c.yaml").write_text("rules:\n  - {name: new, match: {user: new}, reply: New.}\n")
    found = server.post("/api/reload", {})
    stale = {Path(each["file"]).name: each for each in found["stale"]}
    assert sorted(stale) == ["a.yaml", "b.yaml"]
    assert "a.yaml:first (sequence)" in stale["a.yaml"]["reason"]
    assert (stale["a.yaml"]["left_out"], stale["b.yaml"]["left_out"]) == (False, True)
    assert server.get("/health")["status"] == "degraded"
    assert [server.ask(user) for user in ("hi", "new")] == ["Hello from the first version.", "New."]
    (folder / "a.yaml").write_text(SCENARIO)
    (folder / "b.yaml").unlink()
    assert server.post("/api/reload", {})["stale"] == []
    assert server.get("/health")["status"] == "ok"


def test_file_that_workers_refuse_is_not_written(files: Path) -> None:
    with serving("--workers", "2", "--edit", cwd=files, **NO_STORE) as server:
        text = b"rules:\n  - {name: steps, sequence: [a, b]}\n"
        request = urllib.request.Request(f"{server.url}/api/files/b.yaml?digest=", text, method="PUT")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 422
        assert "cannot share what these rules count" in refused.value.read().decode()
    assert not (files / "scenarios" / "b.yaml").exists()


@pytest.mark.full
def test_overlay_is_used_by_all_workers(server: Process) -> None:
    server.post("/api/rules", {"match": {"user": "hi"}, "reply": "Overlaid."})
    assert set(ask_all(server, ["hi"] * REQUESTS)) == {"Overlaid."}
    with pytest.raises(urllib.error.HTTPError) as refused:
        server.post("/api/rules", {"name": "counted", "match": {"user": "hi"}, "sequence": ["a", "b"]})
    assert "counted (sequence)" in json.load(refused.value)["detail"]


def test_start_with_rules_that_count_is_refused(files: Path) -> None:
    (files / "scenarios" / "a.yaml").write_text("rules:\n  - name: steps\n    sequence: [a, b]\n")
    process = Process(["--workers", "2", "--port", "0"], files, NO_STORE)
    try:
        assert process.ended() == 2
        process.line(
            lambda line: "scenarios/a.yaml:2:1: a.yaml:steps: several processes cannot share" in line
        )
    finally:
        process.close()


def test_one_worker_serves_rules_that_count(files: Path) -> None:
    (files / "scenarios" / "a.yaml").write_text("rules:\n  - name: steps\n    sequence: [a, b]\n")
    with serving("--workers", "1", cwd=files, **NO_STORE) as server:
        assert [server.ask("hi"), server.ask("hi")] == ["a", "b"]


@pytest.mark.full
def test_session_without_store_is_refused(server: Process) -> None:
    request = urllib.request.Request(
        f"{server.url}/v1/chat/completions",
        json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}).encode(),
        {"content-type": "application/json", "x-mockllm-session": "one"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400
    assert "no store" in json.load(refused.value)["error"]["message"]


SLOW = """
rules:
  - {name: slow, match: {user: hi}, reply: 'a b c d e', pace: {ttft: 300ms, tokens_per_second: 10}}
"""


@contextmanager
def streaming(server: Process) -> Iterator[IO[bytes]]:
    """A stream that has begun."""
    request = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    data = urllib.request.Request(
        f"{server.url}/v1/chat/completions",
        json.dumps(request).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(data) as stream:
        yield stream


@pytest.mark.full
def test_sigterm_lets_a_stream_end(files: Path) -> None:
    (files / "scenarios" / "a.yaml").write_text(SLOW)
    with serving("--workers", "2", cwd=files, **NO_STORE) as server:
        with streaming(server) as stream:
            server.send(signal.SIGTERM)
            assert stream.read().rstrip().endswith(b"[DONE]")
        assert server.ended() == 0


def test_sigterm_to_all_processes_lets_a_stream_end(files: Path) -> None:
    """As `timeout` and systemd send it."""
    (files / "scenarios" / "a.yaml").write_text(SLOW)
    with serving("--workers", "2", cwd=files, **NO_STORE) as server:
        with streaming(server) as stream:
            for process in (*workers_of(server), server.pid):
                os.kill(process, signal.SIGTERM)
            assert stream.read().rstrip().endswith(b"[DONE]")
        assert server.ended() == 0


@pytest.mark.full
def test_sighup_reloads_without_a_change(server: Process) -> None:
    server.send(signal.SIGHUP)
    server.line(lambda line: line.startswith("reloaded: 2 rules"))
    assert server.ask() == "Hello from the first version."


def test_workers_end_with_their_supervisor(server: Process) -> None:
    workers = workers_of(server)
    server.send(signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


SOCKETS = (
    "/v1/realtime?model=gpt-realtime",
    "/v1/responses",
    "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
)


def test_sockets_of_workers_are_in_the_journal(server: Process) -> None:
    address = server.url.replace("http", "ws", 1)
    for path in SOCKETS:
        with connect(f"{address}{path}", additional_headers={"authorization": "Bearer any"}):
            pass
        server.ask()
    page = until(lambda: whole_journal(server, 2 * len(SOCKETS)))
    assert sorted(entry["path"] for entry in page) == sorted(
        [*SOCKETS, *["/v1/chat/completions"] * len(SOCKETS)]
    )
    server.send(signal.SIGTERM)
    assert server.ended() == 0
    assert "Traceback" not in server.reported


def whole_journal(server: Process, count: int) -> Any:
    page = server.get("/api/requests")
    return page["requests"] if page["total"] == count else None
