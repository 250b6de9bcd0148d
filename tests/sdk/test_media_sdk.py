"""The OpenAI SDK with images, speech and transcriptions: its types accept every object, required fields included."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, AzureOpenAI, OpenAI, Stream
from openai.types import ImageEditStreamEvent, ImageGenStreamEvent, Video, VideoDeleteResponse
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
    TranslationVerbose,
)

from mockllm.core.media.audio import make_audio, wav_seconds
from mockllm.testing import MockLLM
from tests.sdk.test_required_fields_sdk import require

RULES = """
mockllm: 1
rules:
  - match: {api: transcriptions, form: {file: broken.wav}}
    reply: {chunks: [One, {error: server_error}]}
  - match: {api: videos, user: fails}
    reply: {chunks: [{error: content_filter}]}
    pace: {queued: 0s, in_progress: 0s}
  - match: {api: images, user: forbidden}
    error: content_filter
"""
WAV = ("a.wav", make_audio("wav", 2.0, "x"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockLLM]:
    folder: Path = tmp_path_factory.mktemp("media")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    with MockLLM(folder) as running:
        yield running


@pytest.fixture
def client(server: MockLLM) -> OpenAI:
    return OpenAI(base_url=f"{server.base_url}/v1", api_key="any", max_retries=0)


def raw(value: Any) -> Any:
    return value.to_dict()


def test_images_are_generated_edited_and_varied(client: OpenAI) -> None:
    built = client.images.generate(model="gpt-image-2", prompt="a cat", n=2, size="1024x1536")
    assert built.data is not None
    assert len(built.data) == 2
    png = ("a.png", b64decode(built.data[0].b64_json or ""))
    edited = client.images.edit(model="gpt-image-2", image=[png, png], prompt="with a hat")
    assert edited.usage is not None
    assert edited.usage.input_tokens_details.image_tokens > 0


def test_image_events_have_the_sdks_types(client: OpenAI) -> None:
    events = list(client.images.generate(model="gpt-image-2", prompt="x", stream=True, partial_images=1))
    assert [event.type for event in events] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    for event in events:
        require(ImageGenStreamEvent, raw(event))
    edits = client.images.edit(model="gpt-image-2", image=("a.png", b"x"), prompt="x", stream=True)
    assert isinstance(edits, Stream)
    for edit in edits:
        require(ImageEditStreamEvent, raw(edit))


def test_speech_is_written_to_a_file(client: OpenAI, tmp_path: Path) -> None:
    speaking = client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Hello there.", response_format="wav"
    )
    with speaking as response:
        response.stream_to_file(tmp_path / "a.wav")
    assert wav_seconds((tmp_path / "a.wav").read_bytes()) == 0.72


def test_transcripts_have_the_sdks_types(client: OpenAI) -> None:
    create = client.audio.transcriptions.create
    require(Transcription, raw(create(model="gpt-4o-transcribe", file=WAV, include=["logprobs"])))
    verbose = create(
        model="whisper-1",
        file=WAV,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    require(TranscriptionVerbose, raw(verbose))
    diarized = create(model="gpt-4o-transcribe-diarize", file=WAV, response_format="diarized_json")
    require(TranscriptionDiarized, raw(diarized))
    assert "-->" in str(create(model="whisper-1", file=WAV, response_format="srt"))


def test_transcript_events_have_the_sdks_types(client: OpenAI) -> None:
    create = client.audio.transcriptions.create
    for model, form in (("gpt-4o-transcribe", "json"), ("gpt-4o-transcribe-diarize", "diarized_json")):
        events = list(create(model=model, file=WAV, response_format=form, stream=True))  # type: ignore[call-overload]
        assert events[-1].type == "transcript.text.done"
        for event in events:
            require(TranscriptionStreamEvent, raw(event))


def test_translation_has_the_sdks_type(client: OpenAI) -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        translated = client.audio.translations.create(
            model="whisper-1", file=WAV, response_format="verbose_json"
        )
    require(TranslationVerbose, raw(translated))


def test_errors_reach_the_client(client: OpenAI) -> None:
    with pytest.raises(APIError, match="flagged"):
        client.images.generate(model="gpt-image-2", prompt="forbidden")
    stream = client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("broken.wav", b"x"), stream=True
    )
    with pytest.raises(APIError, match="had an error"):
        list(stream)


def test_azure_has_the_same_calls(server: MockLLM) -> None:
    azure = AzureOpenAI(azure_endpoint=server.base_url, api_key="any", api_version="2025-04-01-preview")
    built = azure.images.generate(model="gpt-image-2", prompt="a cat")
    assert built.data is not None
    assert built.data[0].b64_json
    assert azure.audio.speech.create(model="tts", voice="alloy", input="hi").content
    assert azure.audio.transcriptions.create(model="whisper-1", file=WAV).text.startswith("Hello")
    assert azure.images.edit(model="gpt-image-2", image=("a.png", b"x"), prompt="hat").data


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
def test_video_is_polled_and_downloaded(client: OpenAI) -> None:
    video = client.videos.create_and_poll(prompt="a dog", seconds="8", poll_interval_ms=100)
    require(Video, raw(video))
    assert (video.status, video.progress, video.seconds) == ("completed", 100, "8")
    assert client.videos.download_content(video.id).content[4:8] == b"ftyp"
    remix = client.videos.remix(video.id, prompt="at night")
    require(Video, raw(remix))
    assert remix.remixed_from_video_id == video.id
    assert [each.id for each in client.videos.list()][:2] == [remix.id, video.id]
    require(VideoDeleteResponse, raw(client.videos.delete(remix.id)))


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
def test_video_that_fails_has_an_error(client: OpenAI) -> None:
    video = client.videos.create_and_poll(prompt="fails", poll_interval_ms=50)
    require(Video, raw(video))
    assert video.error is not None
    assert video.error.code == "invalid_prompt"
