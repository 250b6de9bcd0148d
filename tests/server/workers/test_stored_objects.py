"""Stored objects that several clients change at once, in one process and in two groups of workers with one store."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.process import Process, serving
from tests.store.redis_server import redis_server
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")

SCENARIO = """
rules:
  - {name: long, match: {user: long}, reply: {text: {tokens: 9000}}}
  - {name: rest, reply: Hello.}
"""
CLIENTS = 12
FORM = (
    '--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
    '--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\ntext\r\n--x--\r\n'
)


class Result(NamedTuple):
    status: int
    body: Any


class Clients:
    """Clients that call the servers in turn, each on a connection of its own."""

    def __init__(self, servers: Sequence[Process]) -> None:
        self._urls = cycle([server.url for server in servers])

    def call(self, method: str, path: str, body: object = None) -> Result:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(next(self._urls) + path, data, method=method)
        request.add_header("content-type", "application/json")
        return _result(request)

    def upload(self) -> str:
        """The id of a new file."""
        request = urllib.request.Request(f"{next(self._urls)}/v1/files", FORM.encode(), method="POST")
        request.add_header("content-type", "multipart/form-data; boundary=x")
        return str(_result(request).body["id"])

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

    def add(text: str) -> Callable[[], Result]:
        return lambda: clients.call("POST", f"/v1/conversations/{id}/items", {"items": [message(text)]})

    added = clients.all([add(text) for text in texts])
    assert Counter(result.status for result in added) == {200: len(texts)}
    found = clients.items(id)
    assert Counter(found) == Counter(texts)
    ids = {result.body["data"][0]["id"] for result in added}
    assert len(ids) == len(texts), "each item has an id of its own"


@pytest.mark.parametrize("long", [False, True])
def test_turns_of_many_clients_in_a_conversation_are_all_there(clients: Clients, *, long: bool) -> None:
    id = clients.call("POST", "/v1/conversations", {}).body["id"]
    texts = [f"turn {number}" for number in range(3 * CLIENTS)]

    def ask(text: str) -> Callable[[], Result]:
        last = [message("long")] if long else []
        body = {"model": "gpt-4o", "input": [message(text), *last], "conversation": id}
        return lambda: clients.call("POST", "/v1/responses", body)

    answers = clients.all([ask(text) for text in texts])
    assert Counter(result.status for result in answers) == {200: len(texts)}
    found = clients.items(id)
    said = [result.body["output"][0]["content"][0]["text"] for result in answers]
    assert Counter(found) == Counter(texts + said + ["long"] * (len(texts) if long else 0))
    size = len(found) // len(texts)
    assert {found[place].split()[0] for place in range(0, len(found), size)} == {"turn"}, "turns are whole"


def created_response(clients: Clients) -> str:
    return "/v1/responses/" + str(
        clients.call("POST", "/v1/responses", {"model": "gpt-4o", "input": "a"}).body["id"]
    )


def created_conversation(clients: Clients) -> str:
    return "/v1/conversations/" + str(clients.call("POST", "/v1/conversations", {}).body["id"])


def created_file(clients: Clients) -> str:
    return "/v1/files/" + clients.upload()


@pytest.mark.parametrize("created", [created_response, created_conversation, created_file])
def test_one_of_many_deletions_finds_the_object(clients: Clients, created: Callable[[Clients], str]) -> None:
    for _ in range(10):
        path = created(clients)
        deleted = clients.all([lambda path=path: clients.call("DELETE", path)] * CLIENTS)  # type: ignore[misc]
        assert Counter(result.status for result in deleted) == {200: 1, 404: CLIENTS - 1}
