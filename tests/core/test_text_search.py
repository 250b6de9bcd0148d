"""The lexical search: passages, words, relevance and bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core import text_search
from mockllm.core.text_search import SearchedText, best_passages, passage_bounds, query_stems


def document(text: str, length: int = 400, overlap: int = 200) -> SearchedText:
    return SearchedText(text, length, overlap)


def found(query: str, *texts: str) -> list[tuple[int, float]]:
    passages = best_passages([document(text) for text in texts], [query], 10)
    return [(passage.document, passage.relevance) for passage in passages]


def test_rare_word_counts_more() -> None:
    (first, score), (second, less) = found("the tower", "the tower", "the river")
    assert (first, score, second) == (0, 1.0, 1)
    assert 0 < less < 0.5


def test_plural_is_its_singular() -> None:
    assert found("rivers", "A river.") == [(0, 1.0)]
    assert found("river", "Rivers!") == [(0, 1.0)]
    assert found("glass", "glasss") == [(0, 0.0)]


def test_query_without_words_scores_nothing() -> None:
    assert found("?!", "a", "b") == [(0, 0.0), (1, 0.0)]
    assert found(f"{'x' * 101}", "x") == [(0, 0.0)]
    assert best_passages([], ["a"], 3) == []


def test_characters_of_scripts_without_spaces_are_words() -> None:
    assert query_stems("東京tower", 9) == sorted({"東", "京", "tower"})
    assert found("東京", "京都", "東京") == [(1, 1.0), (0, found("東京", "京都", "東京")[1][1])]


def test_passages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_search, "MAX_PASSAGES", 2)
    assert len(found("a", "a", "a", "a")) == 2


def test_characters_of_passages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_search, "MAX_CHARACTERS", 5)
    assert len(found("a", "aaa", "aa", "a")) == 2


def test_words_of_all_queries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_search, "MAX_WORDS", 3)
    texts = [document(text) for text in ("a b", "c", "d")]
    passages = best_passages(texts, ["a b", "c d", "d"], 9)
    assert [(each.document, each.relevance) for each in passages] == [(0, 1.0), (1, 1.0), (2, 0.0)]


def test_passage_ends_before_a_space() -> None:
    text = "aaaa bbbb cccc"
    assert [text[start:end] for start, end in passage_bounds(document(text, 10, 0))] == ["aaaa bbbb", " cccc"]
    assert list(passage_bounds(document("", 10, 0))) == [(0, 0)]


@given(st.text("ab ", max_size=300), st.integers(4, 50), st.data())
def test_passages_have_the_whole_text(text: str, length: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, length // 2))
    covered = 0
    for start, end in passage_bounds(document(text, length, overlap)):
        assert start <= covered
        assert end - start <= length
        covered = end
    assert covered == len(text)
