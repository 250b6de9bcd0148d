"""This server's own responses, compared as those of a provider: nothing differs."""

from __future__ import annotations

import json
from functools import cache

import pytest

from mockllm.core.media.images import ImageSize, make_image
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS, GeneratingCall
from mockllm.drift.compared_exchange import ComparedExchange, compare_exchange
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.recordings.interaction import RecordedResponse
from tests.dialects.full_requests import calls
from tests.dialects.openai.batches.batch_requests import form
from tests.golden.other_calls import BLOB_DIGEST, FORM, WAV, WIRES, Step
from tests.golden.other_calls import RULES as OTHER_RULES
from tests.golden.test_other_calls import sent as sent_by
from tests.language.virtual_server import NOW, VirtualServer

RULES = {
    "validation": "off",
    "rules": [
        {"match": {"user": "fail"}, "error": "model_not_found"},
        {"reply": {"thinking": "Hm.", "text": "Hello.", "tool_calls": [{"name": "look", "arguments": {}}]}},
    ],
}


GEMINI_MODELS = "/v1beta/models"
PREDICTED = {"instances": [{"prompt": "a cat"}]}
MEDIA: list[Step] = [
    *(step for step in WIRES["openai-media"] if step.method == "POST" and step.golden != "speech"),
    *(step for step in WIRES["mistral-own"] if step.golden == "ocr"),
    Step("imagen", "POST", f"{GEMINI_MODELS}/imagen-4.0-generate-001:predict", PREDICTED),
    Step("veo", "POST", f"{GEMINI_MODELS}/veo-3.0-generate-001:predictLongRunning", PREDICTED),
]
"""Requests for media, whose responses are JSON or events."""


@cache
def server() -> VirtualServer:
    return VirtualServer(json.dumps(RULES))


def sent(call: GeneratingCall, user: str, *, stream: bool) -> EngineRequest:
    wire = call.dialect.build_request(NeutralRequest(user=user, stream=stream))
    path, _, query = wire.path.partition("?")
    headers = {name.lower(): value for name, value in wire.headers.items()}
    return server().engine.read("POST", path, query, headers, json.dumps(wire.body).encode(), "c", NOW)


def compared_with_itself(
    engine: Engine, request: EngineRequest, body: bytes | None = None
) -> ComparedExchange:
    """Return the comparison of the response to a request with itself; `body` replaces the provider's."""
    plan = engine.respond(request).plan
    frames = (RecordedFrame(0.0, sent_bytes(plan) if body is None else body),)
    live = RecordedResponse(plan.head.status, tuple(plan.head.headers), frames)
    compared = compare_exchange(engine, request, live)
    assert compared is not None
    return compared


def assert_same(call: GeneratingCall, user: str, *, stream: bool) -> None:
    """The response of a call does not differ from itself."""
    compared = compared_with_itself(server().engine, sent(call, user, stream=stream))
    assert (compared.f1, [*compared.differences]) == (1.0, [])


def read(engine: Engine, step: Step) -> EngineRequest:
    """Return the request of a step."""
    wire = sent_by(step, {})
    return engine.read(wire.method, wire.path, wire.query, dict(wire.headers), wire.body, "c", NOW)


@calls
@pytest.mark.parametrize("stream", [False, True])
def test_own_response_does_not_differ(call: GeneratingCall, stream: bool) -> None:
    assert_same(call, "hi", stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_own_error_of_gemini_does_not_differ(stream: bool) -> None:
    """A stream's error has the content type of a stream, and is JSON."""
    (call,) = (item for item in GENERATING_CALLS if item.name == "gemini-generate")
    assert_same(call, "fail", stream=stream)


@pytest.mark.parametrize("step", MEDIA, ids=lambda step: step.golden)
def test_own_media_do_not_differ(step: Step) -> None:
    engine = VirtualServer(OTHER_RULES).engine
    compared = compared_with_itself(engine, read(engine, step))
    assert (compared.f1, [*compared.differences]) == (1.0, [])


SPEECH = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "hi"}
WORDS = form({"model": "whisper-1", "response_format": "text"}, ("spoken.wav", WAV))
NO_JSON = [
    Step("speech", "POST", "/v1/audio/speech", SPEECH),
    Step("transcript", "POST", "/v1/audio/transcriptions", WORDS, headers=FORM),
]
"""Requests whose responses are neither JSON nor events."""


@pytest.mark.parametrize("step", NO_JSON, ids=lambda step: step.golden)
def test_own_response_without_json_does_not_differ(step: Step) -> None:
    engine = VirtualServer(OTHER_RULES).engine
    compared = compared_with_itself(engine, read(engine, step))
    assert (compared.f1, [*compared.differences]) == (1.0, [])


PICTURE = form(
    {"prompt": "a cat", "model": "gpt-image-2"}, ("a.png", make_image("png", ImageSize(8, 8), "x"))
)
SHAPES = ("json", "verbose_json", "srt", "vtt", "text")
PHRASED = [
    *(step for step in (*MEDIA, *NO_JSON) if step.golden not in ("ocr", "image-limited")),
    Step("image-url", "POST", "/v1/images/generations", {"model": "dall-e-3", "prompt": "a cat"}),
    Step(
        "edited", "POST", "/v1/images/edits", PICTURE.replace(b'name="file"', b'name="image"'), headers=FORM
    ),
    Step(
        "varied",
        "POST",
        "/v1/images/variations",
        PICTURE.replace(b'name="file"', b'name="image"'),
        headers=FORM,
    ),
    *(
        Step(
            f"{call}-{shape}",
            "POST",
            f"/v1/audio/{call}",
            form({"model": "whisper-1", "response_format": shape}, ("spoken.wav", WAV)),
            headers=FORM,
        )
        for call in ("transcriptions", "translations")
        for shape in SHAPES
    ),
    Step("video-edit", "POST", "/v1/videos/edits", {"prompt": "at night", "video": {"id": "video_1"}}),
    Step("video-remix", "POST", "/v1/videos/video_1/remix", {"prompt": "at night"}),
]
"""A request for each call for media, in each of its forms."""
PHRASES = [
    {"match": {"api": api}, "reply": "A phrase."}
    for api in (
        "images", "image_edits", "image_variations", "speech", "transcriptions", "translations", "videos",
        "video_edits", "video_remix",
    )
]  # fmt: skip


@pytest.mark.parametrize("step", PHRASED, ids=lambda step: step.golden)
def test_own_media_of_a_text_do_not_differ(step: Step) -> None:
    engine = VirtualServer(json.dumps({"rules": PHRASES})).engine
    request = read(engine, step)
    assert request.makes_media
    compared = compared_with_itself(engine, request)
    assert (compared.f1, [*compared.differences]) == (1.0, [])


def test_empty_body_as_own_does_not_differ() -> None:
    engine = VirtualServer(OTHER_RULES).engine
    request = read(engine, Step("blob", "POST", f"/api/blobs/{BLOB_DIGEST}", b"weights"))
    compared = compare_exchange(engine, request, RecordedResponse(201, (), ()))
    assert compared is not None
    assert (compared.f1, [*compared.differences]) == (1.0, [])


def test_json_in_place_of_audio_is_a_new_event() -> None:
    engine = VirtualServer(OTHER_RULES).engine
    compared = compared_with_itself(engine, read(engine, NO_JSON[0]), b'{"audio": ""}')
    assert [(each.kind, each.place) for each in compared.differences] == [("new event", "body")]


def test_empty_body_in_place_of_json_is_a_gone_event() -> None:
    engine = server().engine
    compared = compared_with_itself(engine, engine.read("GET", "/v1/models", "", {}, b"", "c", NOW), b"")
    assert [(each.kind, each.place) for each in compared.differences] == [("gone event", "body")]


def test_request_that_only_a_rule_answers_is_not_compared() -> None:
    """No server of MCP is described."""
    engine = server().engine
    request = engine.read("POST", "/mcp", "", {}, b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}', "c", NOW)
    response = RecordedResponse(200, (), (RecordedFrame(0.0, b"{}"),))
    assert compare_exchange(engine, request, response) is None
