"""Null fields of a Live session's messages, which count as absent."""

from __future__ import annotations

from tests.dialects.gemini.live.live_socket import QUIET, SOUND, LiveSocket, kinds, text


def test_null_settings_of_setup_are_not_set() -> None:
    opened = LiveSocket(open=False)
    audio = {"responseModalities": ["AUDIO"]}
    nulls = {"sessionResumption": None, "inputAudioTranscription": None, "outputAudioTranscription": None}
    setup = {"model": "models/m", "generationConfig": audio, **nulls}
    assert opened.send({"setup": setup}) == [{"setupComplete": {}}]
    sent = kinds(opened.say("one"))
    assert "modelTurn" in sent
    assert "outputTranscription" not in sent


def test_null_activity_is_no_activity() -> None:
    opened = LiveSocket()
    none = {"activityStart": None, "activityEnd": None}
    assert opened.send({"realtimeInput": {"activityStart": {}, "activityEnd": None}}) == []
    assert opened.send({"realtimeInput": {**none, "text": "two"}}) != []


def test_null_transcription_sends_no_words_of_the_user() -> None:
    opened = LiveSocket(open=False)
    setup = {"model": "models/scripted", "generationConfig": {"responseModalities": ["TEXT"]}}
    opened.send({"setup": {**setup, "inputAudioTranscription": None}})
    messages = opened.hear(SOUND, QUIET)
    assert "inputTranscription" not in kinds(messages)
    assert text(messages) != ""
