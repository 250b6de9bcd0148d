"""OpenRouter's ranking of documents: the form is that of a recording of August 2026."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from tests.language.virtual_server import raw_request, respond_once

SCENARIO = """
rules:
  - {match: {api: rerank, model: cohere/limited}, error: {type: rate_limit, retry_after: 2s}}
  - {match: {api: rerank, user: storm}, error: server_error}
"""
PATH = "/openrouter/api/v1/rerank"
DOCUMENTS: list[Json] = ["Sun in Rome", {"text": "Rain in Oslo", "image": "https://localhost/a.png"}, "Snow"]


def rank(**fields: Json) -> tuple[int, Any]:
    body = {"model": "voyageai/rerank-2.5-lite", "query": "rain in Oslo", "documents": DOCUMENTS, **fields}
    sent = respond_once(SCENARIO, raw_request(PATH, {k: v for k, v in body.items() if v is not None}))
    return sent.status, sent.json


def test_documents_come_by_their_relevance() -> None:
    status, body = rank()
    assert status == 200
    assert [*body] == ["model", "results", "usage", "provider", "id"]
    assert [result["index"] for result in body["results"]] == [1, 0, 2]
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert body["results"][0]["document"] == DOCUMENTS[1]
    assert body["results"][1]["document"] == {"text": "Sun in Rome"}
    assert (body["model"], body["id"][:11]) == ("rerank-2.5-lite", "gen-rerank-")
    assert body["usage"].keys() == {"total_tokens", "cost"}


def test_cohere_counts_searches() -> None:
    _, body = rank(model="cohere/rerank-v3.5")
    assert (body["provider"], body["usage"]["search_units"]) == ("Cohere", 1)


def test_model_without_a_maker_has_a_provider() -> None:
    assert rank(model="plain")[1]["provider"] == "Cohere"


def test_top_n_cuts_the_ranking() -> None:
    assert len(rank(top_n=1)[1]["results"]) == 1
    assert len(rank(top_n=9)[1]["results"]) == 3


def test_equal_requests_have_equal_scores() -> None:
    assert rank()[1]["results"] == rank()[1]["results"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"model": None}, "model"),
        ({"query": None}, "query"),
        ({"documents": None}, "documents"),
        ({"model": 3}, "model"),
        ({"query": []}, "query"),
        ({"documents": "x"}, "documents"),
        ({"documents": []}, "documents"),
        ({"documents": [3]}, "documents[0]"),
        ({"top_n": 0}, "top_n"),
        ({"top_n": "1"}, "top_n"),
    ],
)
def test_wrong_request_is_refused(fields: dict[str, Json], word: str) -> None:
    status, body = rank(**fields)
    assert status == 400
    assert body["error"]["code"] == 400
    assert word in body["error"]["message"]


def test_body_without_json_object_is_refused() -> None:
    assert respond_once(SCENARIO, raw_request(PATH, [])).status == 400


def test_rule_by_model_or_query_responds() -> None:
    assert rank(model="cohere/limited")[0] == 429
    assert rank(query="storm")[0] == 500
