"""OpenAI's transcriptions and translations."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.media.audio import make_audio
from tests.dialects.openai.media.forms import transcript
from tests.language.virtual_server import raw_request, respond_once

SAYS = "rules: [{match: {api: transcriptions}, reply: 'One two. Three.'}]"
SPEAKERS = """
rules:
  - match: {api: transcriptions}
    reply:
      transcript:
        language: de
        duration: 9s
        segments: [{text: Guten Tag., speaker: agent}, {text: Hallo., start: 3s, end: 4s, speaker: caller}]
"""
WORDS: dict[str, Any] = {"timestamp_granularities[]": "word"}
WORDS_AND_SEGMENTS: dict[str, Any] = {"timestamp_granularities[]": ["word", "segment"]}
LOGPROBS: dict[str, Any] = {"include[]": "logprobs"}
TRANSLATIONS = "/v1/audio/translations"


def test_transcript_without_a_rule() -> None:
    body = transcript().json
    assert body["text"].startswith("Hello there.")
    assert body["usage"]["type"] == "tokens"


def test_audio_of_an_upload_counts() -> None:
    wav = make_audio("wav", 3.0, "x")
    body = transcript(file=wav, prompt="Names: Ada").json
    details = body["usage"]["input_token_details"]
    assert details["audio_tokens"] == 30
    assert details["text_tokens"] > 0
    assert transcript(file=wav, model="whisper-1").json["usage"] == {"type": "duration", "seconds": 3}


def test_formats_without_json() -> None:
    texts = {
        format: transcript(SAYS, model="whisper-1", response_format=format)
        for format in ("text", "srt", "vtt")
    }
    assert texts["text"].bytes == b"One two. Three.\n"
    assert texts["text"].headers["content-type"] == "text/plain; charset=utf-8"
    cue = "00:00:00,000 --> 00:00:00,510\nOne two.\n\n"
    assert texts["srt"].bytes.decode().startswith(f"1\n{cue}2\n")
    assert texts["vtt"].bytes.decode().startswith("WEBVTT\n\n" + cue.replace(",", "."))


def test_verbose_form_has_segments_or_words() -> None:
    verbose: dict[str, Any] = {"model": "whisper-1", "response_format": "verbose_json"}
    body = transcript(SAYS, **verbose, language="fr").json
    assert (body["language"], body["duration"], len(body["segments"])) == ("french", 0.9, 2)
    assert body["segments"][1]["text"] == " Three."
    both = transcript(SAYS, **verbose, **WORDS_AND_SEGMENTS).json
    assert [word["word"] for word in both["words"]] == ["One", "two.", "Three."]
    words = transcript(SAYS, **verbose, **WORDS).json
    assert "segments" not in words


def test_speakers_and_times_of_a_rule() -> None:
    diarized: dict[str, Any] = {"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json"}
    body = transcript(SPEAKERS, **diarized).json
    assert (body["text"], body["duration"]) == ("Guten Tag. Hallo.", 9)
    assert [(part["speaker"], part["start"]) for part in body["segments"]] == [("agent", 0), ("caller", 3)]
    events = [event.json for event in transcript(SPEAKERS, **diarized, stream="true").events]
    kinds = [event["type"] for event in events]
    assert kinds[-3:] == ["transcript.text.segment"] * 2 + ["transcript.text.done"]
    assert events[0]["segment_id"].startswith("seg_")


def test_stream_has_deltas_and_the_whole_text() -> None:
    response = transcript(SAYS, stream="true", **LOGPROBS)
    events = [event.json for event in response.events]
    deltas, done = events[:-1], events[-1]
    assert "".join(event["delta"] for event in deltas) == done["text"] == "One two. Three."
    assert [entry for event in deltas for entry in event["logprobs"]] == done["logprobs"]
    assert transcript(SAYS, **LOGPROBS).json["logprobs"] == done["logprobs"]


def test_whisper_does_not_stream() -> None:
    assert not transcript(SAYS, stream="true", model="whisper-1").streamed


def test_new_model_names_the_languages() -> None:
    both: dict[str, Any] = {"model": "gpt-transcribe", "languages[]": ["es", "en"]}
    assert transcript(SAYS, **both).json["languages"] == [{"code": "es"}]
    assert transcript(SAYS, **both, stream="true").events[-1].json["languages"] == [{"code": "es"}]


def test_translation_is_english() -> None:
    rules = "rules: [{match: {api: translations}, reply: {refusal: I cannot.}}]"
    assert transcript(rules, path=TRANSLATIONS, model="whisper-1").json == {"text": "I cannot."}
    verbose = transcript(path=TRANSLATIONS, model="whisper-1", response_format="verbose_json", language="de")
    assert (verbose.json["language"], verbose.json["task"]) == ("english", "translate")
    assert "usage" not in verbose.json


def test_error_in_a_stream_and_in_a_body() -> None:
    rules = "rules: [{match: {api: transcriptions}, reply: {chunks: [One, {error: server_error}]}}]"
    events = [event.json for event in transcript(rules, stream="true").events]
    assert [list(event) for event in events] == [["type", "delta"], ["error"]]
    assert transcript(rules).status == 500


def test_fault_of_usage() -> None:
    rules = "rules: [{match: {api: transcriptions}, reply: Hi., faults: [no_usage]}]"
    assert "usage" not in transcript(rules).json
    assert "usage" not in transcript(rules, stream="true").events[-1].json


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"response_format": "srt"},
            "response_format 'srt' is not compatible with model 'gpt-4o-transcribe'.",
        ),
        (
            {"model": "whisper-1", "response_format": "diarized_json"},
            "response_format 'diarized_json' is not",
        ),
        ({"temperature": "2"}, "Invalid 'temperature': decimal above maximum value."),
        ({"temperature": "warm"}, "Invalid type for 'temperature'"),
        ({"response_format": "doc"}, "Invalid value: 'doc'."),
    ],
)
def test_wrong_request_is_refused(fields: dict[str, Any], message: str) -> None:
    response = transcript(**fields)
    assert response.status == 400
    assert response.message.startswith(message)


def test_other_vendors_models_have_all_formats() -> None:
    assert transcript(model="own", response_format="srt").status == 200


def test_file_and_readable_body_are_needed() -> None:
    path = "/v1/audio/transcriptions"
    assert respond_once("rules: []", raw_request(path, {"model": "whisper-1"})).message.endswith("'file'.")
    assert respond_once("rules: []", raw_request(path, b"{")).status == 400


def test_recorded_format_falls_back_without_a_check() -> None:
    rules = "{validation: off, rules: [{match: {api: transcriptions}, reply: Hi.}]}"
    assert transcript(rules, response_format="doc").json["text"] == "Hi."


@pytest.mark.parametrize("number", ["1e300", "nan", "-inf"])
def test_huge_temperature_of_a_form_is_refused(number: str) -> None:
    assert transcript(temperature=number).status == 400
