"""Calls of vector stores that a thread plans, while other calls change the store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockllm.dialects.openai.vector_stores import added_files, retrieval
from mockllm.dialects.openai.vector_stores.objects import BATCH_KEYS, CONTENTS, TEXTS
from mockllm.engine import DeferredResponse
from tests.dialects.openai.vector_stores.store_requests import DONE, STORES, file, files_in, send, store
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer, raw_request


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> VirtualServer:
    """A server whose every addition and search is deferred."""
    monkeypatch.setattr(added_files, "MANY", 0)
    monkeypatch.setattr(retrieval, "LONG", 0)
    return VirtualServer("rules: [{reply: Hi.}]")


def planned(server: VirtualServer, sent: ClientRequest) -> Callable[[], object]:
    """Return the function that completes a response which a thread has planned."""
    engine = server.engine
    read = engine.request_reader(sent.method, sent.path, sent.query, dict(sent.headers))
    response = engine.begin_response(read.read(sent.body, "", sent.now))
    assert isinstance(response, DeferredResponse)
    return response.work_in_thread()


@pytest.mark.parametrize("call", ["files", "file_batches", "search"])
def test_nothing_is_stored_for_deleted_store(server: VirtualServer, call: str) -> None:
    id = store(server, "Paris.")
    added = file(server)
    fields = {
        "files": {"file_id": added},
        "file_batches": {"file_ids": [added]},
        "search": {"query": "Paris"},
    }
    complete = planned(server, raw_request(f"{STORES}/{id}/{call}", fields[call], now=NOW + DONE))
    assert send(server, f"/{id}", method="DELETE").status == 200
    complete()
    lookup = server.engine.state.lookup("")
    assert not [each for prefix in (CONTENTS, BATCH_KEYS, TEXTS) for each in lookup.all_stored(prefix)]


def test_batches_at_once_do_not_exceed_bound(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added_files, "MAX_FILES", 3)
    id = store(server)
    batches = [
        planned(
            server,
            raw_request(f"{STORES}/{id}/file_batches", {"file_ids": [file(server), file(server)]}, now=NOW),
        )
        for _ in range(3)
    ]
    for complete in batches:
        complete()
    assert len(files_in(server, id)) == 3
