"""A realtime session whose user speaks by a script: turns, interruptions, settings of turn detection."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.dialects.openai.realtime.test_realtime_session import SOUND, RealtimeSocket, names

RULES = """
rules:
  - name: call
    match: {api: handshake, path: /v1/realtime, query: {model: m}}
    reply:
      user_speech:
        - {start: 400ms, stop: 1s, transcript: "{{ query.model }}?"}
        - {start: 3s, stop: 4s, transcript: Stop that.}
        - {start: 6s, stop: 7s}
  - {name: heard, match: {api: transcription, body: {$.transcript: {exists: false}}}, http: {body: By a rule.}}
  - {name: echo, reply: "{{ user }}!", pace: {itl: 1s}}
"""


def second(seconds: float) -> str:
    """Silence of so many seconds."""
    return b64encode(b"\0" * int(48_000 * seconds)).decode()


def opened_with(**detection: Any) -> RealtimeSocket:
    opened = RealtimeSocket(rules=RULES)
    if detection:
        opened.configure(audio={"input": {"turn_detection": {"type": "server_vad", **detection}}})
    return opened


def transcripts(events: list[Any]) -> list[str]:
    return [
        event["response"]["output"][0]["content"][0]["transcript"]
        for event in events
        if event["type"] == "response.done"
    ]


def test_script_makes_turns_of_silent_audio() -> None:
    opened = opened_with()
    opened.configure(audio={"input": {"transcription": {"model": "whisper-1"}}})
    events = opened.hear(second(1), second(1))
    assert names(events)[:7] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
    ]
    assert (events[0]["audio_start_ms"], events[1]["audio_end_ms"]) == (100, 1500)
    assert events[5]["transcript"] == "m?"
    assert transcripts(events) == ["m?!"]
    assert transcripts(opened.hear(second(3))) == ["Stop that.!"]


def test_speech_without_transcript_has_that_of_a_rule() -> None:
    opened = opened_with()
    assert transcripts(opened.hear(*[second(1)] * 8)) == ["m?!", "Stop that.!", "By a rule.!"]


def test_sound_is_ignored_where_a_script_is() -> None:
    assert "input_audio_buffer.speech_started" not in names(opened_with().hear(SOUND[:1000]))


def test_script_interrupts_a_response() -> None:
    opened = opened_with()
    opened.held.add("response.create")
    opened.hear(second(2))
    events = opened.hear(second(1.5), after=0.5)
    assert names(events) == ["input_audio_buffer.speech_started", "response.done"]
    assert events[1]["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}


def test_response_is_refused_while_one_may_not_be_interrupted() -> None:
    opened = opened_with(interrupt_response=False)
    opened.held.add("response.create")
    opened.hear(second(2))
    events = opened.hear(second(3))
    assert "response.done" not in names(events)
    assert events[-1]["error"]["code"] == "conversation_already_has_active_response"


def test_settings_of_turn_detection_hold_for_a_script() -> None:
    events = opened_with(silence_duration_ms=200, prefix_padding_ms=0, create_response=False).hear(second(2))
    assert (events[0]["audio_start_ms"], events[1]["audio_end_ms"]) == (400, 1200)
    assert "response.created" not in names(events)


def test_commit_of_the_client_has_the_words_so_far() -> None:
    opened = RealtimeSocket(rules=RULES)
    opened.configure(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
    assert opened.hear(second(4)) == []
    events = opened.send({"type": "input_audio_buffer.commit"})
    assert events[-1]["transcript"] == "m? Stop that."


def test_cleared_speech_is_over() -> None:
    opened = opened_with()
    assert names(opened.hear(second(0.5))) == ["input_audio_buffer.speech_started"]
    opened.send({"type": "input_audio_buffer.clear"})
    assert opened.hear(second(1.5)) == []


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_turn_detection_is_completed_by_its_defaults(kind: str) -> None:
    opened = opened_with()
    detection = opened.configure(audio={"input": {"turn_detection": {"type": kind}}})["audio"]["input"][
        "turn_detection"
    ]
    assert detection["create_response"] is detection["interrupt_response"] is True
    assert ("eagerness" in detection) == (kind == "semantic_vad")
    assert transcripts(opened.hear(second(2))) == ["m?!"]


@pytest.mark.parametrize("kind", ["none", 7, ["server_vad"]])
def test_unknown_turn_detection_is_an_error(kind: Any) -> None:
    message = {"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"type": kind}}}}}
    (event,) = opened_with().send(message)
    assert event["error"]["param"] == "session.audio.input.turn_detection.type"


@pytest.mark.parametrize("value", [-1, "200", True, None])
def test_odd_settings_of_turn_detection_are_the_defaults(value: Any) -> None:
    events = opened_with(silence_duration_ms=value, prefix_padding_ms=value, threshold=value).hear(second(2))
    assert (events[0]["audio_start_ms"], events[1]["audio_end_ms"]) == (100, 1500)
