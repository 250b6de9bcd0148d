"""Each object of Cohere, Ollama and Gemini's interactions has the fields that the models of the newest SDK require.

Amazon Bedrock's are compared with botocore's service models in tests/dialects/bedrock/test_bedrock_service_model.py.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import cohere
import ollama
import pytest
from google.genai.interactions import Interaction, InteractionSSEStreamEvent

from mockllm.dialects.providers import BY_NAME
from tests.language.virtual_server import VirtualServer, raw_request
from tests.sdk.test_required_fields_sdk import RULES, USERS, generated, require

MESSAGES = [{"role": "user", "content": "text"}]


class VendorCall(NamedTuple):
    """A call, the types of its body and of an event of its stream, and its request where it is not neutral."""

    name: str
    body: Any
    event: Any = None
    method: str = "POST"
    path: str = ""
    request: dict[str, Any] | None = None


GENERATING = [
    VendorCall("cohere-chat", cohere.V2ChatResponse, cohere.V2ChatStreamResponse),
    VendorCall("cohere-chat_v1", cohere.NonStreamedChatResponse, cohere.StreamedChatResponse),
    VendorCall("ollama-native_chat", ollama.ChatResponse, ollama.ChatResponse),
]
STREAMED = [
    VendorCall(
        "cohere-generate",
        cohere.Generation,
        cohere.GenerateStreamedResponse,
        path="/cohere/v1/generate",
        request={"prompt": "text"},
    ),
    VendorCall(
        "ollama-native_generate",
        ollama.GenerateResponse,
        ollama.GenerateResponse,
        path="/ollama/api/generate",
        request={"model": "m", "prompt": "text"},
    ),
    VendorCall(
        "gemini-interactions",
        Interaction,
        InteractionSSEStreamEvent.model_fields["data"].annotation,
        path="/v1beta/interactions",
        request={"model": "gemini-2.5-flash", "input": "text"},
    ),
]
EMBED = {"model": "m", "texts": ["hi"], "input_type": "search_query", "embedding_types": ["float"]}
WHOLE = {"model": "mine", "stream": False}
LOOKUPS = [
    VendorCall("cohere-embeddings", cohere.EmbedByTypeResponse, path="/cohere/v2/embed", request=EMBED),
    VendorCall(
        "cohere-rerank",
        cohere.V2RerankResponse,
        path="/cohere/v2/rerank",
        request={"model": "m", "query": "q", "documents": ["a", "b"]},
    ),
    VendorCall(
        "cohere-embeddings_v1", cohere.EmbedFloatsResponse, path="/cohere/v1/embed", request={"texts": ["hi"]}
    ),
    VendorCall(
        "cohere-rerank_v1",
        cohere.RerankResponse,
        path="/cohere/v1/rerank",
        request={"query": "q", "documents": ["a", "b"], "return_documents": True},
    ),
    VendorCall("cohere-models", cohere.ListModelsResponse, method="GET", path="/cohere/v1/models"),
    VendorCall(
        "cohere-tokenize",
        cohere.TokenizeResponse,
        path="/cohere/v1/tokenize",
        request={"model": "m", "text": "hi"},
    ),
    VendorCall(
        "cohere-detokenize",
        cohere.DetokenizeResponse,
        path="/cohere/v1/detokenize",
        request={"model": "m", "tokens": [1]},
    ),
    VendorCall(
        "cohere-classify",
        cohere.ClassifyResponse,
        path="/cohere/v1/classify",
        request={"inputs": ["hi"], "model": "m"},
    ),
    VendorCall("cohere-check_api_key", cohere.CheckApiKeyResponse, path="/cohere/v1/check-api-key"),
    VendorCall(
        "ollama-native_embeddings",
        ollama.EmbedResponse,
        path="/ollama/api/embed",
        request={"model": "m", "input": "hi"},
    ),
    VendorCall("ollama-show", ollama.ShowResponse, path="/ollama/api/show", request={"model": "llama3.2"}),
    VendorCall("ollama-pull_model", ollama.ProgressResponse, path="/ollama/api/pull", request=WHOLE),
    VendorCall(
        "ollama-push_model",
        ollama.ProgressResponse,
        path="/ollama/api/push",
        request={**WHOLE, "model": "qwen3"},
    ),
    VendorCall(
        "ollama-create_model",
        ollama.ProgressResponse,
        path="/ollama/api/create",
        request={**WHOLE, "from": "qwen3"},
    ),
    VendorCall("ollama-tags", ollama.ListResponse, method="GET", path="/ollama/api/tags"),
    VendorCall("ollama-running_models", ollama.ProcessResponse, method="GET", path="/ollama/api/ps"),
]
WITHOUT_A_TYPE = {
    "ollama-version",  # the SDK has no such call
    "ollama-blobs",  # no body
    "ollama-stored_blob",  # no body
    "ollama-copy_model",
    "ollama-delete_model",
    "ollama-chat",  # OpenAI's protocol
    "ollama-completions",
    "ollama-embeddings",
    "ollama-models",
}


def streamed(content: bytes) -> list[Any]:
    """Return the objects of a stream, as server-sent events or as lines of JSON."""
    lines = content.decode().splitlines()
    if lines[0].startswith("{"):
        return [json.loads(line) for line in lines]
    data = [line[6:] for line in lines if line.startswith("data: ") and line != "data: [DONE]"]
    return [json.loads(each) for each in data]


@pytest.mark.parametrize("user", [user for user in USERS if user != "filtered"])
@pytest.mark.parametrize("call", GENERATING, ids=lambda call: call.name)
def test_vendor_reply_has_required_fields(call: VendorCall, user: str) -> None:
    whole = generated(call.name, user, stream=False)
    assert whole.status == 200
    require(call.body, whole.json)
    events = streamed(generated(call.name, user, stream=True).bytes)
    assert events
    for event in events:
        if event.get("event_type") == "tool-calls-chunk" and "text" in event:
            event |= {
                "tool_call_delta": {}
            }  # which the SDK requires, and recorded chunks of a plan do not have
        require(call.event, event)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("call", STREAMED, ids=lambda call: call.name)
def test_other_reply_has_required_fields(call: VendorCall, user: str) -> None:
    assert call.request is not None
    server = VirtualServer(RULES)
    requested = {name: user if value == "text" else value for name, value in call.request.items()}
    whole = server.respond(raw_request(call.path, {**requested, "stream": False}))
    assert whole.status == 200
    require(call.body, whole.json)
    events = streamed(server.respond(raw_request(call.path, {**requested, "stream": True})).bytes)
    assert events
    for event in events:
        require(call.event, event)


@pytest.mark.parametrize("call", LOOKUPS, ids=lambda call: call.name)
def test_vendor_lookup_has_required_fields(call: VendorCall) -> None:
    response = VirtualServer(RULES).respond(raw_request(call.path, call.request, method=call.method))
    assert response.status == 200, response.bytes
    require(call.body, response.json)


def test_every_vendor_call_has_an_sdk_type() -> None:
    covered = {*(call.name for call in (*GENERATING, *STREAMED, *LOOKUPS)), *WITHOUT_A_TYPE}
    known = {f"{name}-{call.id}" for name in ("cohere", "ollama") for call in BY_NAME[name].calls}
    assert known <= covered
