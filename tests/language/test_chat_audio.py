"""Audio of a chat completion, which a request has among its modalities."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.randomness import Ids
from mockllm.core.reply.reply import Choice, Media, Reply, Text
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.chat.request import ChatRequest
from tests.language.virtual_server import chat_request, raw_request, respond_all, respond_once

RULES = "rules: [{reply: {text: Hello there., audio: {duration: 1s}}}]"
WAV: dict[str, Any] = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
PCM: dict[str, Any] = {**WAV, "audio": {"voice": "alloy", "format": "pcm16"}}


def test_message_has_audio_with_transcript() -> None:
    response = respond_once(RULES, chat_request(**WAV))
    message = response.choice["message"]
    audio = message["audio"]
    assert (message["content"], audio["transcript"]) == (None, "Hello there.")
    assert audio["id"].startswith("audio_")
    assert audio["expires_at"] == response.json["created"] + 3600
    assert b64decode(audio["data"])[:4] == b"RIFF"
    assert response.notes == ""


def test_audio_has_requested_format() -> None:
    lengths = [
        len(b64decode(respond_once(RULES, chat_request(**more)).choice["message"]["audio"]["data"]))
        for more in (PCM, WAV)
    ]
    assert lengths == [48_000, 48_044]


def test_audio_of_scenario_is_sent_as_it_is() -> None:
    data = b64encode(b"sound").decode()
    rules = f"rules: [{{reply: {{audio: {{data: {data}}}}}}}]"
    assert respond_once(rules, chat_request(**WAV)).choice["message"]["audio"]["data"] == data


def test_stream_has_transcript_then_audio_then_expiry() -> None:
    events = [event.json for event in respond_once(RULES, chat_request(stream=True, **PCM)).events[:-1]]
    deltas: list[Any] = [event["choices"][0]["delta"] for event in events]
    assert deltas[0] == {"role": "assistant", "content": None, "refusal": None}
    audio = [delta["audio"] for delta in deltas if "audio" in delta]
    assert len({each["id"] for each in audio}) == 1
    assert "".join(each.get("transcript", "") for each in audio) == "Hello there."
    parts = [each["data"] for each in audio if "data" in each]
    assert len(parts) > 1
    assert len(b64decode("".join(parts))) == 48_000
    assert audio[-1] == {"id": audio[0]["id"], "expires_at": events[0]["created"] + 3600}
    assert not any(delta.get("content") for delta in deltas)


def test_body_and_stream_have_the_same_audio() -> None:
    whole, stream = respond_all(RULES, chat_request(**PCM), chat_request(stream=True, **PCM))
    deltas = [event.json["choices"][0]["delta"] for event in stream.events[:-1]]
    data = "".join(delta.get("audio", {}).get("data", "") for delta in deltas)
    assert whole.choice["message"]["audio"]["data"] == data


def test_choice_has_its_first_audio_alone() -> None:
    rules = "rules: [{reply: {parts: [{audio: {data: AAAA}}, {text: mid}, {audio: {data: BBBB}}]}}]"
    whole, stream = respond_all(rules, chat_request(**PCM), chat_request(stream=True, **PCM))
    deltas = [event.json["choices"][0]["delta"] for event in stream.events[:-1]]
    data = [delta["audio"]["data"] for delta in deltas if "data" in delta.get("audio", {})]
    assert (whole.choice["message"]["audio"]["data"], data) == ("AAAA", ["AAAA"])
    assert whole.choice["message"]["audio"]["transcript"] == "mid"


def test_audio_of_no_duration_is_empty() -> None:
    rules = "rules: [{reply: {text: Hi., audio: {duration: 0s}}}]"
    assert respond_once(rules, chat_request(**PCM)).choice["message"]["audio"]["data"] == ""


@pytest.mark.parametrize("more", [{}, {"modalities": ["text"]}, {"modalities": ["audio"], "audio": None}])
def test_audio_that_no_request_wants_is_left_out(more: dict[str, Any]) -> None:
    response = respond_once("validation: off\n" + RULES, chat_request(**more))
    assert response.choice["message"]["content"] == "Hello there."
    assert "audio" not in response.choice["message"]
    assert response.notes == "audio left out: the request wants none"


def test_cached_response_has_audio_of_its_own_request() -> None:
    responses = respond_all(RULES, chat_request(), chat_request(**WAV), chat_request(**PCM), chat_request())
    sizes = [len(each.choice["message"].get("audio", {}).get("data", "")) for each in responses]
    assert sizes == [0, len(b64encode(bytes(48_044))), 64_000, 0]


def test_vendor_has_no_audio() -> None:
    body = {"model": "llama", "messages": [{"role": "user", "content": "hi"}], **WAV}
    response = respond_once(
        "validation: off\n" + RULES, raw_request("/groq/openai/v1/chat/completions", body)
    )
    assert "audio left out: chat of groq has none" in response.notes


@pytest.mark.parametrize("stream", [False, True])
def test_transcript_is_decoded_as_text(stream: bool) -> None:
    request = ChatRequest(
        method="POST", path="/v1/chat/completions", headers={}, raw=dumps({"model": "m", **WAV})
    )
    reply = Reply((Choice((Text(("Hi", " you")), Media("audio/wav", "aGk="))),))
    encode = CHAT.encode_stream if stream else CHAT.encode_body
    plan = encode(CHAT.supported_reply(reply, request), request, ResponseIdentity(Ids(0, "", 1), 1.0))
    decoded = CHAT.decode(plan)
    assert decoded is not None
    assert decoded.text == "Hi you"
