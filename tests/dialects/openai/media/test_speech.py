"""OpenAI's speech."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.media.audio import AUDIO_TYPES, wav_seconds
from mockllm.core.rendering.plan import CutStep
from tests.dialects.openai.media.forms import speech
from tests.language.virtual_server import VirtualServer, raw_request, respond_once


@pytest.mark.parametrize("format", AUDIO_TYPES)
def test_speech_has_the_requested_format(format: str) -> None:
    response = speech(response_format=format)
    assert response.headers["content-type"] == AUDIO_TYPES[format]
    assert response.bytes


def test_speech_lasts_as_long_as_its_text_takes() -> None:
    text = "x" * 100
    assert wav_seconds(speech(input=text, response_format="wav").bytes) == 6.0
    assert wav_seconds(speech(input=text, response_format="wav", speed=2).bytes) == 3.0


def test_rule_sets_text_length_or_bytes() -> None:
    rules = """
    rules:
      - {match: {api: speech, user: long}, reply: {audio: {duration: 4s}}}
      - {match: {api: speech, user: said}, reply: "Fifty characters take three seconds of audio here."}
      - {match: {api: speech, user: file}, reply: {audio: {data: UklGRg==, mime_type: audio/x-own}}}
      - {match: {api: speech, user: bad}, reply: {audio: {data: "?"}}}
    """
    assert wav_seconds(speech(rules, input="long", response_format="wav").bytes) == 4.0
    assert wav_seconds(speech(rules, input="said", response_format="wav").bytes) == 3.0
    own = speech(rules, input="file")
    assert (own.bytes, own.headers["content-type"]) == (b"RIFF", "audio/x-own")
    assert speech(rules, input="bad").bytes == b""


def test_bytes_come_in_paced_chunks() -> None:
    rules = "rules: [{match: {api: speech}, reply: {audio: {duration: 2s}}, pace: {ttft: 1s, itl: 500ms}}]"
    response = speech(rules, response_format="wav")
    assert [at for at, _ in response.timed_bytes] == [1, 1.5, 2, 2.5]
    assert response.streamed


def test_events_have_the_same_bytes() -> None:
    events = [event.json for event in speech(stream_format="sse").events]
    audio = b"".join(b64decode(event["audio"]) for event in events[:-1])
    assert audio == speech().bytes
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert events[-1]["type"] == "speech.audio.done"
    assert set(events[-1]["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}


def test_stated_usage_is_sent() -> None:
    rules = "rules: [{match: {api: speech}, reply: {usage: {output_tokens: 9}}}]"
    assert speech(rules, stream_format="sse").events[-1].json["usage"]["output_tokens"] == 9


def test_scenario_may_send_the_audio_in_one_event() -> None:
    rules = "rules: [{match: {api: speech}, stream: false, reply: {}}]"
    assert speech(rules).bytes == speech().bytes
    assert not speech(rules).streamed


def test_error_after_a_chunk_is_an_event_or_a_cut() -> None:
    fault = "{error_event: {type: server_error, after: {chunks: 1}}}"
    rules = f"rules: [{{match: {{api: speech}}, reply: {{}}, faults: [{fault}]}}]"
    events = [event.json for event in speech(rules, stream_format="sse").events]
    assert [list(event) for event in events] == [["type", "audio"], ["error"]]


def test_error_between_bytes_cuts_the_connection() -> None:
    rules = "rules: [{match: {api: speech}, reply: {chunks: [{error: server_error}]}}]"
    fields = {"model": "tts-1", "voice": "alloy", "input": "hi"}
    server = VirtualServer(rules)
    request = server.engine.read("POST", "/v1/audio/speech", "", {}, dumps(fields), "", 0.0)
    steps = server.engine.respond(request).plan.steps
    assert [type(step) for step in steps] == [CutStep]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"voice": None}, "Missing required parameter: 'voice'."),
        ({"input": "x" * 4097}, "Invalid 'input': string too long."),
        ({"speed": 9}, "Invalid 'speed': decimal above maximum value."),
        ({"response_format": "ogg"}, "Invalid value: 'ogg'."),
        (
            {"model": "tts-1", "stream_format": "sse"},
            "stream_format 'sse' is not supported for model 'tts-1'.",
        ),
    ],
)
def test_wrong_request_is_refused(body: dict[str, Any], message: str) -> None:
    response = speech(**body)
    assert response.status == 400
    assert response.message.startswith(message)


def test_unreadable_body_is_refused_or_spoken() -> None:
    assert respond_once("rules: []", raw_request("/v1/audio/speech", b"[]")).status == 400
    rules = "{validation: off, rules: [{match: {api: speech}, reply: {}}]}"
    fields = {"speed": "fast", "response_format": "ogg"}
    assert (
        respond_once(rules, raw_request("/v1/audio/speech", fields)).headers["content-type"] == "audio/mpeg"
    )
