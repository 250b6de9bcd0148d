"""`reply: {embedding: …}`: what an embeddings call answers, the same for every provider."""

# ruff: noqa: E501 - cases stand on one line each

from __future__ import annotations

import json
from base64 import b64decode
from struct import unpack
from typing import Any

from tests.language.playing import Ask, Game, Heard, ask, chat, table

OPENAI = "/v1/embeddings"
RULE = "rules: [{match: {api: embeddings}, reply: {embedding: %s}}]"
CONTENT = {"content": {"parts": [{"text": "hi"}]}}
VERTEX = "/v1/projects/p/locations/us/publishers/google/models"


def said(heard: Heard) -> list[Any]:
    """The vectors of an answer, whoever gave it."""
    assert heard.status == 200, heard.bytes
    body = json.loads(heard.bytes)
    if "data" in body:
        return [each["embedding"] for each in body["data"]]
    if "predictions" in body:
        return [each["embeddings"]["values"] for each in body["predictions"]]
    return [each["values"] for each in body.get("embeddings", [body.get("embedding")])]


def openai(given: Any = "hi", **more: Any) -> Ask:
    return ask(OPENAI, {"model": "text-embedding-3-small", "input": given, **more})


CALLS: list[tuple[str, Ask, int]] = [
    ("OpenAI", openai(), 1),
    ("OpenAI, several", openai(["a", "b", "c"]), 3),
    ("OpenAI, tokens", openai([[1, 2], [3]]), 2),
    ("Azure", ask("/openai/deployments/d/embeddings", {"input": "hi"}, query="api-version=2024-10-21", headers={"api-key": "k"}), 1),
    ("Azure, Cohere's", ask("/openai/deployments/cohere-embed-v3/embeddings", {"input": "hi"}, query="api-version=2024-10-21", headers={"api-key": "k"}), 1),
    ("Mistral", ask("/mistral/v1/embeddings", {"model": "mistral-embed", "input": "hi"}), 1),
    ("Ollama", ask("/ollama/v1/embeddings", {"model": "m", "input": ["a", "b"]}), 2),
    ("Gemini", ask("/v1beta/models/gemini-embedding-001:embedContent", CONTENT), 1),
    ("Gemini, several", ask("/v1beta/models/gemini-embedding-001:batchEmbedContents", {"requests": [{"model": "models/gemini-embedding-001", **CONTENT}] * 3}), 3),
    ("Vertex", ask(f"{VERTEX}/text-embedding-005:predict", {"instances": [{"content": "hi"}, {"content": "ho"}]}), 2),
    ("Vertex, new", ask(f"{VERTEX}/gemini-embedding-001:embedContent", CONTENT), 1),
]  # fmt: skip


@table("asked, count", CALLS)
def test_every_input_gets_the_vector(asked: Ask, count: int) -> None:
    assert said(Game(RULE % "[0.1, -2.5e-3, 3]").hear(asked)) == [[0.1, -0.0025, 3]] * count


@table("asked, count", CALLS)
def test_of_several_vectors_each_input_gets_the_next(asked: Ask, count: int) -> None:
    assert said(Game(RULE % "[[1, 0], [0, 1]]").hear(asked)) == [[1, 0], [0, 1], [1, 0]][:count]


def test_numbers_are_packed_where_the_client_wants_them_so() -> None:
    (packed,) = said(Game(RULE % "[0.5, -2]").hear(openai(encoding_format="base64")))
    assert unpack("<2f", b64decode(packed)) == (0.5, -2.0)


def test_a_template_gives_them() -> None:
    game = Game(RULE % '"{{ body.vector }}"')
    assert said(game.hear(openai(vector=[1, 2]))) == [[1, 2]]
    assert said(game.hear(openai(vector=[[1, 2], [3, 4]]))) == [[1, 2]]
    odd = game.hear(openai(vector="x"))
    assert odd.status == 400
    assert "expected a list of numbers" in odd.bytes.decode()
    assert "body.vector is absent" in game.hear(openai()).bytes.decode()


def test_model_usage_and_extras_stand_beside_it() -> None:
    game = Game(RULE % "[1], model: mine, usage: {input_tokens: 7}, extras: {openai: {x: 1}, gemini: {y: 2}}")
    body = json.loads(game.hear(openai()).bytes)
    assert (body["model"], body["usage"], body["x"]) == ("mine", {"prompt_tokens": 7, "total_tokens": 7}, 1)
    body = json.loads(game.hear(CALLS[7][1]).bytes)
    assert (body["usageMetadata"]["promptTokenCount"], body["y"]) == (7, 2)
    plain = json.loads(Game(RULE % "[1]").hear(openai()).bytes)
    assert (plain["model"], plain["usage"]["prompt_tokens"]) == ("text-embedding-3-small", 1)


def test_settings_and_faults_act_on_it() -> None:
    game = Game("""
rules:
  - match: {api: embeddings}
    sequence:
      - {reply: {embedding: [1]}, delay: 2s, headers: {x-a: "1"}}
      - {reply: {embedding: [2]}, faults: [content_type, no_usage]}
      - {error: rate_limit}
""")
    first, second, third = (game.hear(openai()) for _ in range(3))
    assert (first.took, first.headers["x-a"]) == (2.0, "1")
    assert second.answer.faults == ("content_type",)
    assert any(note.startswith("no_usage not played") for note in second.answer.notes)
    assert third.status == 429


def test_beside_a_text_each_call_gets_its_own() -> None:
    game = Game("rules: [{match: {api: [chat, embeddings]}, reply: {text: Hello., embedding: [1, 2]}}]")
    heard = game.hear(chat())
    assert heard.text == "Hello."
    assert "embedding left out: only embeddings calls have one" in heard.answer.notes
    assert said(game.hear(openai())) == [[1, 2]]


def test_without_one_a_reply_answers_no_embeddings_call() -> None:
    heard = Game("rules: [{match: {api: embeddings}, reply: a}]").hear(openai())
    assert heard.status == 400
    assert "or give the reply an embedding" in heard.bytes.decode()
    lists = Game("rules: [{match: {api: models}, reply: {embedding: [1]}}]").hear(
        ask("/v1/models", method="GET")
    )
    assert lists.status == 400
    assert "or give the reply" not in lists.bytes.decode()


def test_without_a_rule_they_are_made_of_the_texts() -> None:
    (made,) = said(Game("rules: []").hear(openai()))
    assert len(made) == 1536


def test_a_path_of_nobody_has_none_either() -> None:
    heard = Game("rules: [{match: {path: /mine}, reply: {embedding: [1]}}]").hear(ask("/mine", {}))
    assert heard.status == 400
    assert "this is no provider call" in heard.bytes.decode()
