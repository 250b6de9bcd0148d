"""What the unmodified cohere package makes of models, tokens, classifications and the check of a key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

cohere = pytest.importorskip("cohere")

__all__ = ["loopback_only"]

MODEL = "command-a-03-2025"
TEXT = "Größe: 雪だるま, and a snowman ☃."
EXAMPLES = {
    "spam": ("Send the money now", "You won money"),
    "mail": ("Notes of the meeting", "A meeting at noon"),
}
SCENARIO = """
rules:
  - {match: {api: tokenize, user: slow}, error: rate_limit}
  - {match: {api: chat_v1, model: mine}, reply: Hi.}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("s")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


@pytest.fixture(params=["Client", "ClientV2"])
def client(server: Live, request: pytest.FixtureRequest) -> Iterator[Any]:
    import httpx

    with httpx.Client() as connections:
        yield getattr(cohere, request.param)(
            api_key="key", base_url=f"{server.url}/cohere", httpx_client=connections
        )


def test_pages_of_models_have_each_model_once(client: Any) -> None:
    found, page_token = [], None
    while True:
        page = client.models.list(page_size=5, page_token=page_token)
        assert 1 <= len(page.models) <= 5
        found += [model.name for model in page.models]
        page_token = page.next_page_token
        if page_token is None:
            break
    assert found[:2] == ["mine", MODEL]
    assert len(found) == len(set(found)) > 5


def test_models_are_filtered(client: Any) -> None:
    (default,) = client.models.list(endpoint="chat", default_only=True).models
    assert (default.name, default.default_endpoints[:1]) == (MODEL, ["generate"])
    assert all("rerank" in model.endpoints for model in client.models.list(endpoint="rerank").models)
    with pytest.raises(cohere.BadRequestError, match="default_only"):
        client.models.list(default_only=True)


def test_model_has_its_description(client: Any) -> None:
    model = client.models.get("mine/tuned-ft")
    assert (model.name, model.finetuned, model.tokenizer_url) == ("mine/tuned-ft", False, None)
    assert client.models.get(MODEL).sampling_defaults.temperature == 0.3


@pytest.mark.parametrize("offline", [True, False])
def test_text_of_tokens_is_the_tokenized_text(client: Any, offline: bool) -> None:
    """By default the package looks for a tokenizer; without one it calls the API. `loopback_only` would see a
    download."""
    tokens = client.tokenize(text=TEXT, model=MODEL, offline=offline)
    assert len(tokens.tokens) == len(tokens.token_strings) > 3
    assert client.detokenize(tokens=tokens.tokens, model=MODEL, offline=offline).text == TEXT
    assert tokens.meta.api_version.version == "1"


def test_asynchronous_client_tokenizes(server: Live) -> None:
    async def run() -> tuple[Any, Any]:
        async with cohere.AsyncClient(api_key="key", base_url=f"{server.url}/cohere") as connected:
            tokens = await connected.tokenize(text=TEXT, model=MODEL)
            return tokens, await connected.detokenize(tokens=tokens.tokens, model=MODEL)

    tokens, text = asyncio.run(run())
    assert tokens.token_strings
    assert text.text == TEXT


def test_wrong_texts_get_the_packages_errors(client: Any) -> None:
    with pytest.raises(cohere.BadRequestError, match="from 1 to 65536 characters"):
        client.tokenize(text="", model=MODEL)
    with pytest.raises(cohere.TooManyRequestsError):
        client.tokenize(text="slow", model=MODEL, request_options={"max_retries": 0})


def test_inputs_have_the_labels_of_the_examples(client: Any) -> None:
    examples = [
        cohere.ClassifyExample(text=text, label=label) for label in EXAMPLES for text in EXAMPLES[label]
    ]
    response = client.classify(inputs=["Money for you", "Our meeting"], examples=examples)
    first, second = response.classifications
    assert (first.prediction, second.prediction) == ("spam", "mail")
    assert first.labels["spam"].confidence == first.confidence == first.confidences[0]
    assert (first.classification_type, first.predictions) == ("single-label", ["spam"])
    assert response.meta.billed_units.classifications == 2
    assert client.classify(inputs=["hi"], model="tuned-ft").classifications[0].labels.keys() == {
        "positive",
        "negative",
    }
    with pytest.raises(cohere.BadRequestError, match="at least 2 examples"):
        client.classify(inputs=["hi"], examples=examples[:3])


def test_key_is_valid(client: Any) -> None:
    from cohere.base_client import BaseCohere  # `Client.check_api_key` itself raises an error

    checked = BaseCohere.check_api_key(client)
    assert checked.valid is True
    assert checked.organization_id
