"""Replies in speech from files, transcription sessions and client secrets, with the openai package."""

from __future__ import annotations

import array
import base64
import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_realtime_sdk import SILENCE, TONE, Talk

SCENARIO: Final = """
rules:
  - {name: heard, match: {api: transcription}, http: {body: "It rains today."}}
  - {name: same, match: {user: same}, reply: {text: Hello there., audio: {file: same.wav}}}
  - {name: slow, match: {user: slow}, reply: {text: Hello., audio: {file: slow.wav}}}
  - {name: alone, match: {user: alone}, reply: {audio: {file: same.wav}}}
  - {name: bad, match: {user: bad}, reply: {text: Hello., audio: {file: bad.wav}}}
"""


def recorded(rate: int, seconds: float, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as built:
        built.setnchannels(channels)
        built.setsampwidth(2)
        built.setframerate(rate)
        built.writeframes(array.array("h", [1000] * int(rate * seconds) * channels).tobytes())
    return file.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("realtime")
    (folder / "same.wav").write_bytes(recorded(24_000, 0.5))
    (folder / "slow.wav").write_bytes(recorded(8_000, 0.5, 2))
    (folder / "bad.wav").write_bytes(b"RIFF")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as running:
        yield running


def client(server: Live) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")


def audio_response(server: Live, text: str, **session: Any) -> tuple[bytes, Any]:
    """The audio of a response, and its last event."""
    with client(server).realtime.connect(model="gpt-realtime") as connection:
        talk = Talk(connection)
        if session:
            talk.configure(**session)
        content: Any = [{"type": "input_text", "text": text}]
        connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        connection.response.create()
        events = talk.until("response.done")
    deltas = [event.delta for event in events if event.type == "response.output_audio.delta"]
    return b"".join(map(base64.b64decode, deltas)), events[-1]


@pytest.mark.parametrize("text", ["same", "slow", "alone"])
def test_file_is_spoken_at_the_rate_of_the_session(text: str, server: Live) -> None:
    audio, last = audio_response(server, text)
    assert array.array("h", audio) == array.array("h", [1000] * 12_000)
    (content,) = last.response.output[0].content
    assert content.transcript == {"same": "Hello there.", "slow": "Hello.", "alone": ""}[text]


@pytest.mark.parametrize(
    ("text", "format", "why"),
    [
        ("bad", {"type": "audio/pcm", "rate": 24000}, "cannot be read"),
        ("same", {"type": "audio/pcmu"}, "only be sent as audio/pcm"),
    ],
    ids=["bad", "telephone"],
)
def test_unsuitable_audio_fails_with_the_reason(text: str, format: Any, why: str, server: Live) -> None:
    session = {"audio": {"output": {"format": format}}}
    audio, last = audio_response(server, text, **session)
    assert (audio, last.response.status) == (b"", "failed")
    assert why in last.response.status_details.error.message


def test_texts_of_a_session_without_audio_have_no_file(server: Live) -> None:
    audio, last = audio_response(server, "same", output_modalities=["text"])
    assert (audio, last.response.output[0].content[0].text) == (b"", "Hello there.")


@pytest.mark.parametrize("way", ["intent", "update"])
def test_transcription_session_has_transcripts_only(way: str, server: Live) -> None:
    query: Any = {"intent": "transcription"} if way == "intent" else {}
    with client(server).realtime.connect(model="gpt-realtime", extra_query=query) as connection:
        talk = Talk(connection)
        if way == "update":
            connection.session.update(session={"type": "transcription"})
            talk.started = talk.until("session.updated")[-1]
        assert talk.started.session.type == "transcription"
        talk.hear(TONE, SILENCE)
        events = talk.until("conversation.item.input_audio_transcription.completed")
        deltas = [each.delta for each in events if each.type.endswith("transcription.delta")]
        assert (deltas, events[-1].transcript) == (["It", " rains", " today."], "It rains today.")
        connection.response.create()
        assert "has no responses" in talk.until("error")[-1].error.message


@pytest.mark.parametrize("kind", ["realtime", "transcription"])
def test_client_secret_names_its_session(kind: Any, server: Live) -> None:
    session: Any = {"type": kind}
    built = client(server).realtime.client_secrets.create(session=session)
    assert built.value.startswith("ek_mock_")
    assert built.session.type == kind
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=built.value).realtime.connect(
        model="m"
    ) as opened:
        assert Talk(opened).started.type == "session.created"
