"""What the calls for media share: places in events, decoding, and media in replies of other protocols."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.dialects.gemini.dialects import IMAGEN
from mockllm.dialects.openai.provider import IMAGES, TRANSCRIPTIONS, VIDEOS
from tests.dialects.openai.media.forms import speech, transcript
from tests.language.virtual_server import VirtualServer, chat_request, raw_request, respond_once

MEDIA = "{audio: {duration: 1s}, video: {size: 16x16, duration: 1s}, text: Hi.}"


def plan_of(*payloads: Any, stream: bool = False) -> Plan:
    steps = tuple(EventStep(dumps(payload), 0, "body") for payload in payloads)
    return Plan(ResponseHead(200, ()), steps, Framing.SSE if stream else Framing.PLAIN)


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (plan_of({"text": "Hi."}), "Hi."),
        (plan_of({"type": "transcript.text.delta", "delta": "H"}, {"type": "x"}, stream=True), "H"),
        (plan_of({"created": 3, "data": []}), None),
        (
            plan_of({"created": 3, "data": [{"revised_prompt": "A cat."}, {"revised_prompt": "A cat."}]}),
            "A cat.",
        ),
    ],
)
def test_transcripts_and_images_are_decoded(plan: Plan, text: str | None) -> None:
    decoded = TRANSCRIPTIONS.decode(plan)
    assert decoded is not None
    assert decoded.text == text


def test_errors_are_decoded_and_other_bodies_are_not() -> None:
    decoded = IMAGES.decode(plan_of({"error": {"message": "no"}}))
    assert decoded is not None
    assert decoded.error == {"message": "no"}
    assert IMAGES.decode(plan_of([])) is None
    assert IMAGEN.decode(plan_of({})) is None


def test_encoding_key_is_the_request_itself() -> None:
    server = VirtualServer("rules: []")
    request = server.engine.read("POST", "/v1/videos", "", {}, b"{}", "", 0.0)
    assert VIDEOS.encoding_key(request) == IMAGEN.encoding_key(request) == b"{}"


def test_faults_of_form_act_on_events() -> None:
    rules = "rules: [{match: {api: %s}, reply: {}, faults: [{usage: {at: every}}]}]"
    assert speech(rules % "speech", stream_format="sse").status == 200
    assert transcript(rules % "transcriptions", stream="true").status == 200
    reported = "rules: [{match: {api: transcriptions}, reply: One two three., faults: [empty_chunk]}]"
    assert transcript(reported, stream="true").status == 200
    path = "/v1/publishers/google/models/imagen-4:predict"
    imagen = raw_request(path, {"instances": [{"prompt": "x"}]})
    assert respond_once("rules: [{match: {api: images}, stream: true, reply: {}, faults: [usage]}]", imagen)


def test_chat_leaves_out_audio_and_video_with_a_note() -> None:
    response = respond_once(f"rules: [{{reply: {MEDIA}}}]", chat_request())
    assert response.text == "Hi."
    assert "audio left out: the request wants none" in response.notes
    assert "video left out: chat of openai has none" in response.notes


def test_parts_may_be_media() -> None:
    rules = (
        "rules: [{reply: {parts: [Hi., {audio: {data: cGlj, mime_type: audio/ogg}}, {video: {data: dg==}}]}}]"
    )
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    response = respond_once(rules, raw_request("/v1beta/models/gemini-2.5-flash:generateContent", body))
    parts = response.json["candidates"][0]["content"]["parts"]
    assert [part.get("inlineData", {}).get("mimeType") for part in parts] == [None, "audio/ogg", "video/mp4"]


def test_size_of_a_template_is_that_of_the_request() -> None:
    rules = 'rules: [{match: {api: images}, reply: {images: [{size: "{{ user }}"}]}}]'
    body = {"model": "gpt-image-2", "prompt": "64x32"}
    response = respond_once(rules, raw_request("/v1/images/generations", body))
    assert response.status == 200


@pytest.mark.parametrize("size", ["abc", "-1x5", "100000x100000", "", "{{ 1 }}"])
@pytest.mark.parametrize("kind", ["images: [{size: '{{ user }}'}]", "video: {size: '{{ user }}'}"])
def test_size_of_a_template_that_does_not_fit_is_400(kind: str, size: str) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": size}]}]}
    path = "/v1beta/models/gemini-2.5-flash-image:generateContent"
    response = respond_once(f"rules: [{{reply: {{{kind}}}}}]", raw_request(path, body))
    assert response.status == 400
    assert "{{ user }} at s/a.yaml:1: expected a size such as 1024x768" in response.json["error"]["message"]


def test_video_of_a_rule_with_size_and_length_stays() -> None:
    rules = f"rules: [{{match: {{api: videos}}, reply: {MEDIA}}}]"
    server = VirtualServer(rules)
    built = server.respond(raw_request("/v1/videos", {"prompt": "x"}))
    assert built.json["status"] == "queued"
    assert VIDEOS.encode_body.__name__ == "encode_body"


def test_azure_checks_the_deployments_model() -> None:
    path = "/openai/deployments/gpt-image-1/images/generations"
    response = respond_once("rules: []", raw_request(path, {"prompt": "x", "size": "9x9"}))
    assert response.status == 400
