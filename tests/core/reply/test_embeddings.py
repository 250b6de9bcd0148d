"""Embeddings: unit length, equal for equal texts, closer for similar texts."""

from __future__ import annotations

from math import isclose
from operator import mul
from struct import unpack

import pytest

from mockllm.core import text_vectors
from mockllm.core.reply.embeddings import EmbeddingResult, TextVectors
from mockllm.core.text_vectors import near, packed, shortened, vector, written

TEXTS = ["hello", "", " ", "a", "Ünïcödé 東京", "\ud800", "the same " * 500]


def likeness(one: str, other: str, size: int = 1536) -> float:
    return sum(a * b for a, b in zip(vector(one, size), vector(other, size), strict=True))


@pytest.mark.parametrize("size", [1, 2, 256, 1536, 3072])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_vector_has_size_and_unit_length(text: str, size: int) -> None:
    built = vector(text, size)
    assert len(built) == size
    assert isclose(sum(each * each for each in built), 1, abs_tol=1e-5)
    assert all(built)
    assert vector(text, size) == built


def test_vector_of_long_text_is_that_of_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vectors, "MAX_CHARACTERS", 5)
    assert text_vectors._runs("a b c d e f") == [" a ", "a b", " b ", "b c", " c "]
    assert likeness("a b c d e", "a b c and no more") > 0.95


def test_vector_of_similar_text_is_closer() -> None:
    sent = "How do I reset my password?"
    near = "I forgot my password, how can I reset it?"
    far = "The weather in Paris is sunny today."
    assert likeness(sent, near) > 0.4 > likeness(sent, far)
    assert likeness(sent, sent.upper()) > 0.95
    assert likeness(sent, sent) > 0.999
    assert abs(likeness(near, far)) < 0.3


@pytest.mark.parametrize("size", [64, 256, 1536, 3072])
def test_vector_search_works_in_any_size(size: int) -> None:
    stored = ["cats are small animals", "the stock market fell today", "a recipe for tomato soup"]
    for sent, expected in (("small cats", 0), ("market news of today", 1), ("how to make tomato soup", 2)):
        found = [likeness(sent, each, size) for each in stored]
        assert found.index(max(found)) == expected


def test_shortened_vector_has_direction_of_its_start() -> None:
    whole = vector("hello world", 1536)
    short = shortened(whole, 256)
    assert len(short) == 256
    assert isclose(sum(each * each for each in short), 1, abs_tol=1e-5)
    assert isclose(short[0] / short[1], whole[0] / whole[1], rel_tol=1e-4)
    assert shortened(whole, 1536) is whole


def test_packed_vector_has_the_same_numbers() -> None:
    built = vector("hello", 64)
    assert unpack("<64f", packed(built)) == built
    assert packed(tuple(written(built))) == packed(built)
    assert max(len(str(abs(each))) for each in written(built)) < 16


def test_embedding_result_repeats_vectors_in_turn() -> None:
    content = EmbeddingResult(((1.0, 0.0), (0.0, 1.0)))
    assert content.of("abc", lambda _: ()) == [(1.0, 0.0), (0.0, 1.0), (1.0, 0.0)]
    assert content.of("", lambda _: ()) == []


def test_vectors_are_chosen_by_text() -> None:
    chosen = TextVectors({"cat": (0.0, 1.0), "dog": "wolf"}, cosine=0.8)
    one, two, three = EmbeddingResult((), chosen=chosen).of(
        ["cat", "dog", "x"], lambda text: vector(text, 64)
    )
    assert one == (0.0, 1.0)
    assert abs(sum(map(mul, two, vector("wolf", 64))) - 0.8) < 1e-6
    assert three == vector("x", 64)
    near_cat = TextVectors(similar_to="cat").of("x", lambda text: vector(text, 64))
    assert abs(sum(map(mul, near_cat, vector("cat", 64))) - 0.9) < 1e-6
    assert near(vector("a", 8), vector("a", 8), 0.5) == vector("a", 8)


def test_text_near_one_with_a_stated_vector() -> None:
    chosen = TextVectors(
        {"cat": (0.0, 2.0, 0.0), "lion": "cat", "cub": "lion", "a": "b", "b": "a"}, "cat", 0.8
    )
    lion, cub, other, loop = EmbeddingResult((), chosen=chosen).of(
        ["lion", "cub", "x", "a"], lambda text: vector(text, 64)
    )
    assert [len(each) for each in (lion, cub, other, loop)] == [3, 3, 3, 64]
    assert abs(lion[1] - 0.8) < 1e-6
    assert abs(other[1] - 0.8) < 1e-6
    assert abs(sum(map(mul, cub, lion)) - 0.8) < 1e-6
    assert TextVectors({"zero": (0.0, 0.0)}, "zero").of("x", lambda text: vector(text, 64)) == (0.0, 0.0)
