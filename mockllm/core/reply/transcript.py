"""The parts of a transcript beside its text: times, a language, speakers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

SECONDS_PER_CHARACTER: Final = 0.06
"""How long a character of a text takes to say."""
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")


class TranscriptSegment(Struct, frozen=True):
    """A part of a transcript. Times are seconds from the start of the audio; None: they follow from the texts."""

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


class Transcript(Struct, frozen=True):
    """The values that a scenario states of a transcript. `seconds` is the length of the audio."""

    language: str | None = None
    seconds: float | None = None
    segments: tuple[TranscriptSegment, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(segment.text.strip() for segment in self.segments)


class TimedText(Struct, frozen=True):
    """A text with its times, in seconds."""

    text: str
    start: float
    end: float
    speaker: str = "A"


def speech_seconds(text: str) -> float:
    """Return how long a text takes to say."""
    return round(len(text) * SECONDS_PER_CHARACTER, 2)


def timed_sentences(text: str, seconds: float) -> list[TimedText]:
    """Return the sentences of a text that takes so many seconds."""
    return list(_timed(_SENTENCE_END.split(text.strip()), seconds))


def timed_words(segments: Sequence[TimedText]) -> list[TimedText]:
    """Return the words of timed texts."""
    return [
        TimedText(
            word.text,
            round(segment.start + word.start, 2),
            round(segment.start + word.end, 2),
            segment.speaker,
        )
        for segment in segments
        for word in _timed(segment.text.split(), segment.end - segment.start)
    ]


def _timed(texts: Sequence[str], seconds: float) -> Iterator[TimedText]:
    """Yield texts with their shares of the time, by their lengths."""
    total, elapsed = max(1, sum(map(len, texts))), 0
    for text in texts:
        start, elapsed = elapsed, elapsed + len(text)
        if text:
            yield TimedText(text, round(seconds * start / total, 2), round(seconds * elapsed / total, 2))


def timed_segments(segments: Sequence[TranscriptSegment]) -> list[TimedText]:
    """Return the segments with all times: each begins where the one before it ends."""
    result: list[TimedText] = []
    for segment in segments:
        before = result[-1].end if result else 0.0
        start = before if segment.start is None else segment.start
        end = start + speech_seconds(segment.text) if segment.end is None else segment.end
        result.append(TimedText(segment.text.strip(), round(start, 2), round(end, 2), segment.speaker or "A"))
    return result
