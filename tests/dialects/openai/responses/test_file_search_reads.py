"""What a request with the tool `file_search` reads of the vector stores, and what responses then depend on."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.openai.vector_stores import retrieval
from mockllm.dialects.openai.vector_stores.objects import CONTENTS, DAY, TEXTS, activity_key, file_key
from mockllm.engine import DeferredResponse, PlannedResponse
from mockllm.state.fetched_objects import FetchedLookup, ObjectToFetch
from mockllm.state.local_objects import SessionLookup
from tests.dialects.openai.responses.test_openai_file_search import RULES, ask, found, question
from tests.dialects.openai.vector_stores.store_requests import DONE, file, files_in, send, store
from tests.language.virtual_server import ClientRequest, ClientResponse, VirtualServer


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The prefixes of the lists that requests have read."""
    prefixes: list[str] = []
    all_stored = SessionLookup.all_stored

    def recorded(lookup: SessionLookup, prefix: str) -> Any:
        prefixes.append(prefix)
        return all_stored(lookup, prefix)

    monkeypatch.setattr(SessionLookup, "all_stored", recorded)
    return prefixes


def reads_texts(read: list[str]) -> bool:
    """Whether the texts of a store were read since the last call."""
    assert read
    texts = any(prefix.startswith(TEXTS) for prefix in read)
    read.clear()
    return texts


@pytest.mark.parametrize("stream", [False, True])
def test_only_results_read_texts(server: VirtualServer, read: list[str], *, stream: bool) -> None:
    id = store(server, "Paris.")
    for words, include, texts in (
        ("plain", [], False),
        ("cited", [], False),
        ("Paris", [], False),
        ("own", ["file_search_call.results"], True),
        ("Paris", ["file_search_call.results"], True),
    ):
        read.clear()
        assert ask(server, words, id, include=include, stream=stream).status == 200
        assert reads_texts(read) is (texts and words != "own")


def test_event_loop_reads_the_texts_of_a_thread(
    server: VirtualServer, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "MANY_FILES", 0)
    sent = question("Paris", store(server, "Paris."), store(server, "Lyon."))
    reader = server.engine.request_reader(sent.method, sent.path, sent.query, dict(sent.headers))
    read.clear()
    response = server.engine.begin_response(reader.read(sent.body, "", sent.now))
    assert isinstance(response, DeferredResponse)
    assert sum(prefix.startswith(TEXTS) for prefix in read) == 2
    read.clear()
    complete = response.work_in_thread()
    assert not read
    planned = complete()
    assert isinstance(planned, PlannedResponse)
    assert len(found(ClientResponse(planned))) == 2


def fetched_response(
    server: VirtualServer, sent: ClientRequest, *, deferrable: bool = False
) -> tuple[ClientResponse, list[str]]:
    """Return the response where another process has all objects, and the lists that it needs."""
    reader = server.engine.request_reader(sent.method, sent.path, sent.query, dict(sent.headers))
    request = reader.read(sent.body, "", sent.now)
    here, fetched, lists = request.object_lookup, FetchedLookup("", {}), []
    request.object_lookup = fetched
    response: object = server.engine.begin_response(request, deferrable=deferrable)
    while not isinstance(response, PlannedResponse):
        if isinstance(response, DeferredResponse):
            response = response.work_in_thread()()
            continue
        assert isinstance(response, ObjectToFetch)
        kind, name = response.key
        lists += [name] if kind == "all_stored" else []
        value = here.all_stored(name) if kind == "all_stored" else here.stored(name)
        request.object_lookup = fetched = fetched.having(response.key, value)
        response = response.respond_again()
    return ClientResponse(response), lists


@pytest.mark.parametrize("long", [False, True])
def test_texts_are_fetched_for_results_only(
    server: VirtualServer, monkeypatch: pytest.MonkeyPatch, *, long: bool
) -> None:
    monkeypatch.setattr(retrieval, "MANY_FILES", 0 if long else 50)
    ids = store(server, "Paris has a tower."), store(server, "Lyon.")
    for words, include in (("cited", []), ("Paris", []), ("Paris", ["file_search_call.results"])):
        for _ in range(4):
            sent = question(words, *ids, include=include)
            response, lists = fetched_response(server, sent, deferrable=long)
            assert response.status == 200
            assert len(lists) == len(set(lists))
            assert sum(name.startswith(TEXTS) for name in lists) in ((0, 2) if include else (0,))
            if include:
                assert found(response)[0]["filename"] == "a.txt"


def test_cached_results_follow_a_text_that_was_added_again() -> None:
    """An upload has the id of an earlier one, and the store gets it in the same second."""
    server = VirtualServer(
        """
rules:
  - match: {api: files}
    http: {status: 200, body: {id: file-1, object: file, created_at: 1, filename: a.txt}}
  - reply: {server_tools: [{file_search: tower}], text: Found.}
"""
    )
    assert file(server, b"Paris.", "a.txt") == "file-1"
    id = send(server, "", {"file_ids": ["file-1"]}).json["id"]
    before = files_in(server, id)
    for _ in range(4):
        assert found(ask(server, "a", id))[0]["text"] == "Paris."
    file(server, b"Nimes.", "a.txt")
    send(server, f"/{id}/files", {"file_id": "file-1"})
    assert files_in(server, id) == before
    assert found(ask(server, "a", id))[0]["text"] == "Nimes."


def test_oldest_file_with_a_name_is_cited() -> None:
    server = VirtualServer("rules: [{reply: {text: Hi., citations: ['a.txt', '{{ user }}']}}]")
    stores = [store(server, *texts) for texts in (("Paris.",), ("Lyon.", "Nice."))]
    ids = [each["id"] for id in stores for each in files_in(server, id)]
    for place in (0, 1, 2):
        (message,) = ask(server, ids[place], *stores).json["output"]
        first, second = message["content"][0]["annotations"]
        assert (first["file_id"], first["filename"]) == (ids[0], "a.txt")
        assert (second["file_id"], second["filename"]) == (ids[place], ("a.txt", "a.txt", "b.txt")[place])


@pytest.mark.parametrize("path", ["", "/{}/files", "/{}/file_batches"])
def test_file_is_stored_before_its_text(server: VirtualServer, path: str) -> None:
    """The state removes the oldest first: a file never lacks its text."""
    id, added = store(server), file(server)
    body = {"file_id": added} if path.endswith("files") else {"file_ids": [added]}
    assert send(server, path.format(id), body).status == 200
    keys = [each.id for each in server.engine.state.lookup("").all_stored("")]
    (key,) = [key for key in keys if key.startswith(CONTENTS) and key.endswith(added)]
    assert keys.index(key) < keys.index(TEXTS + key)


@pytest.mark.parametrize("is_stored", [False, True])
def test_store_expires_after_its_last_stored_use(*, is_stored: bool) -> None:
    server = VirtualServer(f"validation: exact\n{RULES}")
    id = store(server, "Paris.", expires_after={"anchor": "last_active_at", "days": 1})
    assert ask(server, "static", id, after=10, store=False).status == 200
    if not is_stored:
        server.engine.apply_storage_update("", StorageUpdate(forgotten=(activity_key(id),)))
    assert ask(server, "plain", id, after=DAY + 9).status == (200 if is_stored else 400)
    assert ask(server, "plain", id, after=DAY + 10).status == 400


def test_results_lack_a_file_without_a_text(server: VirtualServer) -> None:
    """A store that processes share may have removed the text."""
    id = store(server, "Paris.", "Lyon.")
    first = files_in(server, id)[0]["id"]
    server.engine.apply_storage_update("", StorageUpdate(forgotten=(TEXTS + file_key(id, first),)))
    assert [each["text"] for each in found(ask(server, "Paris", id))] == ["Lyon."]


@pytest.mark.parametrize("about", [b"", b"{}"])
def test_file_of_older_version_has_its_id_as_name(server: VirtualServer, about: bytes) -> None:
    """A store that processes share has what an older version has stored, without the name."""
    id = store(server, "Paris.")
    (first,) = files_in(server, id)
    sent = question("Paris", id)
    reader = server.engine.request_reader(sent.method, sent.path, sent.query, dict(sent.headers))
    stored = reader.read(sent.body, "", sent.now).object_lookup.stored(file_key(id, first["id"]))
    assert stored is not None
    server.engine.apply_storage_update("", StorageUpdate(others=(stored._replace(request_body=about),)))
    (passage,) = found(ask(server, "Paris", id))
    assert (passage["filename"], passage["text"]) == (first["id"], "Paris.")
    (message,) = ask(server, "cited", id).json["output"]
    assert message["content"][0]["annotations"][0]["type"] == "url_citation"


def test_file_in_progress_is_not_cited(server: VirtualServer) -> None:
    id = store(server, "Paris.")
    for after, kind in ((DONE / 2, "url"), (DONE, "file")):
        (message,) = ask(server, "cited", id, after=after).json["output"]
        assert message["content"][0]["annotations"][0]["type"] == f"{kind}_citation"
