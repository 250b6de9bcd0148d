"""Perplexity's vectors are signed bytes or bits in base64, and their usage has a cost."""

from __future__ import annotations

from base64 import b64decode
from struct import unpack
from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.embeddings import EmbeddingResult
from mockllm.dialects.perplexity.embeddings import bits, signed_bytes
from mockllm.dialects.vendors.responses import VendorEmbeddings
from tests.dialects.vendors.test_vendor_calls import IDENTITY, payload, route_request

MODEL = "pplx-embed-v1-0.6b"


def embedded(**fields: Json) -> Any:
    """Return the body for one text, after the check has passed."""
    dialect, request = route_request(
        "/perplexity/v1/embeddings", {"model": MODEL, "input": "a friend", **fields}
    )
    assert isinstance(dialect, VendorEmbeddings)
    assert dialect.check(request) is None
    plan = dialect.own_response(request, IDENTITY)
    assert isinstance(plan, Plan)
    return payload(plan)


@pytest.mark.parametrize("fields", [{}, {"encoding_format": None}, {"encoding_format": "base64_int8"}])
def test_vector_is_signed_bytes(fields: dict[str, Json]) -> None:
    content = embedded(**fields)
    components = unpack("1024b", b64decode(content["data"][0]["embedding"]))
    assert max(map(abs, components)) == 127
    assert min(components) < 0
    assert content["usage"]["cost"].keys() == {"currency", "input_cost", "total_cost"}


def test_binary_vector_has_a_bit_for_each_component() -> None:
    content = embedded(encoding_format="base64_binary", dimensions=128)
    assert len(b64decode(content["data"][0]["embedding"])) == 16


def test_larger_model_has_longer_vectors() -> None:
    assert len(b64decode(embedded(model="pplx-embed-v1-4b")["data"][0]["embedding"])) == 2560


@pytest.mark.parametrize("form", ["float", "base64", 7])
def test_openais_formats_are_refused(form: Json) -> None:
    dialect, request = route_request(
        "/perplexity/v1/embeddings", {"model": MODEL, "input": "x", "encoding_format": form}
    )
    assert dialect.check(request) is not None


def test_bytes_and_bits_keep_the_signs() -> None:
    assert b64decode(signed_bytes((0.5, -1.0, 0.0))) == bytes([64, 256 - 127, 0])
    assert b64decode(bits((0.5, -1.0, 0.0))) == bytes([0b1010_0000])
    assert signed_bytes(()) == bits(()) == ""


def test_rules_vector_is_written_so() -> None:
    dialect, request = route_request("/perplexity/embeddings", {"model": MODEL, "input": "x"})
    assert isinstance(dialect, VendorEmbeddings)
    data = payload(dialect.embed(EmbeddingResult(((1.0, -0.5),)), request, IDENTITY))["data"]
    assert b64decode(data[0]["embedding"]) == bytes([127, 256 - 64])
