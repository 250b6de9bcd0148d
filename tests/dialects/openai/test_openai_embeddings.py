"""Embeddings: every form of input, the sizes of models, numbers and base64, and refusals."""

from __future__ import annotations

from base64 import b64decode
from struct import unpack

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.core.request.messages import OtherPart
from mockllm.core.request.request import Message, TextPart
from mockllm.dialects.openai.embeddings import OpenAiEmbeddingsRequest
from mockllm.dialects.openai.provider import EMBEDDINGS
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.completions_requests import body_of, embedding, raw_embedding
from tests.golden.wire import assert_golden


def vectors(request: OpenAiEmbeddingsRequest) -> list[list[float]]:
    body = body_of(EMBEDDINGS.own_response(request, IDENTITY))
    assert [entry["index"] for entry in body["data"]] == list(range(len(body["data"])))
    return [entry["embedding"] for entry in body["data"]]


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, 1536),
        ({"model": "text-embedding-3-large"}, 3072),
        ({"model": "text-embedding-ada-002"}, 1536),
        ({"model": "mistral-embed"}, 1024),
        ({"model": "mine"}, 1536),
        ({"dimensions": 256}, 256),
        ({"model": "mine", "dimensions": 4096}, 4096),
        ({"dimensions": "x"}, 1536),
        ({"dimensions": 10**9}, 1536),
    ],
)
def test_vector_has_the_models_or_the_requested_size(fields: Json, size: int) -> None:
    (vector,) = vectors(embedding(**fields))
    assert len(vector) == size
    assert abs(sum(item * item for item in vector) - 1) < 1e-5


def test_shortened_vector_has_direction_of_the_full_start() -> None:
    (full,), (short,) = vectors(embedding()), vectors(embedding(dimensions=8))
    assert [item > 0 for item in short] == [item > 0 for item in full[:8]]


@pytest.mark.parametrize(
    ("options", "count", "tokens"),
    [
        ("hello", 1, 1),
        (["hello", "hello world"], 2, 3),
        ([1, 2, 3], 1, 3),
        ([[1, 2], [3]], 2, 3),
        (None, 0, 0),
        ([], 0, 0),
        ([True, {}], 0, 0),
        (["hello"] * 3000, 2048, 2048),  # without a check: no more
    ],
)
def test_every_input_form_is_embedded_and_counted(options: Json, count: int, tokens: int) -> None:
    request = embedding(input=options, dimensions=8)
    assert len(vectors(request)) == count
    usage = body_of(EMBEDDINGS.own_response(request, IDENTITY))["usage"]
    assert usage == {"prompt_tokens": tokens, "total_tokens": tokens}


def test_similar_texts_have_nearer_vectors() -> None:
    one, near, far = vectors(embedding(input=["a small cat", "small cats", "stock market news"]))

    def likeness(other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert likeness(near) > likeness(far) + 0.2
    assert vectors(embedding(input=[1, 2, 3])) == vectors(embedding(input=[[1, 2, 3]]))


def test_base64_has_the_numbers_as_little_endian_floats() -> None:
    (numbers,) = vectors(embedding(dimensions=16, encoding_format="float"))
    body = body_of(EMBEDDINGS.own_response(embedding(dimensions=16, encoding_format="base64"), IDENTITY))
    packed = b64decode(body["data"][0]["embedding"])
    assert [float(f"{item:.9g}") for item in unpack("<16f", packed)] == numbers


def test_embeddings_request_has_texts_as_message() -> None:
    request = embedding(input=["a", [1]])
    assert request.messages == (Message("user", (TextPart("a"), OtherPart("tokens"))),)
    assert (request.user, request.model, request.api) == ("a", "text-embedding-3-small", "embeddings")
    assert embedding(input=None).messages == ()
    assert OpenAiEmbeddingsRequest.generates is False


def test_embeddings_model_is_the_snapshot() -> None:
    def name(body: Json) -> Json:
        return body_of(EMBEDDINGS.own_response(raw_embedding(body), IDENTITY))["model"]

    assert name({"input": "x", "model": "text-embedding-ada-002"}) == "text-embedding-ada-002-v2"
    assert name({"input": "x"}) == "text-embedding-3-small"


@pytest.mark.parametrize(
    "fields",
    [{}, {"input": ["a", "b"]}, {"input": [1, 2]}, {"input": [[1], [2]]}, {"dimensions": 1536, "user": "u"},
     {"encoding_format": None}, {"model": "mine", "dimensions": 9999}],
)  # fmt: skip
def test_embeddings_check_on_valid_request_accepts_it(fields: Json) -> None:
    assert EMBEDDINGS.check(embedding(**fields)) is None
    assert EMBEDDINGS.check_readable(embedding(**fields)) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": None}, "you must provide a model parameter"),
        ({"model": 3}, "Invalid type for 'model'"),
        ({"input": None}, "'$.input' is invalid"),
        ({"input": ""}, "'$.input' is invalid"),
        ({"input": []}, "'$.input' is invalid"),
        ({"input": ["a", ""]}, "'$.input' is invalid"),
        ({"input": ["a", 1]}, "'$.input' is invalid"),
        ({"input": {"a": 1}}, "'$.input' is invalid"),
        ({"input": ["a"] * 2049}, "array too long"),
        ({"dimensions": 0}, "Invalid 'dimensions'"),
        ({"dimensions": 2000}, "Must be less than or equal to 1536"),
        ({"model": "text-embedding-ada-002", "dimensions": 5}, "does not support specifying dimensions"),
        ({"encoding_format": "hex"}, "Invalid value: 'hex'"),
    ],
)
def test_embeddings_check_on_invalid_request_refuses(fields: Json, message: str) -> None:
    failure = EMBEDDINGS.check(embedding(**fields))
    assert failure is not None
    assert message in str(failure.message)


def test_embeddings_body_that_is_no_object_is_refused() -> None:
    assert EMBEDDINGS.check(raw_embedding(3)) is not None
    assert EMBEDDINGS.check_readable(raw_embedding(3)) is not None


def test_embeddings_wire_equals_golden_file() -> None:
    for form in ("float", "base64"):
        plan = EMBEDDINGS.own_response(embedding(dimensions=3, encoding_format=form), IDENTITY)
        assert not isinstance(plan, Failure)
        assert_golden(f"openai/embeddings-{form}.txt", plan)
        payload = EmbeddingResult(((0.5, -2.0), (0.25, 1.0)), "mine", 7, {"openai": {"extra": True}})
        options = EMBEDDINGS.embed(payload, embedding(input=["a", "b"], encoding_format=form), IDENTITY)
        assert_golden(f"openai/embeddings-given-{form}.txt", options)


def test_embeddings_error_equals_the_chat_error() -> None:
    plan = EMBEDDINGS.error(Failure("model_not_found"), embedding(model="none"), IDENTITY)
    assert plan.head.status == 404
    assert body_of(plan)["error"]["code"] == "model_not_found"
