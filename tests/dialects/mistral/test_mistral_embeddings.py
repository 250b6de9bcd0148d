"""The size and the form of Mistral's vectors, and what it refuses of them."""

from __future__ import annotations

from base64 import b64encode

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.openai.embeddings import OpenAiEmbeddings
from tests.dialects.mistral.test_mistral_details import details
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request

CODE: dict[str, Json] = {"model": "codestral-embed", "input": "def f(): pass"}


def vector(**fields: Json) -> Json:
    dialect, request = route_request("/mistral/v1/embeddings", {**CODE, **fields})
    assert isinstance(dialect, OpenAiEmbeddings)
    assert dialect.check(request) is None
    plan = dialect.own_response(request, IDENTITY)
    assert isinstance(plan, Plan)
    return payload(plan)["data"][0]["embedding"]


def refusal(**fields: Json) -> Failure:
    dialect, request = route_request("/mistral/v1/embeddings", {**CODE, **fields})
    failure = dialect.check(request)
    assert isinstance(failure, Failure)
    return failure


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, 1536),
        ({"output_dimension": 256}, 256),
        ({"output_dimension": 3072}, 3072),
        ({"output_dimension": None}, 1536),
        ({"model": "mistral-embed"}, 1024),
    ],
)
def test_vector_has_the_requested_dimension(fields: dict[str, Json], size: int) -> None:
    components = vector(**fields)
    assert len(components) == size
    assert all(type(each) is float for each in components)


@pytest.mark.parametrize(
    ("kind", "size", "low", "high"),
    [("int8", 256, -128, 127), ("uint8", 256, 0, 255), ("binary", 32, -128, 127), ("ubinary", 32, 0, 255)],
)
def test_vector_has_the_requested_type(kind: str, size: int, low: int, high: int) -> None:
    integers = vector(output_dimension=256, output_dtype=kind)
    assert len(integers) == size
    assert all(type(each) is int and low <= each <= high for each in integers)
    assert len(set(integers)) > 10
    encoded = vector(output_dimension=256, output_dtype=kind, encoding_format="base64")
    assert encoded == b64encode(bytes(each & 255 for each in integers)).decode()


def test_numbers_are_the_default_type() -> None:
    assert vector(output_dtype="float") == vector()
    numbers = vector(output_dtype="float", encoding_format="base64")
    assert numbers == vector(encoding_format="base64")


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("output_dtype", "foo", "enum"),
        ("output_dimension", 0, "greater_than_equal"),
        ("output_dimension", "x", "int_type"),
    ],
)
def test_wrong_form_of_a_vector_is_refused(field: str, value: Json, kind: str) -> None:
    (entry,) = details({**CODE, field: value}, "embeddings")
    assert (entry["loc"], entry["type"], entry["input"]) == (["body", field], kind, value)


def test_refusal_lists_the_types_of_vectors() -> None:
    (entry,) = details({**CODE, "output_dtype": "foo"}, "embeddings")
    assert entry["msg"] == "Input should be 'float', 'int8', 'uint8', 'binary' or 'ubinary'"


def test_text_model_has_one_dimension() -> None:
    failure = refusal(model="mistral-embed", output_dimension=256)
    assert failure.message == "This model does not support output_dimension."
    assert (failure.fields["type"], failure.fields["code"]) == ("invalid_request_invalid_args", "3051")
