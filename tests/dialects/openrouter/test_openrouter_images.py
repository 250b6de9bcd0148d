"""Images of OpenRouter's chat: the form is that of its guide to image generation."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from mockllm.core.json.codec import Json
from tests.language.virtual_server import ClientResponse, raw_request, respond_once

SCENARIO = """
rules:
  - match: {user: own}
    reply: {text: Look., images: [{data: cGlj, mime_type: image/gif}, {size: 32x16}]}
  - {match: {user: call}, reply: {tool_calls: [{name: draw, arguments: {}}]}}
  - {match: {user: refused}, reply: {refusal: No.}}
  - {match: {user: broken}, reply: {chunks: [Once, {error: overloaded}]}}
  - {match: {user: limited}, error: rate_limit}
  - {match: {user: spoken}, reply: {text: Hi., audio: {duration: 1s}}}
  - {match: {user: cut}, reply: Here it is., faults: [{error_event: {after: {chunks: 1}}}]}
  - {reply: Here it is.}
"""
BOTH: Json = ["image", "text"]
GIF = "data:image/gif;base64,cGlj"


def chat(user: str = "a cat", **fields: Json) -> ClientResponse:
    body = {"model": "google/gemini-2.5-flash-image", "messages": [{"role": "user", "content": user}]}
    return respond_once(SCENARIO, raw_request("/openrouter/api/v1/chat/completions", {**body, **fields}))


def message(user: str = "a cat", **fields: Json) -> dict[str, Any]:
    response = chat(user, **fields)
    assert response.status == 200, response.json
    found: dict[str, Any] = response.json["choices"][0]["message"]
    return found


def urls(images: list[dict[str, Any]]) -> list[str]:
    assert [(image["type"], image["index"]) for image in images] == [
        ("image_url", number) for number in range(len(images))
    ]
    return [image["image_url"]["url"] for image in images]


def png_size(url: str) -> tuple[int, int]:
    data = b64decode(url.removeprefix("data:image/png;base64,"))
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def streamed_deltas(user: str = "a cat", **fields: Json) -> list[dict[str, Any]]:
    events = chat(user, stream=True, modalities=BOTH, **fields).events
    chunks = [event.json for event in events if event.data != "[DONE]"]
    return [chunk["choices"][0]["delta"] for chunk in chunks if "choices" in chunk]


@pytest.mark.parametrize(
    ("config", "size"),
    [
        (None, (1024, 1024)),
        ({"aspect_ratio": "21:9"}, (1536, 672)),
        ({"aspect_ratio": "16:9", "image_size": "2K"}, (2688, 1536)),
        ({"image_size": "0.5K"}, (512, 512)),
        ({"aspect_ratio": "21:9", "image_size": "4K"}, (4096, 2688)),
        ({"aspect_ratio": ["1:1"], "image_size": {}, "strength": 0.5}, (1024, 1024)),
    ],
)
def test_image_has_the_size_of_the_request(config: Json, size: tuple[int, int]) -> None:
    found = message(modalities=BOTH, image_config=config)
    assert found["content"] == "Here it is."
    (url,) = urls(found["images"])
    assert png_size(url) == size


def test_equal_requests_have_equal_images() -> None:
    images = [message(user, modalities=BOTH)["images"] for user in ("a cat", "a cat", "dogs at night")]
    assert images[0] == images[1] != images[2]


def test_image_alone_comes_without_a_text() -> None:
    found = message(modalities=["image"])
    assert (found["content"], len(found["images"])) == ("", 1)


def test_rule_replies_with_its_images() -> None:
    found = message("own", modalities=BOTH)
    first, second = urls(found["images"])
    assert (found["content"], first, png_size(second)) == ("Look.", GIF, (32, 16))


def test_each_choice_has_an_image() -> None:
    choices = chat(n=2, modalities=BOTH).json["choices"]
    assert [len(choice["message"]["images"]) for choice in choices] == [1, 1]


@pytest.mark.parametrize("fields", [{}, {"modalities": ["text"]}, {"modalities": None}])
def test_unwanted_images_are_left_out_with_a_note(fields: dict[str, Json]) -> None:
    response = chat("own", **fields)
    assert "images" not in response.json["choices"][0]["message"]
    assert response.notes == "images left out: the request wants none"
    assert "images" not in message(**fields)


def test_other_media_is_left_out_with_a_note() -> None:
    response = chat("spoken", modalities=BOTH)
    assert "audio left out: chat of openrouter has none" in response.notes


@pytest.mark.parametrize("user", ["call", "refused"])
def test_call_and_refusal_have_no_image(user: str) -> None:
    assert "images" not in message(user, modalities=BOTH)


def test_stream_has_an_image_in_a_delta() -> None:
    deltas = streamed_deltas("own")
    assert "".join(delta.get("content") or "" for delta in deltas) == "Look."
    images = [image for delta in deltas for image in delta.get("images", ())]
    assert urls(images) == urls(message("own", modalities=BOTH)["images"])
    assert next(delta for delta in deltas if "images" in delta).keys() == {"role", "content", "images"}


def test_generated_image_is_the_same_in_a_stream() -> None:
    images = [image for delta in streamed_deltas() for image in delta.get("images", ())]
    assert images == message(modalities=BOTH)["images"]


def test_error_in_a_stream_comes_without_an_image() -> None:
    assert not any("images" in delta for delta in streamed_deltas("broken"))
    assert not any("images" in delta for delta in streamed_deltas("cut"))


def test_error_of_a_rule_is_openrouters() -> None:
    response = chat("limited", modalities=BOTH)
    assert (response.status, response.json["error"]["code"]) == (429, 429)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"modalities": "image"}, "modalities"),
        ({"modalities": ["image", "smell"]}, "smell"),
        ({"modalities": ["image", 3]}, "modalities"),
        ({"modalities": BOTH, "image_config": "16:9"}, "image_config"),
        ({"image_config": []}, "image_config"),
    ],
)
def test_wrong_request_is_refused(fields: dict[str, Json], word: str) -> None:
    response = chat(**fields)
    assert response.status == 400
    assert response.json["error"]["code"] == 400
    assert word in response.json["error"]["message"]


def test_message_with_images_may_be_sent_back() -> None:
    turns: Json = [
        {"role": "user", "content": "a cat"},
        {"role": "assistant", **message(modalities=["image"])},
        {"role": "user", "content": "own"},
    ]
    assert len(message(messages=turns, modalities=BOTH)["images"]) == 2


@pytest.mark.parametrize(
    ("words", "path", "text"),
    [
        (["image", 5], "modalities[1]", "'text', 'image', or 'audio'"),
        (["image", "zzz"], "modalities[1]", "Supported values are: 'text', 'image', and 'audio'."),
        ("image", "modalities", "an array of strings"),
    ],
)
def test_unknown_kind_of_output_is_refused_at_its_place(words: Json, path: str, text: str) -> None:
    refused = chat(modalities=words)
    assert refused.status == 400
    assert text in refused.message
    if "Supported" not in text:
        assert path in refused.message
