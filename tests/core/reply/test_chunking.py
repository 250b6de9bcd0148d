"""Texts are cut into chunks that join to the text; filler texts have an exact size."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.quantities.parse import ChunkUnit, parse_chunk_size
from mockllm.core.reply.chunking import LOREM, filler_sentences, filler_tokens, split_into_chunks

TEXT = "Hello there, world! How are you?  I am fine."


@pytest.mark.parametrize(
    ("size", "chunks"),
    [
        ("10 characters", ("Hello ther", "e, world! ", "How are yo", "u?  I am f", "ine.")),
        (
            "1 token",
            (
                "Hello",
                " there",
                ",",
                " world",
                "!",
                " How",
                " are",
                " you",
                "?",
                " ",
                " I",
                " am",
                " fine",
                ".",
            ),
        ),
        ("4 tokens", ("Hello there, world", "! How are you", "?  I am", " fine.")),
        ("1 word", ("Hello", " there,", " world!", " How", " are", " you?", "  I", " am", " fine.")),
        ("5 words", ("Hello there, world! How are", " you?  I am fine.")),
        ("1 sentence", ("Hello there, world!", " How are you?", "  I am fine.")),
        ("2 sentences", ("Hello there, world! How are you?", "  I am fine.")),
        ("1000 words", (TEXT,)),
    ],
)
def test_cut_by_unit_returns_chunks(size: str, chunks: tuple[str, ...]) -> None:
    assert split_into_chunks(TEXT, parse_chunk_size(size)) == chunks


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        pytest.param("One. Two.\n", ("One.", " Two.\n"), id="space at the end stays with the last one"),
        pytest.param(
            "Version 1.5 is out. Go!", ("Version 1.5 is out.", " Go!"), id="a point in a number ends none"
        ),
        pytest.param('He said "Stop!" And left', ('He said "Stop!"', " And left"), id="a quote ends with it"),
        pytest.param("你好。再见！", ("你好。", "再见！"), id="Chinese needs no space"),
        pytest.param("no end at all", ("no end at all",), id="a text without an end is one"),
    ],
)
def test_cut_by_sentences_finds_ends(text: str, chunks: tuple[str, ...]) -> None:
    assert split_into_chunks(text, parse_chunk_size("1 sentence")) == chunks


@pytest.mark.parametrize("unit", ["characters", "tokens", "words", "sentences"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("text", [TEXT, "", "   ", " \n a", "a \n ", "x" * 100, "日本語。です", "... ?! "])
def test_chunks_join_to_the_text(text: str, count: int, unit: ChunkUnit) -> None:
    chunks = split_into_chunks(text, parse_chunk_size(f"{count} {unit}"))
    assert "".join(chunks) == text
    assert "" not in chunks


def test_cut_of_megabyte_is_fast() -> None:
    assert len(split_into_chunks("word " * 200_000, parse_chunk_size("4 tokens"))) == 50_001


_ENDS: Final = re.compile(r"""[.!?]+["'”’)\]]*(?=\s)|[。！？]+[”’」』）]*""")
"""The ends of sentences in simple form; a text of dots takes quadratic time."""


@given(st.text(alphabet=". !?\"'”’)]。！？」a1\n"))
def test_cut_by_sentences_finds_all_ends(text: str) -> None:
    ends = [0, *(match.end() for match in _ENDS.finditer(text)), len(text)]
    sentences = [text[start:end] for start, end in pairwise(ends) if start < end]
    if len(sentences) > 1 and not sentences[-1].strip():
        sentences[-2:] = ["".join(sentences[-2:])]
    assert split_into_chunks(text, parse_chunk_size("1 sentence")) == tuple(sentences)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("repeated", [".", "?!", ".)"])
def test_cut_of_many_ends_is_linear(repeated: str) -> None:
    text = repeated * 500_000
    assert split_into_chunks(text + "x", parse_chunk_size("1 sentence")) == (text + "x",)


@pytest.mark.parametrize("count", [0, 1, 17, 18, 5625])
@pytest.mark.parametrize("of", [None, "", "Hello world …", " leading", "a"])
def test_filler_tokens_have_exact_count(count: int, of: str | None) -> None:
    assert len(filler_tokens(count, of)) == count


def test_filler_tokens_repeat_the_text() -> None:
    assert filler_tokens(7, "Hello world …") == ("Hello", " world", " …", " Hello", " world", " …", " Hello")


@pytest.mark.parametrize(("of", "built"), [("a ", ("a", " ", "a", " ")), (" a", (" a", " a", " a", " a"))])
def test_filler_tokens_add_no_second_space(of: str, built: tuple[str, ...]) -> None:
    assert filler_tokens(4, of) == built


def test_filler_tokens_default_to_lorem_ipsum() -> None:
    assert "".join(filler_tokens(1000)).startswith(LOREM + " Lorem ipsum dolor")


def test_filler_sentences_have_count_and_follow_seed() -> None:
    text = filler_sentences(20, Random(3))
    assert text == filler_sentences(20, Random(3))
    assert text != filler_sentences(20, Random(4))
    sentences = split_into_chunks(text, parse_chunk_size("1 sentence"))
    assert len(sentences) == 20
    assert all(sentence.strip()[0].isupper() and 5 <= len(sentence.split()) <= 14 for sentence in sentences)


def test_filler_sentences_of_zero_are_empty() -> None:
    assert filler_sentences(0, Random(0)) == ""
