"""No message ends a WebSocket by an exception: each field of each message has each JSON type, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from mockllm.core.json.codec import Json
from tests.dialects.full_requests import with_each_member
from tests.dialects.gemini.live import live_socket as live
from tests.dialects.openai.realtime import test_realtime_session as realtime
from tests.dialects.virtual_socket import VirtualSocket
from tests.examples import some

OTHERS: Final[tuple[Json, ...]] = (None, True, 3, -0.5, "x", [], [{}], {}, {"x": []})
DEPTH: Final = 6
"""As many objects are around the innermost replaced field: `session.audio.input.turn_detection.type`."""

TEXT: Final[Json] = {"type": "input_text", "text": "hi"}
INPUT_AUDIO: Final[Json] = {"type": "input_audio", "audio": "AAAA", "transcript": "hi"}
CALL: Final[Json] = {"type": "function", "name": "look", "parameters": {"type": "object"}}
ITEM: Final[dict[str, Json]] = {"id": "a", "type": "message", "role": "user", "content": [TEXT, INPUT_AUDIO]}
DETECTION: Final[Json] = {
    "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
    "idle_timeout_ms": 5000, "create_response": True, "interrupt_response": True,
}  # fmt: skip
FORMAT: Final[Json] = {"type": "audio/pcm", "rate": 24000}
AUDIO: Final[Json] = {
    "input": {"format": FORMAT, "transcription": {"model": "m"}, "noise_reduction": {"type": "near_field"},
              "turn_detection": DETECTION},
    "output": {"format": FORMAT, "voice": "marin", "speed": 1.0},
}  # fmt: skip
SESSION: Final[Json] = {
    "type": "realtime", "id": "sess", "model": "m", "instructions": "Be brief.", "tools": [CALL],
    "tool_choice": "auto", "max_output_tokens": 100, "output_modalities": ["text"], "audio": AUDIO,
}  # fmt: skip
RESPONSE: Final[Json] = {
    "conversation": "none", "input": [ITEM], "instructions": "Be brief.", "tools": [CALL], "tool_choice": "auto",
    "max_output_tokens": 5, "output_modalities": ["audio"], "metadata": {"a": "b"},
    "audio": {"output": {"format": FORMAT, "voice": "marin"}},
}  # fmt: skip
REALTIME: Final[tuple[dict[str, Json], ...]] = (
    {"type": "session.update", "event_id": "e", "session": SESSION},
    {"type": "conversation.item.create", "previous_item_id": "root", "item": ITEM},
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "c", "output": "x"},
    },
    {"type": "conversation.item.retrieve", "item_id": "a"},
    {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 1},
    {"type": "conversation.item.delete", "item_id": "a"},
    {"type": "input_audio_buffer.append", "audio": realtime.SOUND},
    {"type": "input_audio_buffer.commit"},
    {"type": "response.create", "response": RESPONSE},
)
BLOB: Final[Json] = {"data": live.SOUND, "mimeType": "audio/pcm;rate=16000"}
IMAGE: Final[Json] = {"data": "AAAA", "mimeType": "image/png"}
TURN: Final[Json] = {"role": "user", "parts": [{"text": "two", "thought": False}, {"inlineData": IMAGE}]}
RESULT: Final[Json] = {"id": "c1", "name": "look", "response": {"output": "a cat"}, "scheduling": "INTERRUPT"}
SETUP: Final[Json] = {
    "model": "models/m", "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "generationConfig": {"responseModalities": ["TEXT"], "thinkingConfig": {"includeThoughts": True}},
    "tools": [{"functionDeclarations": [{"name": "look", "behavior": "NON_BLOCKING", "parameters": {}}]}],
    "realtimeInputConfig": {
        "automaticActivityDetection": {"disabled": False, "silenceDurationMs": 100},
        "activityHandling": "NO_INTERRUPTION",
    },
    "inputAudioTranscription": {}, "outputAudioTranscription": {}, "sessionResumption": {"handle": ""},
}  # fmt: skip
LIVE: Final[tuple[dict[str, Json], ...]] = (
    {"setup": SETUP},
    {"clientContent": {"turns": [TURN], "turnComplete": True}},
    {"toolResponse": {"functionResponses": [RESULT]}},
    {"realtimeInput": {"activityStart": {}, "audio": BLOB, "mediaChunks": [BLOB], "activityEnd": {}}},
    {"realtimeInput": {"text": "hi", "video": IMAGE, "audioStreamEnd": True}},
)
MESSAGE: Final[Json] = {"type": "message", "role": "user", "content": [TEXT]}
RESPONSES: Final[tuple[dict[str, Json], ...]] = (
    {
        "type": "response.create", "stream_id": "s", "generate": True, "model": "m", "input": [MESSAGE],
        "previous_response_id": "resp_1", "store": False, "instructions": "Be brief.", "tools": [CALL],
        "tool_choice": "auto", "metadata": {"a": "b"}, "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"}, "text": {"format": {"type": "text"}},
    },
    {"type": "response.create", "model": "m", "input": "hi", "generate": False},
    {"type": "response.cancel", "stream_id": "s"},
    {"type": "response.processed", "response_id": "resp_1"},
)  # fmt: skip


def opened(kind: str) -> VirtualSocket:
    if kind == "live":
        return live.LiveSocket(open=False)
    rules, path = realtime.RULES, "/v1/realtime" if kind == "realtime" else "/v1/responses"
    return VirtualSocket(rules, path, "model=m")


def conversations(messages: tuple[dict[str, Json], ...]) -> Iterator[tuple[int, Json]]:
    """Yield one wrong message, and the number of right ones before it."""
    for place, message in enumerate(messages):
        for changed in with_each_member(message, OTHERS, DEPTH):
            yield place, changed


@pytest.mark.parametrize(
    ("kind", "messages"), [("realtime", REALTIME), ("live", LIVE), ("responses", RESPONSES)]
)
def test_field_of_another_type_raises_nothing(kind: str, messages: tuple[dict[str, Any], ...]) -> None:
    for place, wrong in some(conversations(messages)):
        socket = opened(kind)
        for message in (*messages[:place], wrong, *messages[place + 1 :]):
            try:
                socket.send(message)
            except Exception as error:
                pytest.fail(f"{wrong}, then {message}: {error!r}")
            if socket.closes:
                assert kind == "live", wrong
                assert socket.closes[0][0] in (1007, 1008), wrong
                break
