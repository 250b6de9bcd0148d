"""The parts of a text that its citations support."""

from __future__ import annotations

import pytest

from mockllm.core.reply.citations import (
    clipped,
    full_text,
    place_of_words,
    segments,
    sources,
    span,
)
from mockllm.core.reply.reply import Choice, Citation, ContentElement, Pause, Text
from mockllm.core.reply.truncation import shorten, truncate
from mockllm.core.request.response_parameters import OutputBounds

ALL = Citation("u")
FIRST = Citation("f", start=0, end=5)
LAST = Citation("l", start=6, end=11)
MIDDLE = Citation("m", start=4, end=7)


def shown(text: Text) -> list[tuple[tuple[ContentElement, ...], list[str]]]:
    """The segments: their chunks and the addresses of their sources."""
    return [(each.chunks, [source.url for source in each.citations]) for each in segments(text)]


def text(*texts: ContentElement, citations: tuple[Citation, ...] = ()) -> Text:
    return Text(texts or ("Hello", " wor", "ld"), citations=citations)


def test_full_text_is_the_non_streaming_text() -> None:
    assert full_text(text()) == "Hello world"
    assert full_text(Text(("Hel",), whole="All.")) == "All."


@pytest.mark.parametrize(
    ("citation", "place"),
    [
        (ALL, (0, 11)),
        (LAST, (6, 11)),
        (Citation("u", start=6), (6, 11)),
        (Citation("u", start=20, end=30), (11, 11)),
    ],
)
def test_span_is_within_the_text(citation: Citation, place: tuple[int, int]) -> None:
    assert span(citation, "Hello world") == place


def test_sources_have_each_url_once() -> None:
    again = Citation("u", title="later")
    assert sources((ALL, FIRST, again)) == (ALL, FIRST)


@pytest.mark.parametrize(
    ("citations", "segments_of_it"),
    [
        ((), [(("Hello", " wor", "ld"), [])]),
        ((ALL,), [(("Hello", " wor", "ld"), ["u"])]),
        ((FIRST, LAST), [(("Hello",), ["f"]), ((" ",), []), (("wor", "ld"), ["l"])]),
        (
            (FIRST, MIDDLE),
            [(("Hell",), ["f"]), (("o",), ["f", "m"]), ((" w",), ["m"]), (("or", "ld"), [])],
        ),
        ((ALL, LAST), [(("Hello", " "), ["u"]), (("wor", "ld"), ["u", "l"])]),
    ],
)
def test_segments_split_where_citations_change(
    citations: tuple[Citation, ...], segments_of_it: list[tuple[tuple[ContentElement, ...], list[str]]]
) -> None:
    assert shown(text(citations=citations)) == segments_of_it


def test_segments_citations_cover_the_segment() -> None:
    for each in segments(text(citations=(FIRST, LAST))):
        assert all((source.start, source.end) == (0, None) for source in each.citations)


def test_segments_keep_pauses_in_place() -> None:
    wait = Pause(1)
    found = shown(text(wait, "Hello", wait, " ", wait, "world", wait, citations=(FIRST, LAST)))
    assert found == [((wait, "Hello"), ["f"]), ((wait, " "), []), ((wait, "world", wait), ["l"])]


def test_segments_of_text_with_whole_is_one() -> None:
    (only,) = segments(Text(("Hel", "lo"), whole="Hello world", citations=(LAST,)))
    assert (only.chunks, only.whole) == (("Hel", "lo"), "Hello world")


def test_clipped_removes_later_citations() -> None:
    assert clipped((FIRST, LAST), 6) == (FIRST,)
    assert clipped((FIRST, LAST), 7) == (FIRST, LAST)
    part = shorten(text(citations=(FIRST, LAST)), 3)
    assert isinstance(part, Text)
    assert part.citations == (FIRST,)
    choice = Choice((text(citations=(FIRST, LAST)),))
    for output_bounds in (OutputBounds(stop=(" wor",)), OutputBounds(max_tokens=1)):
        (cut,) = truncate(choice, output_bounds).parts
        assert isinstance(cut, Text)
        assert (cut.chunks, cut.citations) == (("Hello",), (FIRST,))


@pytest.mark.parametrize(
    ("words", "earlier", "place"),
    [
        ("a", [], (0, 1)),
        ("x", [], None),
        ("a", [Citation("u", start=0, end=1)], (4, 5)),
        ("a", [Citation("v", start=0, end=1)], (0, 1)),
        ("a", [Citation("u", start=2, end=3)], (0, 1)),
        ("a", [Citation("u", start=0, end=1), Citation("u", start=4, end=5)], (0, 1)),
        ("a b a", [ALL], (0, 5)),
    ],
)
def test_place_of_words_follows_the_same_words_of_a_page(
    words: str, earlier: list[Citation], place: tuple[int, int] | None
) -> None:
    assert place_of_words(words, "a b a", "u", earlier) == place
