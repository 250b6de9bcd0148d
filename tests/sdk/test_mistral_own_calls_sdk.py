"""What the mistralai package makes of Mistral's own calls: FIM, classifiers, OCR and models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

mistralai = pytest.importorskip("mistralai.client")

__all__ = ["loopback_only"]

SCENARIO = r"""
mockllm: 1
rules:
  - match: {api: fim, user: return a}
    reply: {text: "  return a + b", usage: {input_tokens: 12, output_tokens: 5}}
  - {match: {model: broken}, error: rate_limit}
  - match: {api: ocr, model: two-pages}
    reply: "# One\fTwo"
  - {match: {api: moderations, user: odd}, error: server_error}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("mistral")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built, client_of(built) as client:
        yield client


def client_of(server: Live) -> Any:
    return mistralai.Mistral(api_key="key", server_url=f"{server.url}/mistral")


def test_fim_fills_the_middle(client: Any) -> None:
    response = client.fim.complete(model="codestral-latest", prompt="def add(a, b):", suffix="return a")
    assert response.choices[0].message.content == "  return a + b"
    assert response.choices[0].finish_reason == "stop"
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (12, 5)


def test_fim_streams_its_text(client: Any) -> None:
    with client.fim.stream(model="codestral-latest", prompt="def add(a, b):", suffix="return a") as stream:
        events = [event.data for event in stream]
    assert "".join(event.choices[0].delta.content or "" for event in events) == "  return a + b"
    assert events[-1].choices[0].finish_reason == "stop"
    assert events[-1].usage.total_tokens == 17


def test_fim_raises_errors(client: Any) -> None:
    with pytest.raises(mistralai.errors.SDKError, match="429"):
        client.fim.complete(model="broken", prompt="x", retries=None)


def test_moderation_flags_by_words(client: Any) -> None:
    response = client.classifiers.moderate(model="mistral-moderation-latest", inputs=["Kill them.", "Hello."])
    flagged, harmless = response.results
    assert flagged.categories["violence_and_threats"] is True
    assert flagged.category_scores["violence_and_threats"] > 0.7
    assert not any(harmless.categories.values())
    with pytest.raises(mistralai.errors.SDKError, match="500"):
        client.classifiers.moderate(model="mistral-moderation-latest", inputs="odd", retries=None)


def test_conversations_are_moderated(client: Any) -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "I will kill you."}]
    response = client.classifiers.moderate_chat(model="mistral-moderation-latest", inputs=turns)
    assert response.results[0].categories["violence_and_threats"] is True
    response = client.classifiers.moderate_chat(model="mistral-moderation-latest", inputs=[turns, turns[:1]])
    assert [result.categories["violence_and_threats"] for result in response.results] == [True, False]


def test_texts_and_conversations_are_classified(client: Any) -> None:
    response = client.classifiers.classify(model="my-classifier", inputs=["good", "bad"])
    assert [sum(result["label"].scores.values()) for result in response.results] == [1, 1]
    conversation = {"messages": [{"role": "user", "content": "good"}]}
    again = client.classifiers.classify_chat(model="my-classifier", input=[conversation])
    assert again.results[0]["label"].scores == response.results[0]["label"].scores


def test_ocr_returns_pages(client: Any) -> None:
    document = {"type": "document_url", "document_url": "https://a.example/a.pdf"}
    response = client.ocr.process(model="two-pages", document=document)
    assert [page.markdown for page in response.pages] == ["# One", "Two"]
    assert response.usage_info.pages_processed == 2
    response = client.ocr.process(model="mistral-ocr-latest", document=document, pages=[0, 3])
    assert [page.index for page in response.pages] == [0, 3]
    assert all(page.markdown and page.dimensions.width > 0 for page in response.pages)


def test_models_have_their_capabilities(client: Any) -> None:
    listed = {model.id: model for model in client.models.list().data}
    assert listed["two-pages"].capabilities.completion_chat
    code = client.models.retrieve(model_id="codestral-latest")
    assert (code.capabilities.completion_fim, code.capabilities.vision) == (True, False)
    assert client.models.retrieve(model_id="mistral-ocr-2505").capabilities.ocr
    assert code.max_context_length > 0
