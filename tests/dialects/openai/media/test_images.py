"""OpenAI's images."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from tests.dialects.openai.media.forms import FILE, NO_RULES, form_request, images
from tests.language.virtual_server import VirtualServer, diagnostics_of, raw_request, respond_once

QUALITIES = "Supported values are: 'low', 'medium', 'high', and 'auto'."
NO_INTEGER = (
    "Invalid type for 'n': expected an integer, "
    "but got a string value that could not be converted into an integer."
)


def test_image_without_a_rule_is_generated() -> None:
    response = images(size="1536x1024")
    body = response.json
    assert response.status == 200
    assert b64decode(body["data"][0]["b64_json"])[:4] == b"\x89PNG"
    assert (body["size"], body["quality"], body["background"]) == ("1536x1024", "medium", "opaque")
    assert body["usage"]["output_tokens"] == 1568


def test_count_format_and_background_are_as_requested() -> None:
    body = images(n=3, output_format="webp", background="transparent", quality="high").json
    data = [b64decode(image["b64_json"]) for image in body["data"]]
    assert len(set(data)) == 3
    assert {image[8:12] for image in data} == {b"WEBP"}
    assert (body["background"], body["usage"]["output_tokens"]) == ("transparent", 3 * 4160)


def test_unknown_format_and_size_fall_back_without_a_check() -> None:
    rules = "{validation: off, rules: [{match: {api: images}, reply: {}}]}"
    response = respond_once(
        rules, raw_request("/v1/images/generations", {"output_format": "gif", "n": "x", "size": 3})
    )
    assert response.json["size"] == "1024x1024"
    assert response.json["output_format"] == "png"


def test_rule_of_a_chat_does_not_match_images() -> None:
    assert images("rules: [{reply: hi}]").id == "openai:images"


def test_rule_replies_with_its_images_and_prompt() -> None:
    rules = """
    rules:
      - match: {api: images, user: {contains: cat}}
        reply: {images: [{data: cGlj}, {size: 32x16}], text: A cat.}
    """
    body = images(rules).json
    first, second = body["data"]
    assert (first["b64_json"], first["revised_prompt"]) == ("cGlj", "A cat.")
    assert b64decode(second["b64_json"])[16:24] == b"\x00\x00\x00\x20\x00\x00\x00\x10"
    assert images(rules, prompt="a dog").id == "openai:images"


def test_stated_usage_and_members_are_sent() -> None:
    rules = """
    rules:
      - match: {api: images}
        reply: {usage: {input_tokens: 5, output_tokens: 7}, extras: {openai: {svg_usage: null}}}
    """
    body = images(rules).json
    assert (body["usage"]["total_tokens"], body["svg_usage"]) == (12, None)


def test_stream_has_partial_images_and_the_image() -> None:
    response = images(stream=True, partial_images=2)
    events = [event.json for event in response.events]
    assert [event["type"] for event in events] == [
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert [event.get("partial_image_index") for event in events] == [0, 1, None]
    assert [event.name for event in response.events] == [event["type"] for event in events]
    assert events[-1]["usage"]["output_tokens"] == 1056
    assert len({event["b64_json"] for event in events}) == 3


def test_pace_is_between_the_images_of_a_stream() -> None:
    rules = "rules: [{match: {api: images}, reply: {}, pace: {ttft: 1s, itl: 2s}}]"
    times = [event.at for event in images(rules, stream=True, partial_images=2).events]
    assert times == [1, 3, 5]


def test_pace_of_a_modifier_holds_without_a_rule() -> None:
    rules = "modifiers: [{match: {api: images}, pace: {ttft: 3s}}]"
    assert [event.at for event in images(rules, stream=True).events] == [3]


def test_fault_cuts_a_stream_behind_a_partial_image() -> None:
    rules = """
    rules: [{match: {api: images}, reply: {}, faults: [{error_event: {type: server_error, after: {chunks: 1}}}]}]
    """
    events = [event.json for event in images(rules, stream=True, partial_images=2).events]
    assert [event.get("type") for event in events] == ["image_generation.partial_image", None]
    assert events[-1]["error"]["type"] == "server_error"


def test_error_of_a_script_leaves_no_image() -> None:
    rules = "rules: [{match: {api: images}, reply: {chunks: [{error: server_error}]}}]"
    events = [event.json for event in images(rules, stream=True).events]
    assert list(events[0]) == ["error"]
    assert images(rules).status == 500


def test_fault_of_usage_acts_on_both_forms() -> None:
    rules = "rules: [{match: {api: images}, reply: {}, faults: [no_usage]}]"
    assert "usage" not in images(rules).json
    assert "usage" not in images(rules, stream=True).events[-1].json


def test_edit_reads_a_form() -> None:
    request = form_request(
        "/v1/images/edits", {"image[]": FILE, "mask": FILE}, prompt="hat", n="2", stream="no"
    )
    rules = """
    validation: lenient
    rules:
      - match: {api: image_edits, has_image: true, form: {prompt: hat}, body: {"$.image[0].filename": a.png}}
        reply: {}
    """
    body = respond_once(rules, request).json
    assert len(body["data"]) == 2
    assert body["usage"]["input_tokens_details"]["image_tokens"] == 2 * 194


def test_edit_streams_its_own_events() -> None:
    request = form_request(
        "/v1/images/edits", {"image": FILE}, prompt="hat", stream="true", partial_images="1"
    )
    types = [event.json["type"] for event in respond_once(NO_RULES, request).events]
    assert types == ["image_edit.partial_image", "image_edit.completed"]


def test_repeated_fields_of_a_form_are_a_list() -> None:
    request = form_request("/v1/images/edits", {"image": FILE}, prompt=["a", "b"], n="x", nothing="")
    assert "expected a string, but got an array" in respond_once(NO_RULES, request).message


def test_variation_has_an_address_that_serves_the_image() -> None:
    server = VirtualServer(NO_RULES)
    request = form_request("/v1/images/variations", {"image": FILE}, size="256x256")
    url = server.respond(request).json["data"][0]["url"]
    path = url.removeprefix("http://localhost:8080")
    response = server.respond(raw_request(path, method="GET"))
    assert response.headers["content-type"] == "image/png"
    assert response.bytes[16:24] == b"\x00\x00\x01\x00" * 2
    for wrong in ("x.png", "x-1x1.gif"):
        assert server.respond(raw_request(f"/v1/images/files/{wrong}", method="GET")).status == 404


def test_file_of_a_rule_has_a_data_address() -> None:
    rules = "rules: [{match: {api: images}, reply: {images: [{data: cGlj, mime_type: image/gif}]}}]"
    body = images(rules, model="dall-e-3").json
    assert body["data"] == [{"url": "data:image/gif;base64,cGlj"}]
    assert "usage" not in body


def test_model_of_another_maker_may_name_a_response_format() -> None:
    """Load generators send it to every model."""
    sent = {"model": "flux", "prompt": "a cat", "response_format": "b64_json"}
    assert respond_once("rules: []", raw_request("/v1/images/generations", sent)).status == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt": None}, "Invalid type for 'prompt': expected a string, but got null instead."),
        ({"prompt": "", "n": 0}, "Invalid 'prompt': empty string."),
        ({"n": 0.5}, "Invalid type for 'n': expected an integer, but got a decimal number instead."),
        ({"output_compression": 101, "quality": "ultra"}, f"Invalid value: 'ultra'. {QUALITIES}"),
        ({"quality": "hd"}, f"Invalid value: 'hd'. {QUALITIES}"),
        (
            {"quality": 3},
            "Invalid type for 'quality': expected one of 'low', 'medium', 'high', or 'auto', but",
        ),
        ({"moderation": "x"}, "Invalid value: 'x'. Supported values are: 'auto' and 'low'."),
        ({"output_format": "x"}, "Invalid value: 'x'. Supported values are: 'png', 'webp', and 'jpeg'."),
        ({"size": "0x0"}, "Invalid size '0x0'. Expected WIDTHxHEIGHT, for example '1824x1024'."),
        ({"size": "10x16"}, "Invalid size '10x16'. Width and height must both be divisible by 16."),
        ({"style": "vivid", "prompt": ""}, "Unknown parameter: 'style'."),
        ({"response_format": None}, "Unknown parameter: 'response_format'."),
        ({"n": 11}, "Invalid 'n': integer above maximum value. Expected a value <= 10, but got 11 instead."),
        ({"size": "big"}, "Invalid size 'big'. Expected WIDTHxHEIGHT, for example '1824x1024'."),
        (
            {"size": "\uff11\uff16x16"},
            "Invalid size '\uff11\uff16x16'. Expected WIDTHxHEIGHT, for example '1824x1024'.",
        ),
        (
            {"model": "gpt-image-1", "size": "3x3"},
            "Invalid size '3x3'. Supported sizes are 1024x1024, 1024x1536, 1536x1024, and auto.",
        ),
        ({"model": "dall-e-2", "size": "3x3"}, "Invalid value: '3x3'."),
        ({"model": "dall-e-2", "size": "1024x1536"}, "Invalid value: '1024x1536'."),
        ({"response_format": "url"}, "Unknown parameter: 'response_format'."),
        ({"model": "dall-e-2", "quality": "standard"}, "Unknown parameter: 'quality'."),
        ({"model": "dall-e-2", "style": "vivid"}, "Unknown parameter: 'style'."),
        ({"quality": "best"}, "Invalid value: 'best'."),
        ({"stream": "yes"}, "Invalid type for 'stream'"),
    ],
)
def test_wrong_request_is_refused(body: dict[str, Any], message: str) -> None:
    response = images(**body)
    assert response.status == 400
    assert response.message.startswith(message)


def test_wrong_size_is_an_error_of_the_user() -> None:
    """Recorded in August 2026."""
    for model in ("gpt-image-1", "gpt-image-2"):
        error = images(size="9x9", model=model).json["error"]
        assert (error["type"], error["param"], error["code"]) == (
            "image_generation_user_error",
            "size",
            "invalid_value",
        )


def test_jpeg_has_no_transparent_background() -> None:
    """A public project reports that the service refuses it (bike4mind#2921); the message is inferred."""
    response = images(background="transparent", output_format="jpeg")
    error = response.json["error"]
    assert (response.status, error["param"], error["code"]) == (400, "background", "invalid_value")
    assert error["type"] == "image_generation_user_error"
    assert images(background="auto", output_format="jpeg").json["background"] == "opaque"
    assert images(background="transparent", output_format="jpeg", model="dall-e-3").status == 200


@pytest.mark.parametrize(
    ("files", "fields", "message"),
    [
        ({"image": FILE}, {"n": "two"}, NO_INTEGER),
        ({"image": FILE}, {"n": "1.5"}, NO_INTEGER),
        ({"image": FILE}, {"n": "nan"}, NO_INTEGER),
        ({"image": FILE}, {"n": "1e30"}, NO_INTEGER),
        ({"image": FILE}, {"n": "99999999999999999999999"}, NO_INTEGER),
        ({"image": FILE}, {"n": "0"}, "Invalid 'n': integer below minimum value."),
        ({}, {}, "Missing required parameter: 'image'."),
        (
            {"images": FILE},
            {},
            "Unknown parameter: 'images'. For multipart/form-data use 'image' or 'image[]'.",
        ),
    ],
)
def test_wrong_form_is_refused(files: dict[str, Any], fields: dict[str, str], message: str) -> None:
    request = form_request("/v1/images/edits", files, prompt="hat", **fields)
    assert respond_once(NO_RULES, request).message.startswith(message)


@pytest.mark.parametrize(
    ("sent", "param", "code"), [([], "images", "empty_array"), (["x"], "images[0]", "invalid_type")]
)
def test_edit_without_an_image_is_refused(sent: list[str], param: str, code: str) -> None:
    request = raw_request("/v1/images/edits", {"prompt": "x", "images": sent})
    error = respond_once(NO_RULES, request).json["error"]
    assert (error["param"], error["code"]) == (param, code)


def test_images_that_are_null_are_no_images() -> None:
    request = raw_request("/v1/images/edits", {"model": "gpt-image-2", "prompt": "x", "images": None})
    assert respond_once(NO_RULES, request).message == "Missing required parameter: 'images'."


@pytest.mark.parametrize("fields", [{"user": 1}, {"quality": "xhigh"}, {"prompt": " "}, {"n": None}])
def test_images_accept_what_the_service_accepts(fields: dict[str, Any]) -> None:
    assert images(**fields).status == 200


def test_dalle_3_knows_quality_and_style() -> None:
    assert images(model="dall-e-3", quality="standard", style="vivid").status == 200


@pytest.mark.parametrize("size", ["auto", "640x640"])
def test_sizes_of_newer_models_are_free(size: str) -> None:
    assert images(size=size).status == 200


def test_body_that_is_no_json_is_refused() -> None:
    assert respond_once(NO_RULES, raw_request("/v1/images/generations", b"{")).status == 400
    assert respond_once(NO_RULES, raw_request("/v1/images/edits", {"prompt": "x"})).message.endswith(
        "'images'."
    )


def test_form_part_without_a_name_is_left_out() -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    body = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"
    response = respond_once(NO_RULES, raw_request("/v1/images/edits", body, headers=headers))
    assert response.message == "Missing required parameter: 'prompt'."


def test_size_of_a_rule_is_checked() -> None:
    (mistake,) = diagnostics_of("rules: [{match: {api: images}, reply: {images: [{size: huge}]}}]")
    assert "expected a size such as 1024x768" in mistake


def test_refused_image_has_no_headers_of_limits() -> None:
    refused = images(n="three")
    assert refused.status == 400
    assert not any(name.lower().startswith("x-ratelimit") for name in refused.headers)
