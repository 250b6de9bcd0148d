"""Requests without a model: vLLM takes the first of its list, and other vendors have no model of OpenAI."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.dialects.providers import REGISTERED
from mockllm.dialects.vendors.errors import VendorCall
from mockllm.dialects.vendors.responses import VendorEmbeddings
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request, respond_once

SERVED = "meta-llama/Llama-3.1-8B-Instruct"
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", CHAT),
    ("/v1/completions", {"prompt": "Hi"}),
]
BODIES = {
    "chat": CHAT,
    "completions": {"prompt": "Hi"},
    "responses": {"input": "Hi"},
    "fim": {"prompt": "Hi"},
}
OWN_RULES = """
rules:
  - {match: {model: my-llama}, reply: Named}
  - {match: {provider: vllm}, reply: Hello}
"""


def models_of(response: ClientResponse) -> set[str]:
    """The models that the body or the events of a response name."""
    bodies = [event.json for event in response.events if event.data != "[DONE]"] or [response.json]
    return {body["model"] for body in bodies}


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("rules", "served"), [("use: [vllm]", SERVED), (OWN_RULES, "my-llama")])
def test_vllm_without_a_model_serves_the_first_of_its_list(
    path: str, body: dict[str, Any], stream: bool, rules: str, served: str
) -> None:
    server = VirtualServer(rules)
    listed = server.respond(raw_request("/vllm/v1/models", method="GET")).json["data"]
    for _ in range(4):  # the last ones come from the response cache
        response = server.respond(raw_request(f"/vllm{path}", {**body, "stream": stream, "model": None}))
        assert models_of(response) == {listed[0]["id"]} == {served}
    named = server.respond(raw_request(f"/vllm{path}", {**body, "stream": stream, "model": "m"}))
    assert models_of(named) == {"m"}


def test_model_of_a_reply_comes_before_the_default() -> None:
    rules = "rules: [{reply: {text: Hello, model: own}}]"
    assert models_of(respond_once(rules, raw_request("/vllm/v1/chat/completions", CHAT))) == {"own"}


def test_template_of_a_request_without_model_finds_none() -> None:
    rules = "rules: [{reply: \"{{ model or 'none' }}\"}]"
    assert respond_once(rules, raw_request("/vllm/v1/chat/completions", CHAT)).text == "none"


VENDOR_CALLS = sorted(
    {
        (f"/{provider.name}{route.path}", call.api, call.vendor.model)
        for provider in REGISTERED
        for route in provider.routes
        if isinstance(call := route.call.dialect, VendorCall)
        and call.generates
        and call.api in BODIES
        and call.vendor.model is not None
    }
)


@pytest.mark.parametrize(("path", "api", "model"), VENDOR_CALLS)
def test_lenient_vendor_without_a_model_has_its_own(path: str, api: str, model: str) -> None:
    response = respond_once("{validation: lenient, rules: [{reply: Hi}]}", raw_request(path, BODIES[api]))
    assert models_of(response) == {"codestral-latest" if api == "fim" else model}


EMBEDDING_CALLS = sorted(
    {
        (f"/{provider.name}{route.path}", call.vendor.embedding_model or call.vendor.model)
        for provider in REGISTERED
        for route in provider.routes
        if isinstance(call := route.call.dialect, VendorEmbeddings) and call.vendor.model is not None
    }
)


@pytest.mark.parametrize(("path", "model"), EMBEDDING_CALLS)
@pytest.mark.parametrize(
    "rule", ["{match: {api: chat}, reply: Hi}", "{match: {api: embeddings}, reply: {embedding: [1]}}"]
)
def test_lenient_embeddings_without_a_model_have_the_vendors(path: str, model: str, rule: str) -> None:
    response = respond_once(f"{{validation: lenient, rules: [{rule}]}}", raw_request(path, {"input": "hi"}))
    assert response.json["model"] == model


def test_models_of_embeddings_differ_from_those_of_chats() -> None:
    named = dict(EMBEDDING_CALLS)
    assert named["/mistral/v1/embeddings"] == "mistral-embed"
    assert named["/perplexity/v1/embeddings"] == "pplx-embed-v1-0.6b"
