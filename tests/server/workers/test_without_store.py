"""Workers without a store: what a request gets that needs a stored object."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.request.stored_objects import (
    CLIENT_NAMED,
    EMPTY_LOOKUP,
    StorageUpdate,
    StoredObject,
)
from mockllm.server.workers.no_store import NoStore
from mockllm.state.fetched_objects import FetchedObject, FetchKey, ObjectToFetch
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from tests.process import Process, serving
from tests.waiting import PATIENCE

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked")
SCENARIO = """
mcp:
  - {name: travel, tools: [search]}
rules:
  - {name: any, reply: Hello.}
"""
STORED = StorageUpdate(("file-1",), StoredObject("file-1", None, b"", b""))
LACKED = "no store, so it has no stored objects; start it with --store"


class Unbound(NoStore):
    """Without the state of workers."""

    def __init__(self) -> None: ...


def fetched(key: FetchKey) -> FetchedObject | Failure:
    return asyncio.run(Unbound().fetch(ObjectToFetch("", key, lambda: None)))


@pytest.mark.parametrize("id", ["resp_1", "file-1", "vs_1", "batch_1"])
def test_stored_object_of_any_kind_is_refused_by_its_noun(id: str) -> None:
    failure = fetched(("stored", id))
    assert isinstance(failure, Failure)
    assert failure.status == 400
    assert LACKED in (failure.message or "")


def test_a_call_is_unknown() -> None:
    assert fetched(("tool_call", "call_1")) is None


def test_name_of_a_client_is_unknown_and_a_list_empty() -> None:
    assert fetched(("stored", f"{CLIENT_NAMED}model")) is None
    assert fetched(("all_stored", "file-")) == ()


def confirmed(*updates: StorageUpdate) -> object:
    """Return what the response gets that stores this, and nothing of it is left for the next one."""
    state = SharedEngineState(SharedCounts())
    store = NoStore(state)
    for update in updates:
        state.apply_storage_update("", update, EMPTY_LOOKUP)
    confirmation = store.take_storage_confirmation()
    assert store.take_storage_confirmation() is None

    async def result() -> object:
        return None if confirmation is None else await confirmation

    return asyncio.run(result())


def test_response_that_is_a_stored_object_is_refused() -> None:
    failure = confirmed(StorageUpdate(tool_calls={"call_1": "search"}), STORED)
    assert isinstance(failure, Failure)
    assert failure.status == 400
    assert LACKED in (failure.message or "")


def test_response_that_is_right_without_its_storage_is_sent() -> None:
    assert confirmed(STORED._replace(is_optional=True), StorageUpdate(forgotten=("file-1",))) is None


# --- a running server ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("without_store")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serving("--workers", "2", cwd=folder, PATH="") as process:
        yield process


def sent(
    server: Process, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, str, Message[str, str]]:
    """Return the status, the body and the headers of the response."""
    named = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "anthropic-version": "2023-06-01",
        "x-api-key": "k",
        **headers,
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), refused.headers


NEEDS_NO_STORE = [
    ("GET", "/api/tags", None),
    ("POST", "/api/show", {"model": "llama3.2"}),
    ("POST", "/api/pull", {"model": "x", "stream": False}),
    ("POST", "/api/copy", {"source": "llama3.2", "destination": "mine"}),
    ("GET", "/vllm/v1/models", None),
    ("GET", "/v1/files", None),
    ("GET", "/v1/batches", None),
    ("GET", "/v1/messages/batches", None),
    ("GET", "/v1beta/cachedContents", None),
    ("GET", "/v1/webhook_endpoints", None),
    ("GET", "/mistral/v1/agents", None),
    ("POST", "/v1/responses", {"model": "x", "input": "hi"}),
    ("POST", "/v1beta/interactions", {"model": "gemini-2.5-flash", "input": "x"}),
    ("POST", "/mistral/v1/conversations", {"model": "mistral-small-latest", "inputs": "x"}),
    (
        "POST",
        "/v1/chat/completions",
        {"model": "x", "store": True, "messages": [{"role": "user", "content": "x"}]},
    ),
]


@on_linux
@pytest.mark.parametrize(("method", "path", "body"), NEEDS_NO_STORE)
def test_call_that_names_nothing_stored_is_served(server: Process, method: str, path: str, body: Any) -> None:
    assert sent(server, method, path, body)[0] == 200


WEBHOOK = {"url": "http://127.0.0.1:9/x", "event_types": ["response.completed"], "name": "n"}
UPLOAD = {"filename": "a.txt", "purpose": "assistants", "bytes": 3, "mime_type": "text/plain"}
LINE = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
CONTENTS = [{"role": "user", "parts": [{"text": "x " * 5000}]}]
CREATIONS = [
    ("POST", "/v1/conversations", {}),
    ("POST", "/v1/responses", {"model": "gpt-5", "input": "hi", "background": True}),
    ("POST", "/v1beta/interactions", {"model": "gemini-2.5-flash", "input": "hi", "background": True}),
    ("POST", "/v1/uploads", UPLOAD),
    ("POST", "/v1/vector_stores", {"name": "v"}),
    ("POST", "/v1/messages/batches", {"requests": [{"custom_id": "a", "params": LINE}]}),
    ("POST", "/v1beta/cachedContents", {"model": "models/gemini-2.5-flash", "contents": CONTENTS, "ttl": "300s"}),
    ("POST", "/mistral/v1/agents", {"model": "mistral-small-latest", "name": "x"}),
    ("POST", "/v1/webhook_endpoints", WEBHOOK),
    ("POST", "/v1beta/models/veo-3.0-generate-001:predictLongRunning", {"instances": [{"prompt": "x"}]}),
    ("POST", "/v1beta/fileSearchStores", {"displayName": "x"}),
    ("POST", "/vllm/v1/load_lora_adapter", {"lora_name": "lo", "lora_path": "/x"}),
    ("DELETE", "/api/delete", {"model": "llama3.2"}),
]  # fmt: skip


@on_linux
@pytest.mark.parametrize(("method", "path", "body"), CREATIONS)
def test_call_that_only_stores_is_refused(server: Process, method: str, path: str, body: Any) -> None:
    status, text, _ = sent(server, method, path, body)
    assert status == 400
    assert LACKED in text


@on_linux
def test_mcp_client_gets_no_session_and_its_calls_are_served(server: Process) -> None:
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a", "version": "1"},
    }
    opening = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    status, _, headers = sent(server, "POST", "/mcp/travel", opening)
    assert (status, headers["mcp-session-id"]) == (200, None)
    listed = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    status, text, _ = sent(server, "POST", "/mcp/travel", listed)
    assert status == 200
    assert '"search"' in text


RULE = {"rules": [{"name": "q", "match": {"model": "q"}, "reply": "b"}]}


@on_linux
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/api/sessions/s", {"time_scale": 2}),
        ("POST", "/api/rules?session=s", RULE),
        ("PUT", "/api/rules/q?session=s", RULE),
    ],
)
def test_control_call_about_a_session_is_refused(server: Process, method: str, path: str, body: Any) -> None:
    status, text, _ = sent(server, method, path, body)
    assert status == 400
    assert "no store, so it has no sessions" in text
