"""Vectors of contents, in the three forms in which Google is asked for them."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Message, TextPart
from mockllm.dialects.gemini import EMBEDDINGS
from mockllm.dialects.gemini.embeddings import GeminiEmbeddingsRequest
from tests.dialects.gemini.generate_requests import STAMP, VERTEX, body_of

HELLO: Json = {"parts": [{"text": "hello"}]}


def asked(
    call: str, body: Json, model: str = "gemini-embedding-001", base: str = "/v1beta"
) -> GeminiEmbeddingsRequest:
    path = f"{base}/models/{model}:{call}"
    return GeminiEmbeddingsRequest(
        method="POST", path=path, headers={}, raw=dumps(body), route={"model": model}
    )


def answer(*about: Any, **more: Any) -> Any:
    plan = EMBEDDINGS.answer(asked(*about, **more), (), STAMP)
    assert isinstance(plan, Plan)
    return body_of(plan)


def test_one_content() -> None:
    body = answer("embedContent", {"content": HELLO})
    values = body["embedding"]["values"]
    assert len(values) == 3072
    assert sum(value * value for value in values) == pytest.approx(1)
    assert body["usageMetadata"]["promptTokenCount"] == 1
    on_vertex = answer(
        "embedContent",
        {"content": HELLO, "embedContentConfig": {"outputDimensionality": 4}},
        base=VERTEX,
    )
    assert len(on_vertex["embedding"]["values"]) == 4
    assert on_vertex["usageMetadata"]["totalTokenCount"] == 1


def test_a_preview_counts_nothing() -> None:
    body = {"content": {"parts": [{"text": "a"}]}}
    assert "usageMetadata" in answer("embedContent", body, model="gemini-embedding-2")
    assert "usageMetadata" not in answer("embedContent", body, model="gemini-embedding-2-preview")


def test_several_contents_each_of_its_size() -> None:
    media = {"parts": [{"inline_data": {"mime_type": "image/png"}}, {"text": "hello"}, 3]}
    requests = [{"content": HELLO, "output_dimensionality": 8}, {"content": media}]
    one, two = answer("batchEmbedContents", {"requests": requests})["embeddings"]
    assert (len(one["values"]), len(two["values"])) == (8, 3072)


def test_predictions_of_vertex() -> None:
    body = {"instances": [{"content": "hello you"}], "parameters": {"outputDimensionality": 5}}
    found = answer("predict", body, model="text-embedding-004", base=VERTEX)
    (prediction,) = found["predictions"]
    assert len(prediction["embeddings"]["values"]) == 5
    assert prediction["embeddings"]["statistics"] == {"truncated": False, "token_count": 2}
    assert found["metadata"] == {"billableCharacterCount": 8}
    whole = answer("predict", {"instances": [{"content": "a"}]}, model="text-embedding-004", base=VERTEX)
    assert len(whole["predictions"][0]["embeddings"]["values"]) == 768


def test_rules_see_the_texts() -> None:
    request = asked("batchEmbedContents", {"requests": [{"content": HELLO}, {"content": HELLO}]})
    assert request.messages == (Message("user", (TextPart("hello"), TextPart("hello"))),)
    assert asked("embedContent", {}).messages == ()


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
def test_what_is_wrong(call: str, body: Json, message: str) -> None:
    request = asked(call, body)
    failure = EMBEDDINGS.check(request)
    assert failure is not None
    assert message in (failure.message or "")
    assert EMBEDDINGS.error(failure, request, STAMP).head.status == 400
    EMBEDDINGS.answer(request, (), STAMP)


@pytest.mark.parametrize(
    ("call", "body", "list_of", "most"),
    [
        ("batchEmbedContents", {"requests": [{"content": HELLO}] * 300}, "embeddings", 100),
        ("predict", {"instances": [{"content": "a"}] * 300}, "predictions", 250),
    ],
)
def test_where_nobody_checks_there_are_no_more_vectors(
    call: str, body: Json, list_of: str, most: int
) -> None:
    assert len(answer(call, body, model="text-embedding-004")[list_of]) == most


def test_what_is_fine() -> None:
    request = asked("embedContent", {"content": HELLO, "outputDimensionality": 8})
    assert EMBEDDINGS.check(request) is None
    assert EMBEDDINGS.check_readable(request) is None
    assert EMBEDDINGS.error(Failure("not_found"), request, STAMP).head.status == 404


def test_each_of_several_may_hold_its_settings_in_a_config() -> None:
    sized = [{"content": HELLO, "embedContentConfig": {"outputDimensionality": size}} for size in (4, 8)]
    body = answer("batchEmbedContents", {"requests": sized}, base=VERTEX)
    assert [len(each["values"]) for each in body["embeddings"]] == [4, 8]
