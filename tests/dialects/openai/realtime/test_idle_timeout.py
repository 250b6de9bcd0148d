"""The idle timeout of server VAD: a silent user gets a response after a time of silence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.openai.realtime.test_realtime_session import SOUND, RealtimeSocket, names
from tests.dialects.openai.realtime.test_user_speech import second, transcripts

RULES = """
rules:
  - {name: heard, match: {api: transcription, body: {$.transcript: ""}}, http: {body: ""}}
  - {name: words, match: {api: transcription}, http: {body: Hello.}}
  - {name: asks, match: {user: ""}, reply: "Are you there?"}
  - {name: answers, reply: "1234567890"}
"""
PLAYBACK = 600
"""Milliseconds of the audio of ten characters."""


def idle(**detection: Any) -> RealtimeSocket:
    """A session with an idle timeout of two seconds, whose first response was sent."""
    opened = RealtimeSocket(rules=RULES)
    vad = {"type": "server_vad", "idle_timeout_ms": 2000, **detection}
    opened.configure(audio={"input": {"turn_detection": vad}})
    assert transcripts(opened.hear(SOUND, second(1)))[-1:] == ["1234567890"]
    return opened


def test_silence_after_a_response_triggers_a_response() -> None:
    opened = idle()
    assert opened.hear(second(2.5)) == []
    events = opened.hear(second(2))
    assert names(events)[:5] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    start = 1700 + PLAYBACK
    assert (events[0]["audio_start_ms"], events[0]["audio_end_ms"]) == (start, start + 2000)
    assert events[0]["item_id"] == events[1]["item_id"] == events[2]["item"]["id"]
    assert transcripts(events) == ["Are you there?"]


def test_timeout_follows_each_response() -> None:
    opened = idle()
    played = len("Are you there?") * 60 / 1000
    assert transcripts(opened.hear(second(2.6))) == ["Are you there?"]
    assert opened.hear(second(played + 1.9)) == []
    assert transcripts(opened.hear(second(0.1))) == ["Are you there?"]


def test_no_timeout_before_the_first_response() -> None:
    opened = RealtimeSocket(rules=RULES)
    opened.configure(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 2000}}})
    assert opened.hear(*[second(1)] * 10) == []


def test_speech_ends_the_wait() -> None:
    opened = idle()
    events = opened.hear(second(2), SOUND)
    assert names(events) == ["input_audio_buffer.speech_started"]
    assert transcripts(opened.hear(second(1))) == ["1234567890"]
    assert opened.hear(second(2)) == []


def test_running_response_ends_the_wait() -> None:
    opened = idle()
    opened.held.add("response.create")
    opened.respond()
    assert opened.hear(*[second(1)] * 10) == []


def test_text_response_has_no_playback() -> None:
    opened = idle()
    opened.respond(output_modalities=["text"])
    assert opened.hear(second(1.9)) == []
    assert names(opened.hear(second(0.1)))[:1] == ["input_audio_buffer.timeout_triggered"]


def test_cancelled_response_has_its_sent_playback() -> None:
    opened = idle()
    opened.held.add("response.create")
    opened.respond()
    assert names(opened.send({"type": "response.cancel"}, 1.0))[-1:] == ["response.done"]
    opened.held.clear()
    assert opened.hear(second(2.5)) == []
    assert names(opened.hear(second(0.1)))[:1] == ["input_audio_buffer.timeout_triggered"]


@pytest.mark.parametrize(
    "detection",
    [
        {"idle_timeout_ms": None},
        {"idle_timeout_ms": 0},
        {"idle_timeout_ms": "2000"},
        {"type": "semantic_vad"},
    ],
)
def test_other_detection_has_no_timeout(detection: dict[str, Any]) -> None:
    opened = idle(**detection)
    assert opened.hear(*[second(1)] * 10) == []


def test_change_of_detection_ends_the_wait() -> None:
    opened = idle()
    opened.configure(audio={"input": {"turn_detection": None}})
    assert opened.hear(*[second(1)] * 5) == []
