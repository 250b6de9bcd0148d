"""What huggingface_hub's InferenceClient makes of texts, vectors, similarities and ranks."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

hub = pytest.importorskip("huggingface_hub")
errors = importlib.import_module("huggingface_hub.errors")

__all__ = ["loopback_only"]

SCENARIO = """
mockllm: 1
rules:
  - match: {api: text_generation, user: hello}
    reply: {text: One two three., usage: {input_tokens: 2, output_tokens: 4}}
  - {match: {user: long}, reply: One two three.}
  - {match: {user: busy}, error: overloaded}
  - {match: {user: wrong}, error: bad_request}
  - {match: {user: fails}, error: server_error}
  - match: {user: breaks}
    reply: {chunks: [One, {error: overloaded}]}
  - {match: {api: embeddings, user: fixed}, reply: {embedding: [0.6, 0.8]}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("hub")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


@pytest.fixture
def base(server: Live, monkeypatch: pytest.MonkeyPatch) -> str:
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", server.url)  # where it looks up which agent it runs in
    return f"{server.url}/huggingface"


@pytest.fixture
def model(base: str) -> Any:
    return hub.InferenceClient(model=f"{base}/models/my/model", api_key="key")


@pytest.mark.parametrize("path", ["/models/my/model", "/hf-inference/models/m", "/generate"])
def test_text_generation_returns_text(path: str, base: str) -> None:
    client = hub.InferenceClient(model=base + path, api_key="key")
    assert client.text_generation("hello") == "One two three."
    full = client.text_generation("hello", return_full_text=True)
    assert full == "helloOne two three."


def test_text_generation_has_details(model: Any) -> None:
    response = model.text_generation("hello", details=True, max_new_tokens=20)
    assert response.generated_text == "One two three."
    assert (response.details.finish_reason, response.details.generated_tokens) == ("eos_token", 4)
    assert "".join(token.text for token in response.details.tokens) == "One two three."
    cut = model.text_generation("long", details=True, max_new_tokens=1)
    assert cut.details.finish_reason == "length"


@pytest.mark.parametrize("path", ["/models/my/model", "/generate_stream"])
def test_text_generation_streams_tokens(path: str, base: str) -> None:
    client = hub.InferenceClient(model=base + path, api_key="key")
    assert "".join(client.text_generation("hello", stream=True)) == "One two three."
    events = list(client.text_generation("hello", stream=True, details=True))
    assert [event.index for event in events] == list(range(1, len(events) + 1))
    assert events[-1].generated_text == "One two three."
    assert (events[-1].details.finish_reason, events[-1].details.generated_tokens) == ("eos_token", 4)


@pytest.mark.parametrize(
    ("text", "error"),
    [("busy", "OverloadedError"), ("wrong", "ValidationError"), ("fails", "GenerationError")],
)
def test_error_is_an_exception_of_its_type(text: str, error: str, model: Any) -> None:
    for stream in (False, True):
        with pytest.raises(getattr(errors, error)):
            list(model.text_generation(text, stream=stream))


def test_error_in_a_stream_follows_its_text(model: Any) -> None:
    texts: list[str] = []
    with pytest.raises(errors.OverloadedError):
        texts += model.text_generation("breaks", stream=True)
    stream = iter(model.text_generation("breaks", stream=True))
    assert next(stream) == "One"


def test_feature_extraction_returns_vectors(base: str) -> None:
    pytest.importorskip("numpy")
    client = hub.InferenceClient(
        model=f"{base}/hf-inference/models/my/model/pipeline/feature-extraction", api_key="key"
    )
    assert client.feature_extraction("a").shape == (384,)
    assert client.feature_extraction(["a", "b"]).shape == (2, 384)
    assert client.feature_extraction("fixed").tolist() == pytest.approx([0.6, 0.8])


def test_sentences_are_compared(base: str) -> None:
    client = hub.InferenceClient(
        model=f"{base}/hf-inference/models/m/pipeline/sentence-similarity", api_key="key"
    )
    near, far = client.sentence_similarity(
        "The sky is blue.", other_sentences=["A blue sky.", "Cats eat fish."]
    )
    assert near > far


def test_texts_are_ranked_by_a_question(base: str) -> None:
    body = {
        "query": "Where is Paris?",
        "texts": ["Cats eat fish.", "Paris is in France."],
        "return_text": True,
    }
    ranked = httpx.post(f"{base}/rerank", json=body).json()
    assert [each["index"] for each in ranked] == [1, 0]
    assert ranked[0]["score"] > ranked[1]["score"]
    assert ranked[0]["text"] == "Paris is in France."
    vectors = httpx.post(f"{base}/embed", json={"inputs": "a"}).json()
    assert [len(each) for each in vectors] == [384]
    refused = httpx.post(f"{base}/embed", json={"inputs": []})
    assert (refused.status_code, refused.json()["error_type"]) == (422, "validation")
