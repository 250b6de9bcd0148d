"""A transcript in each format: JSON, verbose JSON, JSON with speakers, subtitles (SubRip and WebVTT).

Forms: `Transcription`, `TranscriptionVerbose` and `TranscriptionDiarized` of the SDK 3.52.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final
from zlib import crc32

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.core.reply.logprobs import token_logprobs
from mockllm.core.reply.reply import Reply
from mockllm.core.reply.transcript import (
    TimedText,
    Transcript,
    speech_seconds,
    timed_segments,
    timed_sentences,
    timed_words,
)
from mockllm.core.tokens import split
from mockllm.dialects.openai.media.transcription_request import LANGUAGES, AudioRequest

FIRST_TIMESTAMP: Final = 50_364
"""Whisper's token of the time 0; each further one is 20 ms later."""


class TimedTranscript(Struct, frozen=True):
    """The members of the response about the audio. `language` is a code or a name."""

    text: str
    seconds: float
    language: str
    segments: Sequence[TimedText]


def timed_transcript(reply: Reply, request: AudioRequest) -> TimedTranscript:
    """Return the transcript with its times: those of the scenario, of the upload, else of the text."""
    transcript = reply.transcript or Transcript()
    text = reply.choices[0].text
    stated = timed_segments(transcript.segments)
    seconds = (
        transcript.seconds or request.audio_seconds or (stated[-1].end if stated else speech_seconds(text))
    )
    language = transcript.language or request.language
    return TimedTranscript(text, round(seconds, 2), language, stated or timed_sentences(text, seconds))


def usage(reply: Reply, request: AudioRequest, timed: TimedTranscript) -> dict[str, Json]:
    """Return the usage: Whisper's is a duration, that of all others has tokens."""
    if request.is_whisper:
        return {"type": "duration", "seconds": ceil(timed.seconds)}
    counted = reply.usage
    words = min(counted.input, request.text_tokens)
    return {
        "type": "tokens",
        "total_tokens": counted.total,
        "input_tokens": counted.input,
        "input_token_details": {"text_tokens": words, "audio_tokens": counted.input - words},
        "output_tokens": counted.output,
    }


def logprobs(text: str, position: int = 0) -> list[Json]:
    """Return the probabilities of a text's tokens."""
    return [
        {"token": entry.token, "logprob": entry.logprob, "bytes": list(entry.token.encode())}
        for entry in token_logprobs(split(text), 0, position)
    ]


def languages(request: AudioRequest, timed: TimedTranscript) -> dict[str, Json]:
    """Return the languages, which one model detects."""
    return {"languages": [{"code": timed.language}]} if request.model == "gpt-transcribe" else {}


def json_body(reply: Reply, request: AudioRequest, timed: TimedTranscript) -> dict[str, Json]:
    body: dict[str, Json] = {"text": timed.text}
    if request.task == "translate":
        return body
    body |= languages(request, timed)
    if request.includes_logprobs and not request.is_whisper:
        body["logprobs"] = logprobs(timed.text)
    return {**body, "usage": usage(reply, request, timed)}


def verbose_body(reply: Reply, request: AudioRequest, timed: TimedTranscript) -> dict[str, Json]:
    body: dict[str, Json] = {
        "task": request.task,
        "language": LANGUAGES.get(timed.language, timed.language),
        "duration": timed.seconds,
        "text": timed.text,
    }
    if "word" in request.granularities:
        words = timed_words(timed.segments)
        body["words"] = [{"word": word.text, "start": word.start, "end": word.end} for word in words]
    if "segment" in request.granularities or request.task == "translate":
        body["segments"] = [_segment(number, segment) for number, segment in enumerate(timed.segments)]
    return body if request.task == "translate" else {**body, "usage": usage(reply, request, timed)}


def _segment(number: int, segment: TimedText) -> dict[str, Json]:
    """Return a segment; the tokens and the measures are invented, and equal for equal texts."""
    words = [crc32(token.encode()) % FIRST_TIMESTAMP for token in split(segment.text)]
    return {
        "id": number,
        "seek": 0,
        "start": segment.start,
        "end": segment.end,
        "text": f" {segment.text}",
        "tokens": [
            FIRST_TIMESTAMP + round(segment.start * 50),
            *words,
            FIRST_TIMESTAMP + round(segment.end * 50),
        ],
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 1.2,
        "no_speech_prob": 0.01,
    }


def diarized_segments(timed: TimedTranscript, ids: Ids) -> Iterator[dict[str, Json]]:
    """Yield the segments with their speakers."""
    for number, segment in enumerate(timed.segments):
        yield {
            "type": "transcript.text.segment",
            "id": ids.make("seg_", 24, str(number)),
            "start": segment.start,
            "end": segment.end,
            "text": segment.text,
            "speaker": segment.speaker,
        }


def diarized_body(reply: Reply, request: AudioRequest, timed: TimedTranscript, ids: Ids) -> dict[str, Json]:
    return {
        "task": request.task,
        "duration": timed.seconds,
        "text": timed.text,
        "segments": list(diarized_segments(timed, ids)),
        "usage": usage(reply, request, timed),
    }


def subtitles(segments: Sequence[TimedText], format: str) -> str:
    """Return the segments as SubRip (`srt`) or WebVTT (`vtt`)."""
    if format == "srt":
        cues = (
            f"{number}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{segment.text}\n\n"
            for number, segment in enumerate(segments, 1)
        )
        return "".join(cues)
    cues = (
        f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{segment.text}\n\n"
        for segment in segments
    )
    return "WEBVTT\n\n" + "".join(cues)


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, fraction = divmod(rest, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{point}{fraction:03}"
