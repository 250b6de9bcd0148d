"""The search of OpenAI's vector stores: results, filters, bounds."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.openai.vector_stores.filters import MAX_FILTERS, MAX_VALUES
from tests.dialects.openai.vector_stores.store_requests import DONE, STORES, file, files_in, send, store
from tests.dialects.test_long_batches import is_deferred
from tests.language.virtual_server import NOW, VirtualServer, raw_request

TEXTS = ("Paris has a tower.", "Lyon has two rivers.", "Nice has a beach.")


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


@pytest.fixture
def id(server: VirtualServer) -> str:
    """A store of three texts, each with attributes."""
    id = store(server, *TEXTS)
    attributes: tuple[Any, ...] = (
        {"city": "paris", "size": 3, "old": True},
        {"city": "lyon", "size": 2.5},
        {},
    )
    for each, own in zip(files_in(server, id), attributes, strict=True):
        send(server, f"/{id}/files/{each['id']}", {"attributes": own})
    return id


def search(server: VirtualServer, id: str, query: Any, after: float = DONE, **fields: Any) -> Any:
    response = send(server, f"/{id}/search", {"query": query, **fields}, after=after)
    assert response.status == 200, response.json
    return response.json


def names(found: Any) -> list[str]:
    return [each["filename"] for each in found["data"]]


def test_result_with_most_words_is_first(server: VirtualServer, id: str) -> None:
    found = search(server, id, "Which rivers has Lyon?")
    assert (found["object"], found["search_query"]) == (
        "vector_store.search_results.page",
        ["Which rivers has Lyon?"],
    )
    assert (found["has_more"], found["next_page"]) == (False, None)
    first = found["data"][0]
    assert first == {
        "file_id": files_in(server, id)[1]["id"],
        "filename": "b.txt",
        "score": first["score"],
        "attributes": {"city": "lyon", "size": 2.5},
        "content": [{"type": "text", "text": "Lyon has two rivers."}],
    }
    assert 0.5 < first["score"] < 1
    assert names(found) == ["b.txt", "a.txt", "c.txt"]


def test_best_of_several_queries_decides(server: VirtualServer, id: str) -> None:
    assert [each["score"] for each in search(server, id, ["tower", "beaches beach"])["data"]] == [
        1.0,
        0.5,
        0.0,
    ]


def test_results_are_bounded(server: VirtualServer, id: str) -> None:
    assert names(search(server, id, "tower", max_num_results=1)) == ["a.txt"]
    some = search(
        server, id, "tower", ranking_options={"ranker": "auto", "score_threshold": 0.5}, rewrite_query=True
    )
    assert names(some) == ["a.txt"]
    assert len(search(server, id, "?")["data"]) == 3


def test_files_in_progress_are_not_found(server: VirtualServer, id: str) -> None:
    assert search(server, id, "tower", after=DONE / 2)["data"] == []
    send(server, f"/{id}/files/{files_in(server, id)[0]['id']}", method="DELETE")
    assert "a.txt" not in names(search(server, id, "tower"))


def test_file_without_text_is_found_by_its_name(server: VirtualServer) -> None:
    id = send(server, "", {"file_ids": [file(server, b"\0", "tower.pdf")]}).json["id"]
    assert search(server, id, "tower pdf")["data"][0]["score"] == 1.0


def test_long_text_has_several_passages(server: VirtualServer) -> None:
    id, words = store(server), [f"word{number}" for number in range(200)]
    strategy = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}}
    added = file(server, " ".join(words).encode())
    send(server, f"/{id}/files", {"file_id": added, "chunking_strategy": strategy})
    found = search(server, id, "word150")["data"]
    assert len(found) > 3
    assert "word150" in found[0]["content"][0]["text"]
    assert all(len(each["content"][0]["text"]) <= 400 for each in found)


def compare(kind: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (compare("eq", "city", "paris"), "a"),
        (compare("ne", "city", "paris"), "bc"),
        (compare("gt", "size", 2.5), "a"),
        (compare("gte", "size", 2.5), "ab"),
        (compare("lt", "size", 3), "b"),
        (compare("lte", "size", 3), "ab"),
        (compare("gt", "city", "m"), "a"),
        (compare("gt", "city", 3), ""),
        (compare("gt", "old", False), ""),
        (compare("eq", "old", 1), ""),
        (compare("eq", "size", 3.0), "a"),
        (compare("in", "city", ["paris", "lyon"]), "ab"),
        (compare("nin", "size", [3]), "bc"),
        ({"type": "or", "filters": [compare("eq", "city", "lyon"), compare("eq", "old", True)]}, "ab"),
        (
            {"type": "and", "filters": [
                compare("gt", "size", 1),
                {"type": "or", "filters": [compare("eq", "city", "lyon")]},
            ]},
            "b",
        ),
    ],
)  # fmt: skip
def test_filter_selects_files(server: VirtualServer, id: str, wanted: Any, expected: str) -> None:
    assert sorted(name[0] for name in names(search(server, id, "has", filters=wanted))) == list(expected)


def nested(depth: int, count: int) -> Any:
    """Return so many filters in others, and so many in the last one."""
    wanted: Any = {"type": "and", "filters": [compare("eq", "a", 1)] * count}
    for _ in range(depth):
        wanted = {"type": "and", "filters": [wanted]}
    return wanted


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "query"),
        ({"query": 3}, "query"),
        ({"query": []}, "query"),
        ({"query": ""}, "query"),
        ({"query": "a" * 4097}, "query"),
        ({"query": ["a"] * 21}, "query"),
        ({"query": "a", "max_num_results": 0}, "max_num_results"),
        ({"query": "a", "max_num_results": 51}, "max_num_results"),
        ({"query": "a", "ranking_options": {"ranker": "best"}}, "ranking_options.ranker"),
        ({"query": "a", "ranking_options": {"score_threshold": 2}}, "ranking_options.score_threshold"),
        ({"query": "a", "rewrite_query": "yes"}, "rewrite_query"),
        ({"query": "a", "filters": []}, "filters"),
        ({"query": "a", "filters": {"type": "like"}}, "filters.type"),
        ({"query": "a", "filters": {"type": "eq", "key": "a"}}, "filters.value"),
        ({"query": "a", "filters": compare("eq", "a", [])}, "filters.value"),
        ({"query": "a", "filters": compare("in", "a", [{}])}, "filters.value[0]"),
        ({"query": "a", "filters": {"type": "and", "filters": []}}, "filters.filters"),
        ({"query": "a", "filters": {"type": "or", "filters": [3]}}, "filters.filters[0]"),
        ({"query": "a", "filters": nested(10, MAX_FILTERS - 10)}, "filters"),
    ],
)
def test_wrong_search_is_refused(server: VirtualServer, id: str, fields: Any, param: str) -> None:
    refused = send(server, f"/{id}/search", fields)
    assert (refused.status, refused.json["error"]["param"]) == (400, param)


def test_deepest_filter_is_accepted(server: VirtualServer, id: str) -> None:
    assert names(search(server, id, "has", filters=nested(10, MAX_FILTERS - 11))) == []


def test_unchecked_search_ignores_wrong_fields() -> None:
    server = VirtualServer("validation: off\nrules: [{reply: Hi.}]")
    id = store(server, *TEXTS)
    odd: Any = {"filters": {"type": "x"}, "max_num_results": "a", "ranking_options": {"score_threshold": "a"}}
    assert names(search(server, id, {}, **odd)) == ["a.txt", "b.txt", "c.txt"]
    assert len(search(server, id, ["a"] * 30)["search_query"]) == 20


def test_long_search_runs_in_a_thread(
    server: VirtualServer, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = raw_request(f"{STORES}/{id}/search", {"query": "tower"}, now=NOW + DONE)
    assert not is_deferred(server, sent)
    monkeypatch.setattr("mockllm.dialects.openai.vector_stores.retrieval.LONG", 20)
    assert is_deferred(server, sent)
    for missing in ("vs_1", "other"):
        assert not is_deferred(server, raw_request(f"{STORES}/{missing}/search", {"query": "tower"}))


def test_values_of_all_filters_are_bounded(server: VirtualServer, id: str) -> None:
    def filters(*counts: int) -> Any:
        lists = [{"type": "in", "key": "size", "value": list(range(count))} for count in counts]
        return {"type": "or", "filters": lists}

    assert names(search(server, id, "Paris", filters=filters(100, MAX_VALUES - 100))) == ["a.txt"]
    fields = {"query": "Paris", "filters": filters(100, MAX_VALUES - 100, 1)}
    refused = send(server, f"/{id}/search", fields)
    assert (refused.status, refused.json["error"]["param"]) == (400, "filters")
