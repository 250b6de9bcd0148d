"""Texts are cut to pieces that join to them, and made to an exact measure."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.quantities.parse import ChunkUnit, parse_chunk_size
from mockllm.core.reply.chunking import LOREM, cut, filler_sentences, filler_tokens

TEXT = "Hello there, world! How are you?  I am fine."


@pytest.mark.parametrize(
    ("size", "pieces"),
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
def test_a_text_is_cut_by(size: str, pieces: tuple[str, ...]) -> None:
    assert cut(TEXT, parse_chunk_size(size)) == pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
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
def test_sentences(text: str, pieces: tuple[str, ...]) -> None:
    assert cut(text, parse_chunk_size("1 sentence")) == pieces


@pytest.mark.parametrize("unit", ["characters", "tokens", "words", "sentences"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("text", [TEXT, "", "   ", " \n a", "a \n ", "x" * 100, "日本語。です", "... ?! "])
def test_pieces_join_to_the_text(text: str, count: int, unit: ChunkUnit) -> None:
    pieces = cut(text, parse_chunk_size(f"{count} {unit}"))
    assert "".join(pieces) == text
    assert "" not in pieces


def test_a_megabyte_is_cut_in_well_under_a_second() -> None:
    assert len(cut("word " * 200_000, parse_chunk_size("4 tokens"))) == 50_001


@pytest.mark.parametrize("count", [0, 1, 17, 18, 5625])
@pytest.mark.parametrize("of", [None, "", "Hello world …", " leading", "a"])
def test_made_tokens_are_exactly_as_many(count: int, of: str | None) -> None:
    assert len(filler_tokens(count, of)) == count


def test_made_tokens_say_a_text_again_and_again() -> None:
    assert filler_tokens(7, "Hello world …") == ("Hello", " world", " …", " Hello", " world", " …", " Hello")


@pytest.mark.parametrize(("of", "made"), [("a ", ("a", " ", "a", " ")), (" a", (" a", " a", " a", " a"))])
def test_a_text_with_space_at_its_seam_gets_no_second_one(of: str, made: tuple[str, ...]) -> None:
    assert filler_tokens(4, of) == made


def test_made_tokens_are_lorem_ipsum_where_nothing_is_said() -> None:
    assert "".join(filler_tokens(1000)).startswith(LOREM + " Lorem ipsum dolor")


def test_made_sentences_are_as_many_and_the_same_for_a_seed() -> None:
    text = filler_sentences(20, Random(3))
    assert text == filler_sentences(20, Random(3))
    assert text != filler_sentences(20, Random(4))
    sentences = cut(text, parse_chunk_size("1 sentence"))
    assert len(sentences) == 20
    assert all(sentence.strip()[0].isupper() and 5 <= len(sentence.split()) <= 14 for sentence in sentences)


def test_no_sentences_are_no_text() -> None:
    assert filler_sentences(0, Random(0)) == ""
