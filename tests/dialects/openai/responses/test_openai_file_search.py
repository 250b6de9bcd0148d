"""The tool `file_search` of OpenAI's responses: what it finds in vector stores, its citations, and its refusals."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.openai.responses import file_search
from mockllm.dialects.openai.vector_stores import retrieval
from mockllm.dialects.openai.vector_stores.objects import CONTENTS
from tests.dialects.openai.vector_stores.store_requests import DONE, files_in, send, store
from tests.dialects.openai.vector_stores.test_deferred_store_calls import planned
from tests.dialects.test_long_batches import is_deferred
from tests.engine.cached_and_rendered import without_cache
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - {match: {user: own}, reply: {server_tools: [{file_search: {query: q, results: [{filename: own.txt}]}}]}}
  - {match: {user: none}, reply: {server_tools: [{file_search: {query: q, results: []}}]}}
  - match: {user: cited}
    reply: {text: "It is in Paris.", citations: [{url: a.txt, words: Paris}, {url: "https://a.test", title: A}]}
  - {match: {user: plain}, reply: Hi.}
  - {match: {user: static}, reply: {server_tools: [{file_search: tower}]}}
  - match: {user: paced}
    reply: {server_tools: [{file_search: tower}], text: It is.}
    pace: {ttft: {uniform: [1ms, 9ms]}}
  - reply: {server_tools: [{file_search: "{{ user }}"}], text: Found.}
"""
TEXTS = ("Paris has a tower.", "Lyon has two rivers.", "Nice has a beach.")
INCLUDED = ["file_search_call.results"]


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


@pytest.fixture
def id(server: VirtualServer) -> str:
    return store(server, *TEXTS)


def question(
    words: str, *ids: str, after: float = DONE, path: str = "/v1/responses", session: str = "", **more: Any
) -> ClientRequest:
    """Return a request with the tool. Members of the tool are in `tool`, others are fields of the body."""
    tool = {"type": "file_search", "vector_store_ids": list(ids), **more.pop("tool", {})}
    body = {"model": "gpt-4o", "input": words, "tools": [tool], "include": INCLUDED, **more}
    headers = {"x-mockllm-session": session} if session else {}
    return raw_request(path, body, headers=headers, now=NOW + after)


def ask(server: VirtualServer, words: str, *ids: str, **more: Any) -> ClientResponse:
    return server.respond(question(words, *ids, **more))


def found(response: ClientResponse) -> Any:
    """Return the results of the first item."""
    assert response.status == 200, response.json
    return response.json["output"][0]["results"]


def names(response: ClientResponse) -> list[str]:
    return [each["filename"] for each in found(response)]


def test_tool_finds_passages_of_the_store(server: VirtualServer, id: str) -> None:
    response = ask(server, "Which rivers has Lyon?", id)
    first, *others = found(response)
    assert first == {
        "attributes": {},
        "file_id": files_in(server, id)[1]["id"],
        "filename": "b.txt",
        "score": first["score"],
        "text": "Lyon has two rivers.",
    }
    assert 0.5 < first["score"] < 1
    assert [each["filename"] for each in others] == ["a.txt", "c.txt"]
    (item, message) = response.json["output"]
    assert (item["queries"], item["status"]) == (["Which rivers has Lyon?"], "completed")
    assert message["content"][0]["text"] == "Found."


def test_results_need_include(server: VirtualServer, id: str) -> None:
    assert found(ask(server, "Lyon", id, include=[])) is None


def test_results_of_the_rule_stay(server: VirtualServer, id: str) -> None:
    assert names(ask(server, "own", id)) == ["own.txt"]
    assert names(ask(server, "own", "vs_unknown")) == ["own.txt"]
    assert found(ask(server, "none", id)) == []
    assert found(ask(server, "none", "vs_unknown")) == []


@pytest.mark.parametrize("tools", [[], [{"type": "web_search"}]])
def test_nothing_is_found_without_the_tool(server: VirtualServer, id: str, tools: list[Any]) -> None:
    assert found(ask(server, "Paris", id, tools=tools)) == []


def test_tool_selects_and_bounds_results(server: VirtualServer, id: str) -> None:
    assert names(ask(server, "tower", id, tool={"max_num_results": 1})) == ["a.txt"]
    assert names(ask(server, "tower", id, tool={"ranking_options": {"score_threshold": 0.5}})) == ["a.txt"]
    first = files_in(server, id)[0]["id"]
    send(server, f"/{id}/files/{first}", {"attributes": {"city": "paris"}})
    wanted = {"type": "ne", "key": "city", "value": "paris"}
    assert names(ask(server, "has", id, tool={"filters": wanted})) == ["b.txt", "c.txt"]
    assert found(ask(server, "tower", id))[0]["attributes"] == {"city": "paris"}


def test_tool_finds_twenty_results_by_default(server: VirtualServer) -> None:
    many = store(server, *(f"Number {number}." for number in range(22)))
    assert len(found(ask(server, "number", many))) == 20
    assert len(found(ask(server, "number", many, tool={"max_num_results": 50, "filters": None}))) == 22


def test_several_stores_are_searched_once(server: VirtualServer, id: str) -> None:
    other = store(server, "Rome has a tower, too.")
    results = found(ask(server, "Rome", id, other, id))
    assert results[0]["text"] == "Rome has a tower, too."
    assert len(results) == 4


def test_first_stores_alone_are_searched(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_search, "MAX_STORES", 1)
    ids = [store(server, text) for text in TEXTS[:2]]
    assert [each["text"] for each in found(ask(server, "has", *ids))] == [TEXTS[0]]


def test_files_in_progress_are_not_found(server: VirtualServer, id: str) -> None:
    assert found(ask(server, "Paris", id, after=DONE / 2)) == []
    assert len(found(ask(server, "Paris", id))) == 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("words", ["Paris", "plain", "cited", "none", "static", "paced"])
def test_cached_response_follows_the_store(words: str, *, stream: bool) -> None:
    """The response cache has the third of equal requests. It changes no byte."""
    cached, rendered = VirtualServer(RULES), without_cache(RULES)
    (id, _) = [store(each, *TEXTS) for each in (cached, rendered)]
    (files, same) = [[file["id"] for file in files_in(each, id)] for each in (cached, rendered)]
    assert files == same
    changed: Any = {"path": f"/{id}/files/{files[1]}", "body": {"attributes": {"a": 1}}}
    deleted: Any = {"path": f"/{id}/files/{files[0]}", "method": "DELETE"}
    for change in (changed, deleted, changed):
        for _ in range(4):
            ours, theirs = [ask(each, words, id, stream=stream).bytes for each in (cached, rendered)]
            assert ours == theirs
        for each in (cached, rendered):
            assert send(each, **change).status == 200
    assert b"file_citation" not in ask(cached, words, id, stream=stream).bytes


def test_static_search_follows_the_store() -> None:
    server = VirtualServer("rules: [{reply: {server_tools: [{file_search: tower}]}}]")
    id = store(server, *TEXTS)
    for _ in range(5):
        assert names(ask(server, "a", id, tool={"max_num_results": 1})) == ["a.txt"]
    send(server, f"/{id}/files/{files_in(server, id)[0]['id']}", method="DELETE")
    assert names(ask(server, "a", id, tool={"max_num_results": 1})) == ["b.txt"]
    send(server, f"/{id}", method="DELETE")
    assert found(ask(server, "a", id, tool={"max_num_results": 1})) == []


@pytest.mark.parametrize("end", ["deleted", "expired"])
def test_search_of_an_empty_store_ends_with_it(end: str) -> None:
    server = VirtualServer(f"validation: exact\n{RULES}")
    empty = store(server, expires_after={"anchor": "last_active_at", "days": 1})
    for _ in range(5):
        assert found(ask(server, "static", empty)) == []
    if end == "deleted":
        send(server, f"/{empty}", method="DELETE")
    after = DONE + 24 * 3600 * (end == "expired")
    assert ask(server, "static", empty, after=after).status == {"deleted": 404, "expired": 400}[end]


@pytest.mark.parametrize("stream", [False, True])
def test_exact_validation_refuses_unknown_store(*, stream: bool) -> None:
    server = VirtualServer(f"validation: exact\n{RULES}")
    id = store(server, *TEXTS)
    response = ask(server, "Paris", "vs_1", id, "other", stream=stream)
    assert (response.status, response.json["error"]) == (
        404,
        {
            "message": "Vector store with id ['vs_1', 'other'] not found.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
    )
    assert "validation: strict" in response.notes
    assert ask(server, "plain", id, stream=stream).status == 200


def test_compaction_searches_nothing(server: VirtualServer) -> None:
    response = ask(
        server, "", "vs_1", input=[{"role": "user", "content": "a"}, {"type": "compaction_trigger"}]
    )
    assert [item["type"] for item in response.json["output"]] == ["compaction"]


def test_store_of_another_session_is_unknown(server: VirtualServer, id: str) -> None:
    assert found(ask(server, "Paris", id, session="other")) == []


def test_exact_validation_refuses_expired_store() -> None:
    server = VirtualServer(f"validation: exact\n{RULES}")
    old = store(server, "Paris.", expires_after={"anchor": "last_active_at", "days": 1})
    for after, status in ((DONE, 200), (24 * 3600.0 + 1, 400)):
        response = ask(server, "Paris", old, after=after)
        assert response.status == status
    assert response.json["error"]["message"] == f"Vector store '{old}' has expired."


@pytest.mark.parametrize("validation", ["lenient", "off"])
def test_wrong_tool_searches_without_validation(validation: str) -> None:
    server = VirtualServer(f"validation: {validation}\n{RULES}")
    id = store(server, *TEXTS)
    odd = {"filters": 3, "max_num_results": "a", "ranking_options": 7}
    assert len(found(ask(server, "tower", id, tool=odd))) == 3
    assert found(ask(server, "tower", tool={"vector_store_ids": 3})) == []


def test_unknown_store_has_no_results(server: VirtualServer, id: str) -> None:
    assert names(ask(server, "tower", "vs_1", id))[0] == "a.txt"
    assert found(ask(server, "tower", "vs_1", "other")) == []


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({"vector_store_ids": 3}, "tools[0].vector_store_ids"),
        ({"vector_store_ids": [3]}, "tools[0].vector_store_ids[0]"),
        ({"max_num_results": 51}, "tools[0].max_num_results"),
        ({"filters": {"type": "eq", "key": "a"}}, "tools[0].filters.value"),
        ({"ranking_options": {"score_threshold": 2}}, "tools[0].ranking_options.score_threshold"),
    ],
)
def test_wrong_tool_is_refused(server: VirtualServer, tool: Any, param: str) -> None:
    response = ask(server, "plain", tool=tool)
    assert (response.status, response.json["error"]["param"]) == (400, param)


def test_tool_needs_its_stores(server: VirtualServer) -> None:
    response = ask(server, "plain", tools=[{"type": "file_search"}])
    assert response.json["error"]["message"] == "Missing required parameter: 'tools[0].vector_store_ids'."
    other = ask(server, "plain", tools=[{"type": "file_search"}], path="/openrouter/api/v1/responses")
    assert other.status == 200


def test_other_providers_have_no_stores(server: VirtualServer, id: str) -> None:
    assert found(ask(server, "Paris", id, "vs_1", path="/openrouter/api/v1/responses")) == []


def test_stream_has_the_results_at_the_end_of_the_item(server: VirtualServer, id: str) -> None:
    events = ask(server, "Lyon", id, stream=True).events
    by_name = {event.name: event.json for event in events}
    added = next(event.json for event in events if event.name == "response.output_item.added")
    assert added["item"]["results"] is None
    whole = ask(server, "Lyon", id)
    (item, _) = by_name["response.completed"]["response"]["output"]
    assert item["results"] == found(whole)
    assert "response.file_search_call.searching" in by_name


def test_response_in_the_background_is_stored_with_results(server: VirtualServer, id: str) -> None:
    begun = ask(server, "Lyon", id, background=True).json
    assert begun["status"] == "queued"
    read = ClientRequest(f"/v1/responses/{begun['id']}", method="GET", now=NOW + 60)
    done = server.respond(read)
    assert (done.json["status"], names(done)[0]) == ("completed", "b.txt")


def test_search_is_a_use_of_its_stores(server: VirtualServer, id: str) -> None:
    def last_use() -> float:
        used: float = send(server, f"/{id}").json["last_active_at"] - NOW
        return used

    for after, more in ((60, {}), (70, {"store": False})):
        assert ask(server, "plain", id, after=after, **more).status == 200
        assert last_use() == 0
    for after in (80, 90, 100):
        for later, more in ((0, {}), (1, {"store": False})):
            assert ask(server, "static", id, after=after + later, **more).status == 200
            assert last_use() == after + later


def test_search_of_a_deleted_store_stores_no_use(
    server: VirtualServer, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "LONG", 0)
    complete = planned(server, question("Paris", id))
    send(server, f"/{id}", method="DELETE")
    complete()
    assert not server.engine.state.lookup("").all_stored(CONTENTS)


@pytest.mark.parametrize("path", ["/openai/v1/responses", "/openai/responses"])
def test_azure_searches_its_stores(server: VirtualServer, id: str, path: str) -> None:
    assert names(ask(server, "Lyon", id, path=path))[0] == "b.txt"


def test_long_search_runs_in_a_thread(
    server: VirtualServer, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_deferred(server, question("Paris", id))
    monkeypatch.setattr(retrieval, "LONG", 20)
    assert is_deferred(server, question("Paris", id))
    monkeypatch.setattr(retrieval, "LONG", 60)
    assert not is_deferred(server, question("Paris", id))
    assert is_deferred(server, question("Paris", id, store(server, "Paris.")))
    assert not is_deferred(server, question("Paris", id, store(server, "Paris."), include=[]))
    assert not is_deferred(server, question("Paris", id, tools=[]))


@pytest.mark.parametrize("stream", [False, True])
def test_citation_of_a_file_is_a_file_citation(server: VirtualServer, id: str, *, stream: bool) -> None:
    file = files_in(server, id)[0]["id"]
    response = ask(server, "cited", id, stream=stream)
    final = response.events[-1].json["response"] if stream else response.json
    (content,) = final["output"][0]["content"]
    cited, page = content["annotations"]
    assert cited == {"type": "file_citation", "file_id": file, "filename": "a.txt", "index": 14}
    assert (page["type"], page["url"]) == ("url_citation", "https://a.test")
    if stream:
        added = [
            each.json for each in response.events if each.name and each.name.endswith("annotation.added")
        ]
        assert [each["annotation"] for each in added] == [cited, page]


def test_file_is_cited_by_its_id_or_name() -> None:
    server = VirtualServer("rules: [{reply: {text: Hi., citations: ['{{ user }}']}}]")
    id = store(server, *TEXTS)
    file = files_in(server, id)[1]["id"]
    for name, kind in ((file, "file"), ("b.txt", "file"), ("type", "url"), ("d.txt", "url")):
        message = ask(server, name, id).json["output"][0]
        assert message["content"][0]["annotations"][0]["type"] == f"{kind}_citation"
