"""Webhooks at the end of background responses: the openai package registers the address and verifies each one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest
from openai.types.webhooks import UnwrapWebhookEvent

from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_required_fields_sdk import require
from tests.webhook_receiver import WebhookReceiver

SCENARIO: Final = """
rules:
  - {name: polled, match: {model: polled}, reply: Polled., pace: {queued_polls: 1}}
  - {name: failed, match: {model: failed}, reply: {chunks: [One, {error: server_error}]}}
  - {name: slow, match: {model: slow}, reply: Slow., pace: {in_progress: 30s}}
  - {name: usual, reply: Hello., pace: {queued: 10ms, in_progress: 10ms}}
"""
TYPES: Final[list[Any]] = [f"response.{end}" for end in ("completed", "failed", "cancelled", "incomplete")]


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("hooked") / "hooked.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


@pytest.fixture
def client(hooked: Live, receiver: WebhookReceiver) -> Iterator[openai.OpenAI]:
    """A client of a separate session, with the secret of its only endpoint."""
    url = f"{hooked.url}/s/{receiver.server_port}/v1"
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
        built = client.webhooks.create(event_types=TYPES, name="mine", url=receiver.url)
        client.webhook_secret = built.signing_secret
        yield client


def _next(client: openai.OpenAI, receiver: WebhookReceiver) -> Any:
    body, headers = receiver.received.get(timeout=60)
    require(UnwrapWebhookEvent, json.loads(body))
    return client.webhooks.unwrap(body, headers)


@pytest.mark.parametrize(("model", "end"), [("usual", "completed"), ("failed", "failed")])
def test_webhook_reports_end_of_background_response(
    client: openai.OpenAI, receiver: WebhookReceiver, model: str, end: str
) -> None:
    response = client.responses.create(model=model, input="hi", background=True)
    event = _next(client, receiver)
    assert (event.type, event.data.id) == (f"response.{end}", response.id)
    assert client.responses.retrieve(response.id).status == end


def test_webhook_of_cancelled_response_is_the_only_one(
    client: openai.OpenAI, receiver: WebhookReceiver
) -> None:
    response = client.responses.create(model="slow", input="hi", background=True)
    client.responses.cancel(response.id)
    assert _next(client, receiver).type == "response.cancelled"
    assert receiver.received.empty()


def test_webhook_of_polled_response_follows_its_last_read(
    client: openai.OpenAI, receiver: WebhookReceiver
) -> None:
    response = client.responses.create(model="polled", input="hi", background=True)
    assert client.responses.retrieve(response.id).status == "queued"
    assert _next(client, receiver).data.id == response.id


def test_refused_webhook_comes_again(client: openai.OpenAI, receiver: WebhookReceiver) -> None:
    receiver.refusals = 1
    client.responses.create(model="usual", input="hi", background=True)
    assert _next(client, receiver).type == "response.completed"


def test_forged_webhook_is_not_verified(client: openai.OpenAI, receiver: WebhookReceiver) -> None:
    client.responses.create(model="usual", input="hi", background=True)
    body, headers = receiver.received.get(timeout=60)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(body + b" ", headers)


def test_endpoints_are_listed_changed_tested_and_deleted(
    client: openai.OpenAI, receiver: WebhookReceiver
) -> None:
    (endpoint,) = client.webhooks.list()
    assert client.webhooks.retrieve(endpoint.id) == endpoint
    assert client.webhooks.update(endpoint.id, name="yours").name == "yours"
    assert "response.completed" in client.webhooks.event_types.list().data
    client.webhook_secret = client.webhooks.rotate_secret(endpoint.id).signing_secret
    assert client.webhooks.test(endpoint.id, event_type="response.failed").success
    assert _next(client, receiver).type == "response.failed"
    assert client.webhooks.delete(endpoint.id).deleted
    with pytest.raises(openai.NotFoundError, match="No webhook endpoint"):
        client.webhooks.retrieve(endpoint.id)


def test_endpoint_without_address_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.webhooks.create(event_types=TYPES, name="x", url=None)  # type: ignore[arg-type]
    assert raised.value.param == "url"


def test_address_elsewhere_gets_nothing(
    client: openai.OpenAI, receiver: WebhookReceiver, capfd: pytest.CaptureFixture[str]
) -> None:
    built = client.webhooks.create(event_types=TYPES, name="far", url="https://far.example/hook")
    client.webhooks.test(built.id, event_type="response.failed")
    assert "--proxy-allow far.example" in capfd.readouterr().err
