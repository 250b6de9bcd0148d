"""The OpenAI SDK with the images of OpenRouter's chat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from mockllm.testing import MockLLM

RULES = """
mockllm: 1
rules:
  - {match: {user: own}, reply: {text: Look., images: [{data: cGlj}]}}
  - {reply: Here it is.}
"""
WANTED: Any = {"modalities": ["image", "text"], "image_config": {"aspect_ratio": "16:9"}}
MODEL = "google/gemini-2.5-flash-image"


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    folder: Path = tmp_path_factory.mktemp("openrouter")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    with (
        MockLLM(folder) as server,
        OpenAI(base_url=f"{server.base_url}/openrouter/api/v1", api_key="any") as built,
    ):
        yield built


def test_message_has_a_text_and_an_image(client: OpenAI) -> None:
    response = client.chat.completions.create(model=MODEL, messages=user("a cat"), extra_body=WANTED)
    message: Any = response.choices[0].message
    assert message.content == "Here it is."
    assert message.images[0]["image_url"]["url"].startswith("data:image/png;base64,")


def test_stream_has_the_images_of_a_rule(client: OpenAI) -> None:
    stream = client.chat.completions.create(model=MODEL, messages=user("own"), extra_body=WANTED, stream=True)
    deltas: list[Any] = [choice.delta for chunk in stream for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "Look."
    images = [image for delta in deltas for image in getattr(delta, "images", None) or ()]
    assert [image["image_url"]["url"] for image in images] == ["data:image/png;base64,cGlj"]


def test_unknown_modality_raises(client: OpenAI) -> None:
    with pytest.raises(BadRequestError):
        client.chat.completions.create(
            model=MODEL, messages=user("a cat"), extra_body={"modalities": ["smell"]}
        )
