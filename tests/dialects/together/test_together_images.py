"""Together's images. Recorded in May 2026: a response with an address."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.together.images import TogetherImages, TogetherImagesRequest
from mockllm.dialects.together.vendor import VENDOR
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request, respond_once

PATH = "/together/v1/images/generations"
RULES = """
rules:
  - {match: {provider: together, api: images, user: storm}, error: {type: rate_limit, retry_after: 2s}}
  - {match: {provider: together, api: images, user: own}, reply: {images: [{data: cGlj, mime_type: image/png}]}}
"""


def images(**fields: Json) -> ClientResponse:
    body = {"model": "black-forest-labs/FLUX.2-max", "prompt": "a cat", **fields}
    wanted = {name: value for name, value in body.items() if value is not None}
    return respond_once(RULES, raw_request(PATH, wanted))


def test_image_has_a_place_a_time_and_an_address() -> None:
    server = VirtualServer(RULES)
    response = server.respond(raw_request(PATH, {"model": "m", "prompt": "x", "width": 64, "height": 32}))
    assert response.status == 200
    assert list(response.json) == ["id", "model", "object", "data"]
    assert (response.json["model"], response.json["object"]) == ("m", "list")
    (image,) = response.json["data"]
    assert list(image) == ["timings", "index", "url"]
    assert list(image["timings"]) == ["inference"]
    assert image["url"].endswith("-64x32.jpeg")
    served = server.respond(raw_request(image["url"].removeprefix("http://localhost:8080"), method="GET"))
    assert served.headers["content-type"] == "image/jpeg"


def test_images_may_be_base64() -> None:
    found = images(n=2, response_format="base64", output_format="png", stream=True).json["data"]
    assert [image["index"] for image in found] == [0, 1]
    assert all(image["b64_json"].startswith("iVBOR") for image in found)


def test_rule_decides_the_image() -> None:
    assert images(prompt="own").json["data"][0]["url"] == "data:image/png;base64,cGlj"
    storm = images(prompt="storm")
    assert (storm.status, "message" in storm.json["error"]) == (429, True)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"prompt": None}, "prompt"),
        ({"model": None}, "model"),
        ({"width": 0}, "width"),
        ({"steps": "x"}, "steps"),
    ],
)
def test_wrong_request_is_refused(fields: dict[str, Json], word: str) -> None:
    response = images(**fields)
    assert (response.status, word in response.json["error"]["message"]) == (400, True)


def test_a_form_that_is_unchecked_has_a_format() -> None:
    request = TogetherImagesRequest(method="POST", path="/", headers={})
    vars(request)["fields"] = {"output_format": "bmp", "width": "x"}
    assert (request.format, request.size) == ("jpeg", (1024, 1024))


def decode(body: bytes) -> DecodedResponse | None:
    plan = Plan(ResponseHead(200, ()), (EventStep(body, 0, "body"),))
    return TogetherImages(VENDOR).decode(plan)


def test_responses_are_decoded() -> None:
    assert decode(images().bytes) is not None
    storm = decode(images(prompt="storm").bytes)
    assert storm is not None
    assert storm.error is not None
    assert decode(b'{"object": "list"}') is None
