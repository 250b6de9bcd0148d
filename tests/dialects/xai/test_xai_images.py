"""xAI's images: the form is that of its REST reference and of public measurements of 2026."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.xai.images import XaiImageGenerations
from mockllm.dialects.xai.vendor import VENDOR
from tests.dialects.openai.media.forms import FILE, NO_RULES, form_request
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request, respond_once

RULES = """
rules:
  - {match: {provider: xai, api: images, user: storm}, error: {type: rate_limit, retry_after: 2s}}
  - match: {provider: xai, api: image*, user: own}
    reply: {images: [{data: cGlj, mime_type: image/png}, {size: 32x16}], text: A cat.}
  - {match: {api: image_edits, has_image: true, user: seen}, reply: {images: [{data: cGlj}]}}
  - {match: {api: images, user: uncounted}, reply: {}, faults: [no_usage]}
"""
SOURCE: Json = {"type": "image_url", "url": "https://localhost/a.png"}


def decode(body: bytes) -> DecodedResponse | None:
    plan = Plan(ResponseHead(200, ()), (EventStep(body, 0, "body"),))
    return XaiImageGenerations(VENDOR).decode(plan)


def images(call: str = "generations", rules: str = RULES, **fields: Json) -> ClientResponse:
    body = {"model": "grok-imagine-image", "prompt": "a cat", **fields}
    return respond_once(rules, raw_request(f"/xai/v1/images/{call}", body))


def jpeg_size(image: dict[str, Any]) -> tuple[int, int]:
    """The width and the height, which its frame header has."""
    data = b64decode(image["b64_json"])
    at = data.index(b"\xff\xc0") + 5
    return int.from_bytes(data[at + 2 : at + 4], "big"), int.from_bytes(data[at : at + 2], "big")


def test_image_without_a_rule_has_an_address() -> None:
    server = VirtualServer(NO_RULES)
    body = {"model": "grok-imagine-image", "prompt": "a cat"}
    response = server.respond(raw_request("/xai/v1/images/generations", body))
    assert response.status == 200
    assert "x-request-id" in response.headers
    assert list(response.json) == ["data", "usage"]
    (image,) = response.json["data"]
    assert (image["mime_type"], image["revised_prompt"]) == ("image/jpeg", "")
    assert response.json["usage"] == {"cost_in_usd_ticks": 200_000_000}
    path = image["url"].removeprefix("http://localhost:8080")
    served = server.respond(raw_request(path, method="GET"))
    assert served.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "16:9"}, (1408, 768)),
        ({"aspect_ratio": "9:19.5"}, (640, 1536)),
        ({"aspect_ratio": "auto", "resolution": "2k"}, (2048, 2048)),
        ({"aspect_ratio": "2:1", "resolution": "1.5k"}, (2112, 1152)),
    ],
)
def test_image_has_the_ratio_and_the_resolution(fields: dict[str, Json], size: tuple[int, int]) -> None:
    (image,) = images(response_format="b64_json", **fields).json["data"]
    assert "url" not in image
    assert jpeg_size(image) == size


def test_count_and_seed_determine_the_images() -> None:
    first = images(n=3, response_format="b64_json").json
    assert len({image["b64_json"] for image in first["data"]}) == 3
    assert first["usage"]["cost_in_usd_ticks"] == 600_000_000
    assert images(n=3, response_format="b64_json").json == first
    assert images(n=2).json == images(n=2).json


def test_edit_counts_its_sources() -> None:
    assert images("edits", image=SOURCE).json["usage"]["cost_in_usd_ticks"] == 220_000_000
    assert images("edits", images=[SOURCE, SOURCE]).json["usage"]["cost_in_usd_ticks"] == 240_000_000


def test_edit_has_an_image_for_rules() -> None:
    body = images("edits", prompt="seen", image=SOURCE, response_format="b64_json").json
    assert body["data"][0]["b64_json"] == "cGlj"


def test_rule_replies_with_its_images_and_prompt() -> None:
    first, second = images(prompt="own").json["data"]
    assert first == {
        "url": "data:image/png;base64,cGlj",
        "mime_type": "image/png",
        "revised_prompt": "A cat.",
    }
    assert second["url"].endswith("-32x16.jpeg")


def test_error_and_fault_of_a_rule_act() -> None:
    response = images(prompt="storm")
    assert (response.status, response.headers["retry-after"]) == (429, "2")
    assert isinstance(response.json["error"], str)
    assert list(images(prompt="uncounted").json) == ["data"]


def test_chat_rule_does_not_match_images() -> None:
    assert images(rules="rules: [{reply: hi}]").id == "openai:images"


def test_stream_is_no_field() -> None:
    assert len(images(stream=True).json["data"]) == 1


@pytest.mark.parametrize(
    ("call", "fields", "word"),
    [
        ("generations", {"prompt": None}, "prompt"),
        ("generations", {"prompt": 3}, "prompt"),
        ("generations", {"model": []}, "model"),
        ("generations", {"n": 11}, "n"),
        ("generations", {"n": "1"}, "n"),
        ("generations", {"aspect_ratio": "5:7"}, "5:7"),
        ("generations", {"aspect_ratio": 1}, "aspect_ratio"),
        ("generations", {"resolution": "4k"}, "4k"),
        ("generations", {"quality": "hd"}, "hd"),
        ("generations", {"response_format": "png"}, "png"),
        ("edits", {}, "image"),
        ("edits", {"image": "x"}, "image"),
        ("edits", {"image": {"url": 3}}, "image.url"),
        ("edits", {"image": {}}, "image.url"),
        ("edits", {"images": "x"}, "images"),
        ("edits", {"images": []}, "image"),
        ("edits", {"image": SOURCE, "mask": 3}, "mask"),
        ("edits", {"images": [SOURCE] * 6}, "images"),
        ("edits", {"images": ["x"]}, "images[0]"),
    ],
)
def test_wrong_request_is_refused(call: str, fields: dict[str, Json], word: str) -> None:
    response = images(call, **fields)
    assert response.status == 400
    assert response.json.keys() == {"code", "error"}
    assert word in response.json["error"]


def test_body_that_is_no_object_is_refused() -> None:
    assert respond_once(NO_RULES, raw_request("/xai/v1/images/generations", [])).status == 400


def test_form_of_an_edit_is_refused() -> None:
    request = form_request("/xai/v1/images/edits", {"image": FILE}, prompt="hat")
    assert respond_once(NO_RULES, request).status == 400


def test_unchecked_request_falls_back() -> None:
    rules = "{validation: off, rules: [{match: {api: image*}, reply: {}}]}"
    fields: dict[str, Json] = {"n": "x", "aspect_ratio": [], "resolution": {}, "images": "x", "prompt": None}
    for call in ("generations", "edits"):
        (image,) = images(call, rules, response_format="b64_json", **fields).json["data"]
        assert jpeg_size(image) == (1024, 1024)


@pytest.mark.parametrize(
    ("body", "text", "error"),
    [
        (b'{"data":[{"url":"x","mime_type":"image/jpeg","revised_prompt":"A cat."}]}', "A cat.", None),
        (b'{"code":"x","error":"No."}', None, {"code": "x", "error": "No.", "message": "No."}),
    ],
)
def test_response_is_read_back(body: bytes, text: str | None, error: Json) -> None:
    decoded = decode(body)
    assert decoded is not None
    assert (decoded.text, decoded.error) == (text, error)


def test_other_response_is_not_read() -> None:
    assert decode(b'{"data":[]}') is None


def test_sources_in_both_fields_add_up() -> None:
    response = images("edits", image=SOURCE, images=[SOURCE] * 4)
    assert response.json["usage"]["cost_in_usd_ticks"] == 300_000_000
    refused = images("edits", image=SOURCE, images=[SOURCE] * 5)
    assert (refused.status, "at most 5 images" in refused.json["error"]) == (400, True)


def test_prompt_has_a_bound() -> None:
    assert images(prompt="a" * 32_000).status == 200
    refused = images(prompt="a" * 32_001)
    assert (refused.status, "32000" in refused.json["error"]) == (400, True)


@pytest.mark.parametrize("field", ["deferred", "output", "storage_options"])
def test_field_without_an_effect_is_noted(field: str) -> None:
    sent: dict[str, Any] = {field: {}}
    response = images(**sent)
    assert response.status == 200
    assert field in response.notes
    assert field in images("edits", image=SOURCE, **sent).notes
    assert images(n=1, user="a").notes == ""
