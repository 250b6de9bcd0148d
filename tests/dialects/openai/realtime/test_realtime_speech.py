"""The audio of a reply in a realtime session: its rate, its parts, what is refused; and sessions for transcripts."""

from __future__ import annotations

import io
import wave
from array import array
from base64 import b64decode, b64encode
from typing import Any

import pytest

from mockllm.core.reply.reply import Choice, Media, Reply, Text
from mockllm.dialects.openai.realtime.speech import ReplySpeech, UnsuitableAudio, speech_of
from tests.dialects.openai.realtime.test_realtime_session import QUIET, SOUND, RealtimeSocket, names
from tests.language.virtual_server import VirtualServer, raw_request


def wav(samples: list[int], rate: int = 24_000, channels: int = 1, width: int = 2) -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as built:
        built.setnchannels(channels)
        built.setsampwidth(width)
        built.setframerate(rate)
        built.writeframes(array("h", samples).tobytes())
    return b64encode(file.getvalue()).decode()


def reported(audio: Media, *texts: str, format: str = "audio/pcm") -> list[int]:
    speech = speech_of(Reply((Choice((*(Text((text,)) for text in texts), audio)),)), format)
    assert speech is not None
    return array("h", b64decode(speech.rest())).tolist()


def test_rate_of_a_file_becomes_that_of_the_session() -> None:
    assert reported(Media("audio/wav", wav([0, 300], 8_000)), "a") == [0, 100, 200, 300, 300, 300]
    assert reported(Media("audio/wav", wav([0, 1, 2, 3], 48_000)), "a") == [0, 2]
    assert reported(Media("audio/wav", wav([], 8_000)), "a") == []


def test_channels_of_a_file_become_one() -> None:
    assert reported(Media("audio/wav", wav([0, 100, 50, 150], channels=2))) == [50, 100]


def test_pcm_is_sent_as_it_is() -> None:
    assert reported(Media("audio/pcm", b64encode(b"\x01\x00\x02").decode())) == [1]


@pytest.mark.parametrize(
    ("audio", "format", "message"),
    [
        (Media("audio/mpeg", ""), "audio/pcm", "a WAV or PCM file, not audio/mpeg"),
        (Media("audio/wav", b64encode(b"RIFF").decode()), "audio/pcm", "cannot be read"),
        (Media("audio/wav", wav([0], width=1)), "audio/pcm", "samples of 8 bits"),
        (Media("audio/wav", wav([0])), "audio/pcma", "can only be sent as audio/pcm"),
    ],
)
def test_unsuitable_audio_is_refused(audio: Media, format: str, message: str) -> None:
    with pytest.raises(UnsuitableAudio, match=message):
        reported(audio, format=format)


def test_parts_of_the_text_get_their_parts_of_the_audio() -> None:
    speech = ReplySpeech(array("h", range(8)).tobytes(), 4)
    parts = [speech.part(1), speech.part(2), speech.part(3), speech.rest()]
    assert [array("h", b64decode(part)).tolist() for part in parts] == [[0, 1], [2, 3, 4, 5], [6, 7], []]


def test_reply_without_choices_has_no_audio() -> None:
    assert speech_of(Reply(()), "audio/pcm") is None


AUDIO = f"rules: [{{reply: {{text: Hi you., audio: {{data: {wav([7] * 600)}, mime_type: audio/wav}}}}}}]"


def test_reply_with_audio_sends_all_of_it() -> None:
    session = RealtimeSocket(rules=AUDIO)
    session.add("x")
    events = session.respond()
    sent = b"".join(
        b64decode(each["delta"]) for each in events if each["type"] == "response.output_audio.delta"
    )
    assert array("h", sent).tolist() == [7] * 600
    assert events[-1]["response"]["output"][0]["content"][0]["transcript"] == "Hi you."


def test_audio_alone_is_speech_without_a_text() -> None:
    session = RealtimeSocket(rules=AUDIO.replace("text: Hi you., ", ""))
    session.add("x")
    events = session.respond()
    (sent,) = (each["delta"] for each in events if each["type"] == "response.output_audio.delta")
    assert len(b64decode(sent)) == 1200


def test_unsuitable_audio_ends_the_response_as_failed() -> None:
    session = RealtimeSocket(rules=AUDIO.replace("audio/wav", "audio/mpeg"))
    response = session.say("x")
    assert response["status"] == "failed"
    assert "audio/mpeg" in response["status_details"]["error"]["message"]


def test_session_of_texts_leaves_the_audio_out() -> None:
    session = RealtimeSocket(rules=AUDIO)
    session.configure(output_modalities=["text"])
    assert session.say("x")["output"][0]["content"] == [{"type": "output_text", "text": "Hi you."}]


@pytest.mark.parametrize("begun", ["intent", "update"])
def test_transcription_session_sends_words_and_no_response(begun: str) -> None:
    rules = 'rules: [{match: {api: transcription}, http: {body: "It rains."}}, {reply: x}]'
    session = RealtimeSocket("intent=transcription" if begun == "intent" else "model=m", rules)
    changed = session.configure(type="transcription", include=["x"])
    assert (changed["type"], changed["include"]) == ("transcription", ["x"])
    events = session.hear(SOUND, QUIET)
    assert [each["delta"] for each in events if each["type"].endswith("transcription.delta")] == [
        "It",
        " rains.",
    ]
    assert not [name for name in names(events) if name.startswith("response.")]
    assert session.respond()[-1]["error"]["code"] == "invalid_value"


def test_response_that_waits_ends_with_the_realtime_session() -> None:
    session = RealtimeSocket()
    session.held.add("transcription")
    session.hear(SOUND, QUIET)
    session.configure(type="transcription")
    assert session.session.ended("transcription", None) == ()


@pytest.mark.parametrize(("kind", "model"), [("realtime", "gpt-realtime"), ("transcription", None)])
def test_client_secret_has_the_settings_of_its_session(kind: str, model: str | None) -> None:
    body: dict[str, Any] = {"session": {"type": kind, "include": ["x"]}, "expires_after": {"seconds": 60}}
    sent = raw_request("/v1/realtime/client_secrets", body, headers={"content-type": "application/json"})
    got = VirtualServer("use: [default]").respond(sent).json
    assert got["value"].startswith("ek_mock_")
    assert (got["session"]["type"], got["session"].get("model"), got["session"]["include"]) == (
        kind,
        model,
        ["x"],
    )
