"""Times of transcripts."""

from __future__ import annotations

from mockllm.core.reply.reply import Media
from mockllm.core.reply.transcript import (
    TimedText,
    Transcript,
    TranscriptSegment,
    timed_segments,
    timed_sentences,
    timed_words,
)


def test_sentences_share_the_time_by_their_length() -> None:
    first, second = timed_sentences("One two. Three four five six.", 10)
    assert (first.text, first.start) == ("One two.", 0)
    assert (second.start, second.end) == (first.end, 10)


def test_text_without_words_has_no_sentences() -> None:
    assert timed_sentences("", 3) == []


def test_words_are_within_their_segment() -> None:
    words = timed_words(timed_sentences("One two.", 4))
    assert [word.text for word in words] == ["One", "two."]
    assert words[-1].end == 4


def test_segments_follow_each_other() -> None:
    stated = (TranscriptSegment(" A b. ", speaker="X"), TranscriptSegment("C", start=5.0, end=6.0))
    first, second = timed_segments(stated)
    assert (first.text, first.start, first.speaker) == ("A b.", 0, "X")
    assert (second.start, second.end, second.speaker) == (5, 6, "A")
    assert Transcript(segments=stated).text == "A b. C"


def test_kind_of_media_follows_its_type() -> None:
    kinds = [Media(mime, "").kind for mime in ("image/png", "audio/wav", "video/mp4", "x")]
    assert kinds == ["images", "audio", "video", "images"]


def test_times_of_words_are_whole_hundredths() -> None:
    words = timed_words([TimedText("a b c", 0.1, 0.7)])
    assert [(word.start, word.end) for word in words] == [(0.1, 0.3), (0.3, 0.5), (0.5, 0.7)]
