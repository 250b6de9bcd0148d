"""What the mistralai package makes of Mistral's transcriptions and speech."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockllm.core.media.audio import make_audio, wav_seconds
from tests.live import live as serve
from tests.sdk.loopback import loopback_only
from tests.sdk.test_required_fields_sdk import require

mistralai = pytest.importorskip("mistralai.client")

__all__ = ["loopback_only"]

SCENARIO = """
mockllm: 1
rules:
  - {match: {api: transcriptions, model: broken}, error: overloaded}
  - match: {api: transcriptions, form: {file: talk.wav}}
    reply:
      transcript:
        language: de
        segments: [{text: Guten Tag., speaker: agent}, {text: Hallo., speaker: caller}]
"""
MODEL = "voxtral-mini-latest"
TALK = {"file_name": "talk.wav", "content": make_audio("wav", 2.0, "x")}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("mistral")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with (
        serve(folder) as server,
        mistralai.Mistral(api_key="key", server_url=f"{server.url}/mistral") as client,
    ):
        yield client


def test_file_is_transcribed(client: Any) -> None:
    response = client.audio.transcriptions.complete(model=MODEL, file=TALK, language="en", temperature=0)
    assert (response.model, response.text, response.language) == (MODEL, "Guten Tag. Hallo.", "de")
    assert (response.usage.prompt_audio_seconds, response.segments) == (2, [])
    require(mistralai.models.TranscriptionResponse, response.model_dump(by_alias=True))


def test_segments_have_speakers_and_words_have_times(client: Any) -> None:
    response = client.audio.transcriptions.complete(
        model=MODEL, file=TALK, diarize=True, timestamp_granularities=["segment"], context_bias=["Tag"]
    )
    assert [segment.speaker_id for segment in response.segments] == ["agent", "caller"]
    assert [segment.text for segment in response.segments] == ["Guten Tag.", "Hallo."]
    response = client.audio.transcriptions.complete(
        model=MODEL, file=TALK, timestamp_granularities=["word"], speaker_references={"agent": "AAAA"}
    )
    assert [segment.text for segment in response.segments] == ["Guten", "Tag.", "Hallo."]
    assert response.segments[-1].end > response.segments[-1].start


def test_transcript_streams(client: Any) -> None:
    with client.audio.transcriptions.stream(
        model=MODEL, file=TALK, diarize=True, timestamp_granularities=["segment"]
    ) as stream:
        events = list(stream)
    assert [event.event for event in events] == [event.data.type for event in events]
    assert events[0].data.audio_language == "de"
    deltas = [event.data.text for event in events if event.event == "transcription.text.delta"]
    segments = [event.data for event in events if event.event == "transcription.segment"]
    assert [(segment.text, segment.speaker_id) for segment in segments] == [
        ("Guten Tag.", "agent"),
        ("Hallo.", "caller"),
    ]
    done = events[-1].data
    assert (done.text, "".join(deltas), len(done.segments)) == ("Guten Tag. Hallo.",) * 2 + (2,)
    assert done.usage.prompt_audio_seconds == 2


def test_stored_file_and_address_are_transcribed(client: Any) -> None:
    file = client.files.upload(file=TALK, purpose="audio")
    response = client.audio.transcriptions.complete(model=MODEL, file_id=file.id)
    assert (response.usage.prompt_audio_seconds, bool(response.text)) == (2, True)
    address = client.files.get_signed_url(file_id=file.id).url
    assert client.audio.transcriptions.complete(model=MODEL, file_url=address).text == response.text


def test_faulted_transcription_raises(client: Any) -> None:
    with pytest.raises(mistralai.errors.SDKError, match="503"):
        client.audio.transcriptions.complete(model="broken", file=TALK, retries=None)
    with pytest.raises(mistralai.errors.SDKError, match="file_id"):
        client.audio.transcriptions.complete(model=MODEL)


def test_speech_is_whole_or_streamed(client: Any) -> None:
    whole = client.audio.speech.complete(input="Hello there.", voice_id="one", response_format="wav")
    audio = b64decode(whole.audio_data)
    assert wav_seconds(audio) == pytest.approx(0.72)
    with client.audio.speech.complete(input="Hello there.", response_format="wav", stream=True) as stream:
        *deltas, done = [event.data for event in stream]
    assert b"".join(b64decode(event.audio_data) for event in deltas) == audio
    assert done.usage.total_tokens > 0
