"""Stored objects that several clients change at once, in one process and in two groups of workers with one store."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from tests.process import Process, serving
from tests.store.redis_server import redis_server
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")

SCENARIO = """
rules:
  - {name: long, match: {user: long}, reply: {text: {tokens: 9000}}}
  - {name: polled, match: {user: polled}, reply: Hello., pace: {queued_polls: 5, in_progress_polls: 4}}
  - {name: rest, reply: Hello.}
"""
CLIENTS = 12
FORM = (
    '--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
    '--x\r\ncontent-disposition: form-data; name="{}"; filename="a.txt"\r\n\r\ntext\r\n--x--\r\n'
)


class Result(NamedTuple):
    status: int
    body: Any


class Clients:
    """Clients that call the servers in turn, each on a separate connection."""

    def __init__(self, servers: Sequence[Process]) -> None:
        self._urls = cycle([server.url for server in servers])

    def call(self, method: str, path: str, body: object = None) -> Result:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(next(self._urls) + path, data, method=method)
        request.add_header("content-type", "application/json")
        return _result(request)

    def created(self, path: str, body: object, before: str = "/v1") -> str:
        """The path of a new object."""
        return f"{before}/{path}/{self.call('POST', f'{before}/{path}', body).body['id']}"

    def upload(self, path: str, field: str = "file") -> Any:
        """The object of a new file."""
        form = FORM.format(field).encode()
        request = urllib.request.Request(next(self._urls) + path, form, method="POST")
        request.add_header("content-type", "multipart/form-data; boundary=x")
        return _result(request).body

    def all(self, calls: Sequence[Callable[[], Result]]) -> list[Result]:
        """The results of calls that are made at once."""
        with ThreadPoolExecutor(CLIENTS) as threads:
            return list(threads.map(lambda call: call(), calls))

    def items(self, conversation: str) -> list[str]:
        """The texts of the items of a conversation, in order."""
        found: list[str] = []
        path = f"/v1/conversations/{conversation}/items?limit=100&order=asc"
        after = ""
        while True:
            page = self.call("GET", path + after).body
            found += [part["text"] for item in page["data"] for part in item["content"]]
            if not page["has_more"]:
                return found
            after = f"&after={page['last_id']}"


def _result(request: urllib.request.Request) -> Result:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return Result(response.status, json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return Result(error.code, json.load(error))


@pytest.fixture(scope="module", params=["one process", "workers"])
def clients(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    folder: Path = tmp_path_factory.mktemp("served")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "a.yaml").write_text(SCENARIO)
    if request.param == "one process":
        with serving("--quiet", cwd=folder) as server:
            yield Clients([server])
        return
    with redis_server() as store:
        options = ("--store", store.url, "--workers", "2", "--quiet", "--store-wait", "60s")
        with serving(*options, cwd=folder) as one, serving(*options, cwd=folder) as two:
            yield Clients([one, two])


def message(text: str) -> dict[str, object]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def test_items_that_many_clients_add_are_all_there(clients: Clients) -> None:
    id = clients.call("POST", "/v1/conversations", {}).body["id"]
    texts = [f"item {number}" for number in range(5 * CLIENTS)]

    path = f"/v1/conversations/{id}/items"
    added = clients.all([partial(clients.call, "POST", path, {"items": [message(text)]}) for text in texts])
    assert Counter(result.status for result in added) == {200: len(texts)}
    found = clients.items(id)
    assert Counter(found) == Counter(texts)
    ids = {result.body["data"][0]["id"] for result in added}
    assert len(ids) == len(texts), "each item has an id of its own"


@pytest.mark.parametrize("long", [False, True])
def test_turns_of_many_clients_in_a_conversation_are_all_there(clients: Clients, *, long: bool) -> None:
    id = clients.call("POST", "/v1/conversations", {}).body["id"]
    texts = [f"turn {number}" for number in range(3 * CLIENTS)]

    last = [message("long")] if long else []
    bodies = [{"model": "gpt-4o", "input": [message(text), *last], "conversation": id} for text in texts]
    answers = clients.all([partial(clients.call, "POST", "/v1/responses", body) for body in bodies])
    assert Counter(result.status for result in answers) == {200: len(texts)}
    found = clients.items(id)
    replies = [result.body["output"][0]["content"][0]["text"] for result in answers]
    assert Counter(found) == Counter(texts + replies + ["long"] * (len(texts) if long else 0))
    size = len(found) // len(texts)
    assert {found[place].split()[0] for place in range(0, len(found), size)} == {"turn"}, "turns are whole"


@pytest.mark.parametrize("long", [False, True])
def test_appends_of_many_clients_at_mistral_are_all_there(clients: Clients, *, long: bool) -> None:
    path = "/mistral/v1/conversations"
    started = clients.call("POST", path, {"model": "m", "inputs": "start"}).body
    path = f"{path}/{started['conversation_id']}"
    texts = [f"turn {number}" for number in range(3 * CLIENTS)]
    last = [{"role": "user", "content": "long"}] if long else []
    bodies = [{"inputs": [{"role": "user", "content": text}, *last]} for text in texts]
    answers = clients.all([partial(clients.call, "POST", path, body) for body in bodies])
    assert Counter(result.status for result in answers) == {200: len(texts)}
    entries = clients.call("GET", f"{path}/history").body["entries"]
    replies = [result.body["outputs"][0]["content"] for result in answers]
    expected = Counter(["start", "Hello.", *texts, *replies, *["long"] * (len(texts) if long else 0)])
    assert Counter(entry["content"] for entry in entries) == expected


def chat_completion(clients: Clients) -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}], "store": True}
    return clients.created("chat/completions", body)


OBJECTS: dict[str, Callable[[Clients], str]] = {
    "response": lambda clients: clients.created("responses", {"model": "gpt-4o", "input": "a"}),
    "conversation": lambda clients: clients.created("conversations", {}),
    "chat completion": chat_completion,
    "file": lambda clients: f"/v1/files/{clients.upload('/v1/files')['id']}",
    "file of Anthropic": lambda clients: f"/anthropic/v1/files/{clients.upload('/anthropic/v1/files')['id']}",
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_one_of_many_deletions_finds_the_object(clients: Clients, kind: str) -> None:
    for _ in range(5):
        path = OBJECTS[kind](clients)
        deleted = clients.all([partial(clients.call, "DELETE", path)] * CLIENTS)
        assert Counter(result.status for result in deleted) == {200: 1, 404: CLIENTS - 1}


def test_one_of_many_completions_makes_the_file(clients: Clients) -> None:
    body = {"bytes": 4, "filename": "a.txt", "mime_type": "text/plain", "purpose": "user_data"}
    path = clients.created("uploads", body)
    part = clients.upload(f"{path}/parts", "data")["id"]
    before = len(clients.call("GET", "/v1/files").body["data"])
    done = clients.all([partial(clients.call, "POST", f"{path}/complete", {"part_ids": [part]})] * CLIENTS)
    assert Counter(result.status for result in done) == {200: 1, 400: CLIENTS - 1}
    assert len(clients.call("GET", "/v1/files").body["data"]) == before + 1


def test_each_of_many_reads_counts_once(clients: Clients) -> None:
    body = {"model": "gpt-4o", "input": "polled", "background": True}
    path = clients.created("responses", body)
    reads = clients.all([partial(clients.call, "GET", path)] * CLIENTS)
    states = Counter(result.body["status"] for result in reads)
    assert states == {"queued": 5, "in_progress": 4, "completed": CLIENTS - 9}


def test_metadata_and_items_do_not_overwrite_each_other(clients: Clients) -> None:
    path = clients.created("conversations", {})
    texts = [f"item {number}" for number in range(CLIENTS)]
    adds = [partial(clients.call, "POST", f"{path}/items", {"items": [message(text)]}) for text in texts]
    changes = [
        partial(clients.call, "POST", path, {"metadata": {"number": str(number)}})
        for number in range(CLIENTS)
    ]
    both = [call for pair in zip(adds, changes, strict=True) for call in pair]
    assert Counter(result.status for result in clients.all(both)) == {200: len(both)}
    assert Counter(clients.items(path.rpartition("/")[2])) == Counter(texts)
    assert clients.call("GET", path).body["metadata"]


@pytest.mark.full
def test_items_of_finished_calls_outlive_a_restart_of_the_store(tmp_path: Path) -> None:
    """A call that waits while the store restarts adds its item once."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO)
    options = ("--workers", "2", "--quiet", "--store-wait", "60s")
    with redis_server() as store, serving("--store", store.url, *options, cwd=tmp_path) as server:
        clients = Clients([server])
        path = clients.created("conversations", {})
        texts = [f"item {number}" for number in range(60 * CLIENTS)]
        done: list[str] = []

        def add(text: str) -> int:
            status = clients.call("POST", f"{path}/items", {"items": [message(text)]}).status
            done.append(text)
            return status

        with ThreadPoolExecutor(CLIENTS) as threads:
            adding = [threads.submit(add, text) for text in texts]
            for part in range(1, 4):
                until(lambda part=part: len(done) > part * len(texts) // 4)  # type: ignore[misc]
                store.kill()
                store.start()
            assert Counter(each.result() for each in adding) == {200: len(texts)}
        with redis.Redis(unix_socket_path=str(store.socket)) as found:
            results = [found.ttl(key) for key in found.scan_iter("mockllm:{shared}:d:*")]
        assert max(results) > 60, "the store knows a result longer than a request waits for it"
        assert Counter(clients.items(path.rpartition("/")[2])) == Counter(texts)
