"""google-genai with media: speech and images of generateContent, Imagen, and Veo's operations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import Credentials
from google.genai import Client, types

from mockllm.testing import MockLLM

RULES = "{mockllm: 1, rules: [{reply: Hello you.}]}"


class NoCredentials(Credentials):
    """Credentials that nothing checks."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth has no types
        self.token = "any"

    @property
    def valid(self) -> bool:
        return True

    def refresh(self, request: object) -> None: ...


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockLLM]:
    folder: Path = tmp_path_factory.mktemp("media")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    with MockLLM(folder) as running:
        yield running


@pytest.fixture
def vertex(server: MockLLM) -> Client:
    options = types.HttpOptions(base_url=server.base_url)
    credentials = NoCredentials()
    return Client(vertexai=True, project="p", location="l", credentials=credentials, http_options=options)


def test_generated_content_has_audio_or_an_image(server: MockLLM) -> None:
    client = Client(api_key="any", http_options=types.HttpOptions(base_url=server.base_url))
    for modality, expected in (("AUDIO", "audio/L16;codec=pcm;rate=24000"), ("IMAGE", "image/png")):
        config = types.GenerateContentConfig(response_modalities=[modality])
        response = client.models.generate_content(model="gemini-2.5-flash", contents="hi", config=config)
        blobs = [part.inline_data for part in response.parts or [] if part.inline_data is not None]
        assert [blob.mime_type for blob in blobs] == [expected]
        assert blobs[0].data


@pytest.mark.filterwarnings("ignore:The generate_images method is deprecated")
def test_images_are_generated(vertex: Client) -> None:
    config = types.GenerateImagesConfig(number_of_images=2, output_mime_type="image/jpeg")
    built = vertex.models.generate_images(model="imagen-4.0-generate-001", prompt="a cat", config=config)
    images = [each.image for each in built.generated_images or []]
    assert [image.mime_type for image in images if image is not None] == ["image/jpeg"] * 2


def test_operation_is_polled_until_it_has_the_videos(vertex: Client) -> None:
    config = types.GenerateVideosConfig(duration_seconds=4)
    source = types.GenerateVideosSource(prompt="a dog")
    operation = vertex.models.generate_videos(model="veo-3.0-generate-001", source=source, config=config)
    for _ in range(100):
        if operation.done:
            break
        time.sleep(0.05)
        operation = vertex.operations.get(operation)
    assert operation.response is not None
    (video,) = operation.response.generated_videos or []
    assert video.video is not None
    assert (video.video.video_bytes or b"")[4:8] == b"ftyp"
