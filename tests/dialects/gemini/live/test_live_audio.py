"""Audio in a Live session: detected speech, the activity of the client, transcripts, interruptions."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from mockllm.dialects.gemini.live import session as live
from tests.dialects.gemini.live.live_socket import QUIET, RULES, SOUND, LiveSocket, kinds, text


def test_speech_becomes_a_turn() -> None:
    opened = LiveSocket(model="models/scripted", inputAudioTranscription={})
    messages = opened.hear(SOUND, QUIET)
    assert messages[0] == {"serverContent": {"inputTranscription": {"text": "Stop that."}}}
    assert text(messages) == "Stop that.! Turn 1."


def test_speech_without_transcript_is_a_turn_too() -> None:
    opened = LiveSocket()
    assert text(opened.hear(SOUND, QUIET, mime="audio/pcm")) == "! Turn 1."


def test_two_speeches_in_one_message_are_two_turns() -> None:
    both = urlsafe_b64encode((b"\xfb\x3f" * 16 * 700 + b"\0\0" * 16 * 700) * 2).decode()
    messages = LiveSocket(model="models/scripted", inputAudioTranscription={}).hear(both)
    assert text(messages) == "Stop that.! Turn 1.Stop that.! Turn 2."


def test_speech_interrupts_the_model() -> None:
    opened = LiveSocket(model="models/scripted")
    opened.held.add(live.TURN)
    opened.say("slow")
    opened.held.clear()
    messages = opened.hear(SOUND, after=1.5)
    assert kinds(messages) == ["interrupted", "turnComplete"]
    assert text(opened.hear(QUIET)) == "Stop that.! Turn 2."


def test_speech_does_not_interrupt_where_declined() -> None:
    opened = LiveSocket(realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    opened.held.add(live.TURN)
    opened.say("slow")
    opened.held.clear()
    assert opened.hear(SOUND, QUIET) == []


def test_activity_of_the_client_replaces_detection() -> None:
    settings = {"automaticActivityDetection": {"disabled": True, "silenceDurationMs": "100"}}
    opened = LiveSocket(model="models/scripted", realtimeInputConfig=settings)
    assert opened.send({"realtimeInput": {"activityStart": {}}}) == []
    assert opened.hear(SOUND, QUIET) == []
    assert text(opened.send({"realtimeInput": {"activityEnd": {}}})) == "Stop that.! Turn 1."
    assert opened.send({"realtimeInput": {"activityEnd": {}}}) == []


def test_end_of_the_audio_ends_speech() -> None:
    opened = LiveSocket(model="models/scripted")
    assert opened.send({"realtimeInput": {"audioStreamEnd": True}}) == []
    opened.hear(SOUND)
    assert text(opened.send({"realtimeInput": {"audioStreamEnd": True}})) == "Stop that.! Turn 1."


def test_media_chunks_are_audio_or_images() -> None:
    opened = LiveSocket(model="models/scripted")
    chunks = [{"data": "", "mimeType": "image/png"}, {"data": SOUND, "mimeType": "audio/pcm"}]
    opened.send({"realtime_input": {"media_chunks": chunks}})
    opened.send({"realtimeInput": {"video": {"data": "", "mimeType": "image/jpeg"}}})
    assert text(opened.hear(QUIET)) == "Stop that.! Turn 1."


def test_audio_that_is_no_base64_closes_the_socket() -> None:
    opened = LiveSocket()
    opened.hear("é")
    assert opened.closes == [(1007, "Request contains an invalid argument.")]
    opened.send({"realtimeInput": {"audio": {"data": 7, "mimeType": "audio/pcm"}}})
    assert len(opened.closes) == 2


SCRIPT = """
  - match: {api: handshake}
    reply: {user_speech: [{start: 100ms, stop: 400ms, transcript: Hello.}, {start: 2s, stop: 3s, transcript: Bye.}]}
"""


def test_script_says_when_the_user_speaks() -> None:
    opened = LiveSocket(rules=RULES + SCRIPT, inputAudioTranscription={})
    messages = opened.hear(QUIET, QUIET)
    assert messages[0] == {"serverContent": {"inputTranscription": {"text": "Hello."}}}
    assert text(messages) == "Hello.! Turn 1."
    assert opened.hear(QUIET, QUIET) == []
    assert text(opened.send({"realtimeInput": {"audioStreamEnd": True}})) == "Bye.! Turn 2."
    assert opened.hear(QUIET, QUIET) == []


def test_failed_transcript_is_no_word_of_the_user() -> None:
    rules = "rules: [{match: {api: transcription}, error: rate_limit}, {reply: 'Heard <{{ user }}>.'}]"
    messages = LiveSocket(rules=rules, inputAudioTranscription={}).hear(SOUND, QUIET)
    assert "inputTranscription" not in kinds(messages)
    assert text(messages) == "Heard <>."
