"""`reply: {embedding: …}`: the response to an embeddings call of every provider."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import json
from base64 import b64decode
from struct import unpack
from typing import Any

import pytest

from mockllm.core.budget import check_vector_size
from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    VirtualServer,
    cases,
    chat_request,
    diagnostics_of,
    raw_request,
)

OPENAI = "/v1/embeddings"
RULE = "rules: [{match: {api: embeddings}, reply: {embedding: %s}}]"
CONTENT = {"content": {"parts": [{"text": "hi"}]}}
VERTEX = "/v1/projects/p/locations/us/publishers/google/models"


def vectors_of(response: ClientResponse) -> list[Any]:
    """Return the vectors of a response of any provider."""
    assert response.status == 200, response.bytes
    body = json.loads(response.bytes)
    if "data" in body:
        return [each["embedding"] for each in body["data"]]
    if "predictions" in body:
        return [each["embeddings"]["values"] for each in body["predictions"]]
    return [each["values"] for each in body.get("embeddings", [body.get("embedding")])]


def openai(options: Any = "hi", **more: Any) -> ClientRequest:
    return raw_request(OPENAI, {"model": "text-embedding-3-small", "input": options, **more})


CALLS: list[tuple[str, ClientRequest, int]] = [
    ("OpenAI", openai(), 1),
    ("OpenAI, several", openai(["a", "b", "c"]), 3),
    ("OpenAI, tokens", openai([[1, 2], [3]]), 2),
    ("Azure", raw_request("/openai/deployments/d/embeddings", {"input": "hi"}, query="api-version=2024-10-21", headers={"api-key": "k"}), 1),
    ("Azure, Cohere's", raw_request("/openai/deployments/cohere-embed-v3/embeddings", {"input": "hi"}, query="api-version=2024-10-21", headers={"api-key": "k"}), 1),
    ("Mistral", raw_request("/mistral/v1/embeddings", {"model": "mistral-embed", "input": "hi"}), 1),
    ("Ollama", raw_request("/ollama/v1/embeddings", {"model": "m", "input": ["a", "b"]}), 2),
    ("Gemini", raw_request("/v1beta/models/gemini-embedding-001:embedContent", CONTENT), 1),
    ("Gemini, several", raw_request("/v1beta/models/gemini-embedding-001:batchEmbedContents", {"requests": [{"model": "models/gemini-embedding-001", **CONTENT}] * 3}), 3),
    ("Vertex", raw_request(f"{VERTEX}/text-embedding-005:predict", {"instances": [{"content": "hi"}, {"content": "ho"}]}), 2),
    ("Vertex, new", raw_request(f"{VERTEX}/gemini-embedding-001:embedContent", CONTENT), 1),
]  # fmt: skip


@cases("sent, count", CALLS)
def test_embedding_is_sent_for_every_input(sent: ClientRequest, count: int) -> None:
    assert vectors_of(VirtualServer(RULE % "[0.1, -2.5e-3, 3]").respond(sent)) == [[0.1, -0.0025, 3]] * count


@cases("sent, count", CALLS)
def test_embedding_vectors_are_sent_in_turn(sent: ClientRequest, count: int) -> None:
    assert (
        vectors_of(VirtualServer(RULE % "[[1, 0], [0, 1]]").respond(sent)) == [[1, 0], [0, 1], [1, 0]][:count]
    )


def test_embedding_base64_is_sent_if_requested() -> None:
    (packed,) = vectors_of(VirtualServer(RULE % "[0.5, -2]").respond(openai(encoding_format="base64")))
    assert unpack("<2f", b64decode(packed)) == (0.5, -2.0)


def test_embedding_can_be_template() -> None:
    server = VirtualServer(RULE % '"{{ body.vector }}"')
    assert vectors_of(server.respond(openai(vector=[1, 2]))) == [[1, 2]]
    assert vectors_of(server.respond(openai(vector=[[1, 2], [3, 4]]))) == [[1, 2]]
    odd = server.respond(openai(vector="x"))
    assert odd.status == 400
    assert "expected a list of numbers" in odd.bytes.decode()
    assert "body.vector is absent" in server.respond(openai()).bytes.decode()


def test_embedding_with_model_usage_and_extras() -> None:
    server = VirtualServer(
        RULE % "[1], model: mine, usage: {input_tokens: 7}, extras: {openai: {x: 1}, gemini: {y: 2}}"
    )
    body = json.loads(server.respond(openai()).bytes)
    assert (body["model"], body["usage"], body["x"]) == ("mine", {"prompt_tokens": 7, "total_tokens": 7}, 1)
    body = json.loads(server.respond(CALLS[7][1]).bytes)
    assert (body["usageMetadata"]["promptTokenCount"], body["y"]) == (7, 2)
    plain = json.loads(VirtualServer(RULE % "[1]").respond(openai()).bytes)
    assert (plain["model"], plain["usage"]["prompt_tokens"]) == ("text-embedding-3-small", 1)


def test_embedding_has_settings_and_faults() -> None:
    server = VirtualServer("""
rules:
  - match: {api: embeddings}
    sequence:
      - {reply: {embedding: [1]}, delay: 2s, headers: {x-a: "1"}}
      - {reply: {embedding: [2]}, faults: [content_type, no_usage]}
      - {error: rate_limit}
""")
    first, second, third = (server.respond(openai()) for _ in range(3))
    assert (first.took, first.headers["x-a"]) == (2.0, "1")
    assert second.planned.faults == ("content_type",)
    assert any(note.startswith("no_usage not applied") for note in second.planned.notes)
    assert third.status == 429


def test_embedding_beside_text_serves_both_calls() -> None:
    server = VirtualServer(
        "rules: [{match: {api: [chat, embeddings]}, reply: {text: Hello., embedding: [1, 2]}}]"
    )
    responses = server.respond(chat_request())
    assert responses.text == "Hello."
    assert "embedding left out: only embeddings calls have one" in responses.planned.notes
    assert vectors_of(server.respond(openai())) == [[1, 2]]


def test_reply_without_embedding_is_refused_for_embeddings() -> None:
    responses = VirtualServer("rules: [{match: {api: embeddings}, reply: a}]").respond(openai())
    assert responses.status == 400
    assert "or give the reply an embedding" in responses.bytes.decode()
    lists = VirtualServer("rules: [{match: {api: models}, reply: {embedding: [1]}}]").respond(
        raw_request("/v1/models", method="GET")
    )
    assert lists.status == 400
    assert "or give the reply" not in lists.bytes.decode()


def test_embedding_without_rule_is_derived_from_text() -> None:
    (result,) = vectors_of(VirtualServer("rules: []").respond(openai()))
    assert len(result) == 1536


def test_embedding_for_unknown_path_is_refused() -> None:
    responses = VirtualServer("rules: [{match: {path: /mine}, reply: {embedding: [1]}}]").respond(
        raw_request("/mine", {})
    )
    assert responses.status == 400
    assert "this is no provider call" in responses.bytes.decode()


@pytest.mark.parametrize(
    "rules", [RULE % "[1]", "rules: [{match: {user: nothing}, reply: ok}]"], ids=["rule", "no rule"]
)
@pytest.mark.parametrize(
    "sent",
    [
        openai(["a"] * 2),
        openai("a", model="text-embedding-3-large"),
        openai("a" * 6_000),
        raw_request("/v1beta/models/gemini-embedding-001:embedContent", CONTENT),
        raw_request("/ollama/api/embed", {"model": "m", "input": ["a"] * 3}),
        raw_request("/huggingface/hf-inference/models/m/pipeline/feature-extraction", {"inputs": ["a"] * 6}),
        raw_request(
            "/cohere/v2/embed", {"model": "embed-v4.0", "input_type": "search_query", "texts": ["a"] * 2}
        ),
    ],
    ids=["inputs", "dimensions", "characters", "Gemini", "Ollama", "Hugging Face", "Cohere"],
)
def test_vectors_beyond_the_limit_are_refused(rules: str, sent: ClientRequest) -> None:
    refused = VirtualServer(rules, max_generated=2).respond(sent)
    assert refused.status == (422 if "huggingface" in sent.path else 400)
    assert b"more than 2,000 components" in refused.bytes
    assert b"--max-generated-values" in refused.bytes


def test_largest_legal_embedding_is_within_limit() -> None:
    largest = openai(["a"] * 2_048, model="text-embedding-3-large")
    request = VirtualServer("rules: []").engine.read("POST", OPENAI, "", {}, largest.body, "", 0.0)
    assert request.vector_components == 2_048 * 3_072 + 2_048 // 4
    check_vector_size(request.vector_components)


# --- by text -----------------------------------------------------------------------------------------


def cosine(one: Any, other: Any) -> float:
    return float(sum(a * b for a, b in zip(one, other, strict=True)))


INPUTS = ["cat", "lion", "stone"]
BY_PROVIDER: dict[str, tuple[str, Any]] = {
    "openai": (OPENAI, {"model": "text-embedding-3-small", "input": INPUTS}),
    "gemini": (
        "/v1beta/models/gemini-embedding-001:batchEmbedContents",
        {
            "requests": [
                {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}}
                for text in INPUTS
            ]
        },
    ),
    "ollama": ("/api/embed", {"model": "nomic-embed-text", "input": INPUTS}),
}


def embedded(response: ClientResponse) -> list[Any]:
    body = json.loads(response.bytes)
    return (
        vectors_of(response)
        if "data" in body or isinstance(body["embeddings"][0], dict)
        else body["embeddings"]
    )


@pytest.mark.parametrize("provider", BY_PROVIDER)
def test_embedding_by_text_is_near_the_text_that_it_names(provider: str) -> None:
    path, body = BY_PROVIDER[provider]
    plain = embedded(VirtualServer("rules: []").respond(raw_request(path, body)))
    found = embedded(VirtualServer(RULE % "{by_text: {lion: cat}}").respond(raw_request(path, body)))
    assert found[0] == plain[0]
    assert found[2] == plain[2]
    assert cosine(found[1], plain[0]) == pytest.approx(0.9, abs=1e-3)


def test_embedding_by_text_has_vectors_and_a_default() -> None:
    rule = RULE % '{by_text: {cat: [0, 1]}, similar_to: "{{ query.near }}", cosine: 0.5}'
    requested = raw_request(OPENAI, BY_PROVIDER["openai"][1], query="near=dog")
    dog = raw_request(OPENAI, {"model": "text-embedding-3-small", "input": "dog"})
    (plain,) = vectors_of(VirtualServer("rules: []").respond(dog))
    found = vectors_of(VirtualServer(rule).respond(requested))
    assert found[0] == [0, 1]
    assert [cosine(vector, plain) for vector in found[1:]] == pytest.approx([0.5, 0.5], abs=1e-3)


def test_embedding_by_text_names_its_keys() -> None:
    assert "did you mean" in diagnostics_of(RULE % "{by_texts: {a: b}}")[0]
    assert "expected" in diagnostics_of(RULE % "{by_text: {a: 1}}")[0]
