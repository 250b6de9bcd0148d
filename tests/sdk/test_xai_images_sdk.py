"""The OpenAI SDK with xAI's images."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import BadRequestError, OpenAI
from openai.types import ImagesResponse

from mockllm.testing import MockLLM

RULES = """
mockllm: 1
rules:
  - {match: {api: image_edits, user: forbidden}, error: content_filter}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    folder: Path = tmp_path_factory.mktemp("xai")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    with MockLLM(folder) as server, OpenAI(base_url=f"{server.base_url}/xai/v1", api_key="any") as built:
        yield built


def edit(client: OpenAI, prompt: str) -> ImagesResponse:
    """The edit of an image: the SDK's own method sends a form, which xAI refuses."""
    body = {"model": "grok-imagine-image", "prompt": prompt, "image": {"url": "https://localhost/a.png"}}
    return client.post("/images/edits", body=body, cast_to=ImagesResponse)


def test_generated_images_are_jpegs(client: OpenAI) -> None:
    built = client.images.generate(
        model="grok-imagine-image",
        prompt="a cat",
        n=2,
        response_format="b64_json",
        extra_body={"aspect_ratio": "16:9", "resolution": "1k"},
    )
    images = [b64decode(image.b64_json or "") for image in built.data or ()]
    assert [image[:2] for image in images] == [b"\xff\xd8"] * 2
    assert built.to_dict()["usage"] == {"cost_in_usd_ticks": 400_000_000}


def test_edit_of_an_image_has_an_address(client: OpenAI) -> None:
    images = edit(client, "a hat").data
    assert images is not None
    assert (images[0].url or "").endswith(".jpeg")
    assert images[0].revised_prompt == ""


def test_error_of_a_rule_raises(client: OpenAI) -> None:
    with pytest.raises(BadRequestError):
        edit(client, "forbidden")
    with pytest.raises(BadRequestError):
        client.images.edit(model="grok-imagine-image", prompt="x", image=("a.png", b"x"))
