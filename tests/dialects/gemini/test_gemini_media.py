"""Media of Gemini and Vertex AI: modalities of generateContent, Imagen's predict, Veo's operations."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, raw_request, respond_once

RULES = """
rules:
  - match: {api: videos, user: polled}
    reply: {video: {data: dmlk}}
    pace: {queued_polls: 1, in_progress_polls: 1}
  - match: {api: videos, user: failing}
    reply: {chunks: [{error: server_error}]}
  - match: {api: videos, user: refused}
    error: rate_limit
  - match: {api: videos, user: broken}
    reply: {video: {data: "?"}}
    pace: {queued: 0s, in_progress: 0s}
  - match: {api: images, user: own}
    reply: {images: [{data: cGlj, mime_type: image/gif}]}
  - match: {user: own}
    reply: {audio: {data: cGlj, mime_type: audio/wav}, text: Hm.}
  - match: {user: long}
    reply: {audio: {duration: 2s}}
  - match: {user: called}
    reply: {tool_calls: [{name: f}]}
  - reply: Hello you.
"""
GEMINI, VERTEX = "/v1beta", "/v1/projects/p/locations/l/publishers/google"


def generate(user: str, modalities: list[str], **config: Any) -> list[dict[str, Any]]:
    """Return the parts of a response."""
    body = {
        "contents": [{"role": "user", "parts": [{"text": user}]}],
        "generationConfig": {"responseModalities": modalities, **config},
    }
    response = respond_once(RULES, raw_request("/v1beta/models/gemini-2.5-flash:generateContent", body))
    return list(response.json["candidates"][0]["content"]["parts"])


def predict(server: VirtualServer, path: str, prompt: str, **parameters: Any) -> ClientResponse:
    body = {"instances": [{"prompt": prompt}], "parameters": parameters}
    return server.respond(raw_request(path, body))


def test_audio_alone_is_the_text_as_speech() -> None:
    (part,) = generate("hi", ["AUDIO"])
    assert part["inlineData"]["mimeType"] == "audio/L16;codec=pcm;rate=24000"
    assert len(b64decode(part["inlineData"]["data"])) == round(0.6 * 48_000)


def test_audio_of_a_rule_has_its_length_or_bytes() -> None:
    (own,) = generate("own", ["AUDIO"])
    assert own["inlineData"] == {"mimeType": "audio/wav", "data": "cGlj"}
    (generated,) = generate("long", ["AUDIO"])
    assert len(b64decode(generated["inlineData"]["data"])) == 2 * 48_000


def test_call_has_no_audio_and_no_image() -> None:
    assert "functionCall" in generate("called", ["AUDIO"])[0]
    assert len(generate("called", ["TEXT", "IMAGE"])) == 1


def test_image_follows_the_text() -> None:
    text, image = generate("a cat", ["TEXT", "IMAGE"], imageConfig={"aspectRatio": "16:9"})
    assert text["text"] == "Hello you."
    size = b64decode(image["inlineData"]["data"])[16:24]
    assert size == (1344).to_bytes(4, "big") + (768).to_bytes(4, "big")


def test_image_alone_has_no_text() -> None:
    (generated,) = generate("a cat", ["IMAGE"])
    assert generated["inlineData"]["mimeType"] == "image/png"
    (own,) = generate("own", ["IMAGE"])
    assert own["inlineData"]["data"] == "cGlj"
    assert "functionCall" in generate("called", ["IMAGE"])[0]


def test_text_alone_stays_a_text() -> None:
    assert generate("hi", ["TEXT"]) == [{"text": "Hello you."}]


@pytest.mark.parametrize("base", [GEMINI, VERTEX])
def test_imagen_predicts_images(base: str) -> None:
    path = f"{base}/models/imagen-4.0-generate-001:predict"
    options = {"outputOptions": {"mimeType": "image/webp"}, "sampleCount": 2.0}
    predictions = predict(VirtualServer(RULES), path, "a cat", **options).json["predictions"]
    assert [each["mimeType"] for each in predictions] == ["image/webp"] * 2
    own = predict(VirtualServer(RULES), path, "own").json["predictions"]
    assert own == [{"mimeType": "image/gif", "bytesBase64Encoded": "cGlj"}]


def test_hint_of_the_client_does_not_change_the_call() -> None:
    body = {"instances": [{"prompt": "x"}]}
    headers = {"x-goog-api-key": "k"}
    request = raw_request("/v1beta/models/imagen-4:predict", body, headers=headers)
    assert respond_once(RULES, request).id == "gemini:images"


def test_imagen_may_not_stream_or_break() -> None:
    rules = """
    rules:
      - {match: {api: images, user: streamed}, stream: true, reply: {}}
      - {match: {api: images}, reply: {chunks: [{error: server_error}]}}
    """
    path = f"{VERTEX}/models/imagen-4:predict"
    assert predict(VirtualServer(rules), path, "streamed").json["predictions"]
    assert predict(VirtualServer(rules), path, "x").status == 500


@pytest.mark.parametrize("name", ["imagen-4:predict", "veo-3:predictLongRunning"])
def test_prompt_is_required(name: str) -> None:
    path = f"{GEMINI}/models/{name}"
    server = VirtualServer(RULES)
    assert "Prompt is required" in server.respond(raw_request(path, {"instances": [3]})).message
    assert server.respond(raw_request(path, {"instances": [{"prompt": 3}]})).status == 400
    assert server.respond(raw_request(path, b"{")).status == 400


def operation(server: VirtualServer, name: str, later: float = 0.0) -> ClientResponse:
    return server.respond(raw_request(f"/v1beta/{name}", method="GET", now=NOW + later))


def test_gemini_operation_ends_with_an_address() -> None:
    server = VirtualServer(RULES)
    path = f"{GEMINI}/models/veo-3:predictLongRunning"
    name = predict(server, path, "a dog", aspectRatio="9:16", durationSeconds=2).json["name"]
    assert operation(server, name).json == {"name": name}
    done = operation(server, name, 1).json
    assert done["done"] is True
    (sample,) = done["response"]["generateVideoResponse"]["generatedSamples"]
    address, _, query = sample["video"]["uri"].removeprefix("http://localhost:8080").partition("?")
    request = raw_request(address, method="GET", query=query, now=NOW + 1)
    assert server.respond(request).bytes[4:8] == b"ftyp"
    for wrong in ("sample=1", "sample=x", f"sample={'9' * 5_000}"):
        wanted = raw_request(address, method="GET", query=wrong, now=NOW + 1)
        assert server.respond(wanted).status == 404
    assert operation(server, "models/veo-3/operations/none").status == 404
    assert operation(VirtualServer("{validation: lenient, rules: [{reply: x}]}"), name).status == 404


def fetch(server: VirtualServer, name: Any) -> ClientResponse:
    return server.respond(
        raw_request(f"{VERTEX}/models/veo-3:fetchPredictOperation", {"operationName": name})
    )


def test_vertex_operation_is_fetched_with_its_videos() -> None:
    server = VirtualServer(RULES)
    path = f"{VERTEX}/models/veo-3:predictLongRunning"
    name = predict(server, path, "polled", resolution="1080p").json["name"]
    assert name.startswith("projects/p/locations/l/publishers/google/models/veo-3/operations/")
    assert [fetch(server, name).json.get("done") for _ in range(3)] == [None, None, True]
    response = fetch(server, name).json["response"]
    assert response["videos"] == [{"bytesBase64Encoded": "dmlk", "mimeType": "video/mp4"}]
    assert fetch(server, None).status == 404


def test_failed_operation_has_the_error() -> None:
    server = VirtualServer(RULES)
    path = f"{VERTEX}/models/veo-3:predictLongRunning"
    name = predict(server, path, "failing").json["name"]
    request = raw_request(
        f"{VERTEX}/models/veo-3:fetchPredictOperation", {"operationName": name}, now=NOW + 1
    )
    assert server.respond(request).json["error"]["code"] == 500
    assert predict(server, path, "refused").status == 429


def test_content_that_is_no_base64_is_empty() -> None:
    server = VirtualServer(RULES)
    name = predict(server, f"{GEMINI}/models/veo-3:predictLongRunning", "broken", resolution="1080p").json[
        "name"
    ]
    path = f"/v1beta/{name}:download"
    assert server.respond(raw_request(path, method="GET", now=NOW + 1)).bytes == b""
