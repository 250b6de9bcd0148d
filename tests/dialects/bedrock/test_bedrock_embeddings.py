"""Vectors of Titan's, Cohere's and Nova's models behind InvokeModel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - match: {provider: bedrock, api: embeddings, user: {contains: fixed}}
    reply: {embedding: [0.6, 0.8], usage: {input_tokens: 7}, extras: {bedrock: {note: mine}}}
"""
TITAN_2, TITAN_1 = "amazon.titan-embed-text-v2:0", "amazon.titan-embed-text-v1"
IMAGE, COHERE_3, COHERE_4 = "amazon.titan-embed-image-v1", "cohere.embed-english-v3", "eu.cohere.embed-v4:0"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
QUERY = {"input_type": "search_query"}


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer(RULES)


def send(server: VirtualServer, model: str, body: Any) -> ClientResponse:
    return server.respond(raw_request(f"/model/{model}/invoke", body))


def nova(part: Any, **more: Any) -> dict[str, Any]:
    return {"singleEmbeddingParams": {"embeddingDimension": 256, **part, **more}}


@pytest.mark.parametrize(
    ("model", "body", "size"),
    [
        (TITAN_1, {"inputText": "cat"}, 1536),
        (TITAN_2, {"inputText": "cat"}, 1024),
        (TITAN_2, {"inputText": "cat", "dimensions": 512}, 512),
        (IMAGE, {"inputImage": "AAAA"}, 1024),
        (IMAGE, {"inputText": "cat", "embeddingConfig": {"outputEmbeddingLength": 384}}, 384),
    ],
)
def test_titan_vector_has_its_size(server: VirtualServer, model: str, body: Any, size: int) -> None:
    found = send(server, model, body).json
    assert len(found["embedding"]) == size
    assert found["inputTextTokenCount"] == 1


@pytest.mark.parametrize(
    ("types", "names", "plain"),
    [(["binary"], ["binary"], False), (["float", "binary"], ["float", "binary"], True), (3, ["float"], True)],
)
def test_titan_vector_has_the_requested_types(
    server: VirtualServer, types: Any, names: list[str], plain: bool
) -> None:
    body = {"inputText": "cat", "embeddingTypes": types}
    found = send(server, TITAN_2, body).json
    assert (list(found["embeddingsByType"]), "embedding" in found) == (names, plain)
    if "binary" in names:
        assert set(found["embeddingsByType"]["binary"]) == {0, 1}


@pytest.mark.parametrize(
    ("model", "body", "count", "size"),
    [
        (COHERE_3, {"texts": ["a", "b", 3], **QUERY}, 2, 1024),
        (COHERE_4, {"images": ["data:image/png;base64,AA"], "output_dimension": 256, **QUERY}, 1, 256),
        (
            COHERE_4,
            {"inputs": [{"content": [{"type": "text", "text": "a"}, {"image_url": "b"}]}], **QUERY},
            1,
            1536,
        ),
    ],
)
def test_cohere_vectors_have_their_number(
    server: VirtualServer, model: str, body: Any, count: int, size: int
) -> None:
    found = send(server, model, body).json
    kind = "embeddings_floats" if model == COHERE_3 else "embeddings_by_type"
    assert (found["response_type"], len(found["id"])) == (kind, 32)
    vectors = found["embeddings"] if model == COHERE_3 else found["embeddings"]["float"]
    assert [len(vector) for vector in vectors] == [size] * count


def test_cohere_vectors_come_by_type(server: VirtualServer) -> None:
    body = {"texts": ["a"], "embedding_types": ["int8", "nope"], **QUERY}
    found = send(server, COHERE_3, body).json
    assert (found["response_type"], list(found["embeddings"])) == ("embeddings_by_type", ["int8"])


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"text": {"value": "cat"}}, "TEXT"),
        ({"image": {"format": "png", "source": {"bytes": "AAAA"}}}, "IMAGE"),
        ({"video": {"source": {"s3Location": {"uri": "s3://b/v.mp4"}}}}, "VIDEO"),
    ],
)
def test_nova_vector_names_its_modality(server: VirtualServer, part: Any, kind: str) -> None:
    response = send(server, NOVA, nova(part))
    (found,) = response.json["embeddings"]
    assert (found["embeddingType"], len(found["embedding"])) == (kind, 256)
    assert int(response.headers["x-amzn-bedrock-input-token-count"]) > 0


@pytest.mark.parametrize(
    ("model", "body", "problem"),
    [
        (TITAN_1, {}, "#: required key [inputText] not found"),
        (COHERE_3, {"texts": ["a"]}, "#: required key [input_type] not found"),
        (COHERE_3, QUERY, "#: required key [texts] not found"),
        (TITAN_2, {"inputText": "a", "dimensions": 3}, "#/dimensions: 3 is not a valid enum value"),
        (NOVA, nova({}, embeddingDimension=[]), "#/singleEmbeddingParams/embeddingDimension: []"),
    ],
)
def test_wrong_body_of_embeddings_is_refused(
    server: VirtualServer, model: str, body: Any, problem: str
) -> None:
    refused = send(server, model, body)
    assert refused.status == 400
    assert refused.headers["x-amzn-errortype"].startswith("ValidationException")
    assert problem in refused.json["message"]


def test_unreadable_body_of_embeddings_is_refused(server: VirtualServer) -> None:
    assert send(server, TITAN_1, b"{").status == 400
    lenient = VirtualServer(f"validation: lenient\n{RULES}")
    assert send(lenient, TITAN_1, b"[]").status == 400


@pytest.mark.parametrize("model", [TITAN_1, TITAN_2, IMAGE, COHERE_4, NOVA])
@pytest.mark.parametrize("body", [{}, nova({}), {"inputText": 3, "texts": 3, "inputs": [3], "images": None}])
def test_unchecked_body_of_embeddings_gets_a_response(model: str, body: Any) -> None:
    assert send(VirtualServer(f"validation: 'off'\n{RULES}"), model, body).status == 200


def test_rule_sets_vectors_and_tokens(server: VirtualServer) -> None:
    response = send(server, TITAN_1, {"inputText": "fixed"})
    assert response.json == {"embedding": [0.6, 0.8], "inputTextTokenCount": 7, "note": "mine"}
    assert response.headers["x-amzn-bedrock-input-token-count"] == "7"


def test_similar_texts_have_similar_vectors() -> None:
    rule = "rules: [{match: {api: embeddings}, reply: {embedding: {similar_to: dog, cosine: 0.9}}}]"
    server = VirtualServer(rule)
    one = send(server, TITAN_1, {"inputText": "cat"}).json["embedding"]
    dog = send(VirtualServer("rules: []"), TITAN_1, {"inputText": "dog"}).json["embedding"]
    assert sum(a * b for a, b in zip(one, dog, strict=True)) == pytest.approx(0.9, abs=1e-3)


def test_model_may_be_the_arn_of_a_foundation_model() -> None:
    arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Famazon.titan-embed-text-v1"
    server = VirtualServer(
        "rules: [{match: {api: embeddings, model: {contains: foundation-model/}}, reply: {embedding: [1.0]}}]"
    )
    assert send(server, arn, {"inputText": "cat"}).json["embedding"] == [1.0]


def test_generating_model_is_no_model_of_embeddings() -> None:
    server = VirtualServer("rules: [{match: {api: invoke}, reply: Hi.}]")
    found = send(server, "amazon.titan-text-express-v1", {"inputText": "a"}).json
    assert found["results"][0]["outputText"] == "Hi."
