"""Long audio of a realtime client: decoded and examined in slices, between which the server serves others."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Generator
from typing import Any, TypeVar

import pytest

from mockllm.core.json.typed_values import decoded
from mockllm.core.rendering.websocket_session import SendMessages, ServeOthers
from mockllm.dialects import audio
from mockllm.dialects.audio import VoiceDetector, decode_in_slices
from tests.dialects.gemini.live.live_socket import LiveSocket
from tests.dialects.openai.realtime.test_realtime_session import RealtimeSocket
from tests.dialects.test_voice_detector import QUIET, SOUND

T = TypeVar("T")
SPEECH = SOUND * 700 + QUIET * 700 + SOUND * 700 + QUIET * 700
LONG = b64encode(SPEECH).decode()


def run(work: Generator[ServeOthers, None, T]) -> tuple[int, T]:
    """Return how often others were served, and the result."""
    pauses = 0
    try:
        while True:
            next(work)
            pauses += 1
    except StopIteration as end:
        return pauses, end.value


@pytest.mark.parametrize(
    ("text", "pauses"),
    [
        ("", 0),
        ("QUJDREVG", 0),
        ("QUJDREVGR0g=", 1),
        ("QUJDREVGR0hJSktMTU5PUA==", 2),
        ("QUJDREU=R0hJSktM", 0),
        ("QUJDREVGR0hJSktM?", 2),
        ("QUJDREVGR", 1),
        (7, 0),
    ],
)
def test_slices_are_decoded_as_the_whole(text: Any, pauses: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "BASE64_SLICE", 8)
    assert run(decode_in_slices(text)) == (pauses, decoded(text))


def test_slices_have_the_speech_of_the_whole() -> None:
    def react(change: str, at: int) -> list[SendMessages]:
        return [SendMessages((f"{change} {at}".encode(),))]

    pauses, actions = run(VoiceDetector().react_in_slices(SPEECH, react))
    assert pauses == len(SPEECH) // audio.AUDIO_SLICE
    assert actions == [found for each in VoiceDetector().process(SPEECH) for found in react(*each)]
    assert len(actions) == 4


def served(session: Any, message: Any) -> list[bool]:
    """For each action on a message: whether it lets others run."""
    return [isinstance(action, ServeOthers) for action in session.receive(json.dumps(message), 0.0)]


def test_long_audio_of_openai_lets_others_run_first() -> None:
    message = {"type": "input_audio_buffer.append", "audio": LONG}
    found = served(RealtimeSocket().session, message)
    assert found == [True] * 4 + [False] * (len(found) - 4)
    assert len(found) > 4


def test_long_audio_of_gemini_lets_others_run_first() -> None:
    blob = {"data": LONG, "mimeType": "audio/pcm;rate=24000"}
    found = served(LiveSocket().session, {"realtimeInput": {"audio": blob}})
    assert found == [True] * 5 + [False] * 2


def test_many_media_of_gemini_let_others_run() -> None:
    chunks = [{"data": "", "mimeType": mime} for mime in ("image/png", "audio/pcm")] * 3
    assert served(LiveSocket().session, {"realtimeInput": {"mediaChunks": chunks}}) == [True] * 6
