"""OpenRouter's call for images. Recorded in August 2026: the members of a response, and the usage."""

from __future__ import annotations

from base64 import b64decode

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.openrouter.images import OpenRouterImagesRequest
from tests.language.virtual_server import ClientResponse, raw_request, respond_once

RULES = """
rules:
  - {match: {provider: openrouter, api: images, user: storm}, error: {type: rate_limit, retry_after: 2s}}
  - {match: {provider: openrouter, api: images, user: own}, reply: {images: [{data: cGlj, mime_type: image/png}]}}
  - {match: {api: images, has_image: true, user: seen}, reply: {images: [{data: cGlj}]}}
  - {match: {api: images, user: uncounted}, reply: {}, faults: [no_usage]}
"""
REFERENCE: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64,cGlj"}}


def images(**fields: Json) -> ClientResponse:
    body = {"model": "google/gemini-3.1-flash-lite-image", "prompt": "a cat", **fields}
    wanted = {name: value for name, value in body.items() if value is not None}
    return respond_once(RULES, raw_request("/openrouter/api/v1/images", wanted))


def test_image_has_a_media_type_and_no_time() -> None:
    response = images()
    assert response.status == 200
    assert list(response.json) == ["created", "data", "usage"]
    assert response.json["created"] == 0
    assert response.headers["x-generation-id"].startswith("gen-img-")
    (image,) = response.json["data"]
    assert list(image) == ["b64_json", "media_type"]
    assert image["media_type"] == "image/jpeg"
    assert b64decode(image["b64_json"]).startswith(b"\xff\xd8")


def test_usage_is_that_of_a_chat() -> None:
    usage = images(input_references=[REFERENCE]).json["usage"]
    assert list(usage) == [
        *("prompt_tokens", "completion_tokens", "total_tokens", "cost", "is_byok"),
        *("prompt_tokens_details", "cost_details", "completion_tokens_details"),
    ]
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 0, "image_tokens": 1120}
    assert usage["prompt_tokens"] > 1120


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (1024, 1024)),
        ({"size": "64x32", "aspect_ratio": "2:1"}, (64, 32)),
        ({"size": "2K"}, (2048, 2048)),
        ({"resolution": "1K", "aspect_ratio": "4:1"}, (2048, 512)),
        ({"aspect_ratio": "auto"}, (1024, 1024)),
        ({"aspect_ratio": "odd"}, (1024, 1024)),
    ],
)
def test_size_follows_resolution_and_ratio(fields: dict[str, Json], size: tuple[int, int]) -> None:
    request = OpenRouterImagesRequest(method="POST", path="/", headers={})
    vars(request)["fields"] = fields
    assert request.size == size


def test_format_and_count_are_those_of_the_request() -> None:
    found = images(n=2, output_format="webp").json["data"]
    assert [image["media_type"] for image in found] == ["image/webp"] * 2
    assert images(output_format="svg").json["data"][0]["media_type"] == "image/png"


def test_stream_and_address_are_no_choice() -> None:
    (image,) = images(stream=True, response_format="url").json["data"]
    assert "b64_json" in image


def test_rule_decides_the_image() -> None:
    assert images(prompt="own").json["data"] == [{"b64_json": "cGlj", "media_type": "image/png"}]
    assert images(prompt="seen", input_references=[REFERENCE]).json["data"][0]["b64_json"] == "cGlj"
    assert list(images(prompt="uncounted").json) == ["created", "data"]
    storm = images(prompt="storm")
    assert (storm.status, storm.json["error"]["code"]) == (429, 429)


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"prompt": None}, "prompt"), ({"model": None}, "model"), ({"n": 11}, "n"), ({"stream": 1}, "stream")],
)
def test_wrong_request_is_refused(fields: dict[str, Json], word: str) -> None:
    response = images(**fields)
    assert (response.status, word in response.json["error"]["message"]) == (400, True)
