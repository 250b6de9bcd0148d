"""Vectors of contents, in the three forms of Google's embedding requests."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Message, TextPart
from mockllm.dialects.gemini.dialects import EMBEDDINGS
from mockllm.dialects.gemini.embeddings import GeminiEmbeddingsRequest
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, body_of

HELLO: Json = {"parts": [{"text": "hello"}]}


def embeddings_request(
    call: str, body: Json, model: str = "gemini-embedding-001", base: str = "/v1beta"
) -> GeminiEmbeddingsRequest:
    path = f"{base}/models/{model}:{call}"
    return GeminiEmbeddingsRequest(
        method="POST", path=path, headers={}, raw=dumps(body), path_variables={"model": model}
    )


def embeddings_body(*about: Any, **more: Any) -> Any:
    plan = EMBEDDINGS.own_response(embeddings_request(*about, **more), IDENTITY)
    assert isinstance(plan, Plan)
    return body_of(plan)


def test_embed_content_returns_one_embedding() -> None:
    body = embeddings_body("embedContent", {"content": HELLO}, model="gemini-embedding-2")
    values = body["embedding"]["values"]
    assert len(values) == 3072
    assert sum(value * value for value in values) == pytest.approx(1)
    assert set(body["usageMetadata"]) == {"promptTokenCount", "promptTokensDetails", "totalTokenCount"}
    assert body["usageMetadata"]["promptTokenCount"] == 1
    on_vertex = embeddings_body(
        "embedContent",
        {"content": HELLO, "embedContentConfig": {"outputDimensionality": 4}},
        base=VERTEX,
    )
    assert len(on_vertex["embedding"]["values"]) == 4
    assert on_vertex["usageMetadata"]["totalTokenCount"] == 1


@pytest.mark.parametrize(
    ("model", "counted"),
    [("gemini-embedding-001", False), ("gemini-embedding-2-preview", False), ("gemini-embedding-2", True)],
)
def test_batch_has_a_usage_by_its_model(model: str, counted: bool) -> None:
    body = embeddings_body("batchEmbedContents", {"requests": [{"content": HELLO}]}, model=model)
    assert list(body.get("usageMetadata", ())) == ["promptTokenCount", "promptTokenDetails"] * counted


def test_batch_returns_vectors_of_requested_sizes() -> None:
    media = {"parts": [{"inline_data": {"mime_type": "image/png"}}, {"text": "hello"}, 3]}
    requests = [{"content": HELLO, "output_dimensionality": 8}, {"content": media}]
    one, two = embeddings_body("batchEmbedContents", {"requests": requests})["embeddings"]
    assert (len(one["values"]), len(two["values"])) == (8, 3072)


def test_predict_returns_predictions() -> None:
    body = {"instances": [{"content": "hello you"}], "parameters": {"outputDimensionality": 5}}
    match = embeddings_body("predict", body, model="text-embedding-004", base=VERTEX)
    (prediction,) = match["predictions"]
    assert len(prediction["embeddings"]["values"]) == 5
    assert prediction["embeddings"]["statistics"] == {"truncated": False, "token_count": 2}
    assert match["metadata"] == {"billableCharacterCount": 8}
    full = embeddings_body(
        "predict", {"instances": [{"content": "a"}]}, model="text-embedding-004", base=VERTEX
    )
    assert len(full["predictions"][0]["embeddings"]["values"]) == 768


def test_embeddings_request_has_texts_as_message() -> None:
    request = embeddings_request("batchEmbedContents", {"requests": [{"content": HELLO}, {"content": HELLO}]})
    assert request.messages == (Message("user", (TextPart("hello"), TextPart("hello"))),)
    assert embeddings_request("embedContent", {}).messages == ()


WRONG: list[tuple[str, Json, str]] = [
    ("embedContent", {}, "* EmbedContentRequest.content: content is not specified\n"),
    ("batchEmbedContents", {}, "* BatchEmbedContentsRequest.requests: requests is not specified\n"),
    ("embedContent", {"content": "x"}, "Invalid value at 'content'"),
    ("embedContent", {"content": HELLO, "outputDimensionality": 4000}, "must be in the range [1, 3072]"),
    ("embedContent", [], "Root element must be a message"),
    (
        "batchEmbedContents",
        {"requests": [{"content": HELLO}] * 101},
        "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n",
    ),
    (
        "predict",
        {"instances": [{"content": "a"}] * 251},
        "250 instance(s) is allowed per prediction. Actual: 251",
    ),
]


@pytest.mark.parametrize(("call", "body", "message"), WRONG)
def test_embeddings_check_on_invalid_request_fails(call: str, body: Json, message: str) -> None:
    request = embeddings_request(call, body)
    failure = EMBEDDINGS.check(request)
    assert failure is not None
    assert message in (failure.message or "")
    assert EMBEDDINGS.error(failure, request, IDENTITY).head.status == 400
    EMBEDDINGS.own_response(request, IDENTITY)


@pytest.mark.parametrize(
    ("call", "body", "list_of", "most"),
    [
        ("batchEmbedContents", {"requests": [{"content": HELLO}] * 300}, "embeddings", 100),
        ("predict", {"instances": [{"content": "a"}] * 300}, "predictions", 250),
    ],
)
def test_unchecked_embeddings_are_limited_to_the_maximum(
    call: str, body: Json, list_of: str, most: int
) -> None:
    assert len(embeddings_body(call, body, model="text-embedding-004")[list_of]) == most


def test_embeddings_check_on_valid_request_accepts_it() -> None:
    request = embeddings_request("embedContent", {"content": HELLO, "outputDimensionality": 8})
    assert EMBEDDINGS.check(request) is None
    assert EMBEDDINGS.check_readable(request) is None
    assert EMBEDDINGS.error(Failure("not_found"), request, IDENTITY).head.status == 404


def test_batch_entry_reads_settings_from_its_config() -> None:
    sized = [{"content": HELLO, "embedContentConfig": {"outputDimensionality": size}} for size in (4, 8)]
    body = embeddings_body("batchEmbedContents", {"requests": sized}, base=VERTEX)
    assert [len(item["values"]) for item in body["embeddings"]] == [4, 8]
