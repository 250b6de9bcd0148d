"""Each object that a call of OpenAI, Anthropic, Gemini or Mistral returns has the fields that the models of the
newest SDK require, with the SDK's types.

The SDKs themselves accept objects without them, so an upgrade of a package shows here what the protocol gained.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple, Union, get_origin

import pytest
from anthropic.types import (
    DeletedFile,
    FileMetadata,
    Message,
    MessageTokensCount,
    ModelInfo,
    RawMessageStreamEvent,
)
from anthropic.types.messages import (
    DeletedMessageBatch,
    MessageBatch,
    MessageBatchIndividualResponse,
)
from google.genai import types as genai
from mistralai.client import models as mistral
from openai.types import (
    Batch,
    Completion,
    CreateEmbeddingResponse,
    ErrorObject,
    FileDeleted,
    FileObject,
    ImagesResponse,
    Model,
    ModelDeleted,
    ModerationCreateResponse,
)
from openai.types import chat as openai_chat
from openai.types import responses as openai_responses
from openai.types.conversations import (
    Conversation,
    ConversationDeletedResource,
    ConversationItemList,
)
from openai.types.conversations import Message as ConversationMessage
from openai.types.responses.input_token_count_response import InputTokenCountResponse
from openai.types.webhooks import (
    DeletedWebhookEndpoint,
    WebhookEndpoint,
    WebhookEndpointTestResult,
    WebhookEndpointWithSecret,
    WebhookEventTypeList,
)
from pydantic import TypeAdapter, ValidationError

from mockllm.core.json.codec import dumps
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider import ProviderCall
from mockllm.dialects.providers import BY_NAME
from mockllm.dialects.registry import generating_dialect
from tests.dialects.openai.batches.batch_requests import BOUNDARY, form, line
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - {match: {user: text}, reply: {text: "Forty two.", usage: {cached_tokens: 2, cache_write_tokens: 1}}}
  - {match: {user: thought}, reply: {thinking: Hm., text: So.}}
  - {match: {user: calls}, reply: {text: Let me see., tool_calls: [{name: f, arguments: {a: 1}}, {name: f}]}}
  - {match: {user: refused}, reply: {refusal: No.}}
  - match: {user: cited}
    reply: {text: It rains., citations: [{url: "http://a.example", title: A, words: rains}]}
  - match: {user: tools}
    reply:
      server_tools:
        - web_search: {query: q, sources: ["http://a.example"]}
        - web_fetch: {url: "http://a.example", text: hello}
        - code_interpreter: {code: x, logs: "1"}
        - bash: {command: ls, stdout: a}
        - text_editor: {command: view, path: a.txt, text: hi}
        - tool_search: {query: q, tools: [f]}
      text: So.
  - {match: {user: cut}, reply: {text: One two three four five., finish_reason: length}}
  - {match: {user: filtered}, reply: {text: One., finish_reason: content_filter}}
  - {match: {user: broken}, error: server_error}
  - {reply: Hi.}
"""
USERS = ("text", "thought", "calls", "refused", "cited", "cut", "filtered")
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


class GeneratingModels(NamedTuple):
    """The SDK's types of a generating call: of a body, and of an event of a stream."""

    body: Any
    event: Any


GENERATING = {
    "openai-chat": GeneratingModels(openai_chat.ChatCompletion, openai_chat.ChatCompletionChunk),
    "openai-responses": GeneratingModels(openai_responses.Response, openai_responses.ResponseStreamEvent),
    "openai-completions": GeneratingModels(Completion, Completion),
    "anthropic-messages": GeneratingModels(Message, RawMessageStreamEvent),
    "gemini-generate": GeneratingModels(genai.GenerateContentResponse, genai.GenerateContentResponse),
    "vertex-generate": GeneratingModels(genai.GenerateContentResponse, genai.GenerateContentResponse),
    "mistral-chat": GeneratingModels(mistral.ChatCompletionResponse, mistral.CompletionChunk),
}


class Lookup(NamedTuple):
    """A call with a response of its own: its id, its request, and the SDK's type of the member that a path of names
    leads to (each item, where that is a list)."""

    call: str
    method: str
    path: str
    model: Any
    member: str = ""
    body: Any = None


CHAT_ID, RESPONSE_ID = "CHAT", "RESPONSE"
"""In place of the id of a stored object."""
CONVERSATION_ID, ITEM_ID, ENDPOINT_ID = "CONVERSATION", "ITEM", "ENDPOINT"
CONVERSATION, ENDPOINT = f"/v1/conversations/{CONVERSATION_ID}", f"/v1/webhook_endpoints/{ENDPOINT_ID}"
ITEM = {"type": "message", "role": "user", "content": "hi"}
HOOK = {"name": "mine", "url": "http://127.0.0.1:9/hook", "event_types": ["response.completed"]}
STORED_CHAT, STORED_RESPONSE = f"/v1/chat/completions/{CHAT_ID}", f"/v1/responses/{RESPONSE_ID}"
FILE_ID, BATCH_ID = "FILE", "BATCH"
STORED_FILE, STORED_BATCH = f"/v1/files/{FILE_ID}", f"/v1/batches/{BATCH_ID}"
BATCH = {"input_file_id": FILE_ID, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
UPLOAD = form({"purpose": "batch"}, ("in.jsonl", json.dumps(line("text", "a")).encode()))
"""A form with a file of one request."""
GEMINI_FILE_ID = "GEMINI_F"
CLAUDE_BATCH_ID, CLAUDE_FILE_ID = "CLAUDE_B", "CLAUDE_F"
MESSAGE_BATCHES = "/v1/messages/batches"
CLAUDE_PARAMS = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "text"}],
}
MESSAGE_BATCH = {"requests": [{"custom_id": "a", "params": CLAUDE_PARAMS}]}
CONTENT = {"parts": [{"text": "hi"}]}
CACHES, CACHE_NAME = "/v1beta/cachedContents", "CACHE"
CACHE = {"model": "models/m", "contents": [CONTENT]}
GEMINI_PATH = "/v1beta/models/gemini-embedding-001"
LOOKUPS = [
    Lookup("openai-list_chat", "GET", "/v1/chat/completions", openai_chat.ChatCompletion, "data"),
    Lookup("openai-get_chat", "GET", STORED_CHAT, openai_chat.ChatCompletion),
    Lookup(
        "openai-update_chat", "POST", STORED_CHAT, openai_chat.ChatCompletion, body={"metadata": {"a": "b"}}
    ),
    Lookup(
        "openai-chat_messages",
        "GET",
        f"{STORED_CHAT}/messages",
        openai_chat.ChatCompletionStoreMessage,
        "data",
    ),
    Lookup("openai-delete_chat", "DELETE", STORED_CHAT, openai_chat.ChatCompletionDeleted),
    Lookup("openai-get_response", "GET", STORED_RESPONSE, openai_responses.Response),
    Lookup("openai-cancel_response", "POST", f"{STORED_RESPONSE}/cancel", openai_responses.Response),
    Lookup(
        "openai-input_items", "GET", f"{STORED_RESPONSE}/input_items", openai_responses.ResponseItem, "data"
    ),
    Lookup(
        "openai-input_tokens",
        "POST",
        "/v1/responses/input_tokens",
        InputTokenCountResponse,
        body={"input": "hi"},
    ),
    Lookup(
        "openai-compact",
        "POST",
        "/v1/responses/compact",
        openai_responses.CompactedResponse,
        body={"model": "gpt-5", "input": "hi"},
    ),
    Lookup(
        "openai-embeddings",
        "POST",
        "/v1/embeddings",
        CreateEmbeddingResponse,
        body={"model": "m", "input": "hi"},
    ),
    Lookup("openai-conversation_create", "POST", "/v1/conversations", Conversation, body={"items": [ITEM]}),
    Lookup("openai-conversation_get", "GET", CONVERSATION, Conversation),
    Lookup("openai-conversation_update", "POST", CONVERSATION, Conversation, body={"metadata": {"a": "b"}}),
    Lookup(
        "openai-conversation_add_items",
        "POST",
        f"{CONVERSATION}/items",
        ConversationItemList,
        body={"items": [ITEM]},
    ),
    Lookup("openai-conversation_items", "GET", f"{CONVERSATION}/items", ConversationItemList),
    Lookup("openai-conversation_get_item", "GET", f"{CONVERSATION}/items/{ITEM_ID}", ConversationMessage),
    Lookup("openai-conversation_delete_item", "DELETE", f"{CONVERSATION}/items/{ITEM_ID}", Conversation),
    Lookup("openai-conversation_delete", "DELETE", CONVERSATION, ConversationDeletedResource),
    Lookup("openai-webhook_create", "POST", "/v1/webhook_endpoints", WebhookEndpointWithSecret, body=HOOK),
    Lookup("openai-webhook_list", "GET", "/v1/webhook_endpoints", WebhookEndpoint, "data"),
    Lookup("openai-webhook_get", "GET", ENDPOINT, WebhookEndpoint),
    Lookup("openai-webhook_update", "POST", ENDPOINT, WebhookEndpoint, body={"name": "other"}),
    Lookup("openai-webhook_rotate", "POST", f"{ENDPOINT}/rotate_secret", WebhookEndpointWithSecret, body={}),
    Lookup(
        "openai-webhook_test",
        "POST",
        f"{ENDPOINT}/test",
        WebhookEndpointTestResult,
        body={"event_type": "response.completed"},
    ),
    Lookup("openai-webhook_delete", "DELETE", ENDPOINT, DeletedWebhookEndpoint),
    Lookup("openai-webhook_event_types", "GET", "/v1/webhook_event_types", WebhookEventTypeList),
    Lookup(
        "openai-images",
        "POST",
        "/v1/images/generations",
        ImagesResponse,
        body={"model": "gpt-image-2", "prompt": "a cat"},
    ),
    Lookup("openai-files", "POST", "/v1/files", FileObject, body=UPLOAD),
    Lookup("openai-list_files", "GET", "/v1/files", FileObject, "data"),
    Lookup("openai-get_file", "GET", STORED_FILE, FileObject),
    Lookup("openai-batches", "POST", "/v1/batches", Batch, body=BATCH),
    Lookup("openai-list_batches", "GET", "/v1/batches", Batch, "data"),
    Lookup("openai-get_batch", "GET", STORED_BATCH, Batch),
    Lookup("openai-cancel_batch", "POST", f"{STORED_BATCH}/cancel", Batch),
    Lookup("openai-delete_file", "DELETE", STORED_FILE, FileDeleted),
    Lookup("openai-moderations", "POST", "/v1/moderations", ModerationCreateResponse, body={"input": "hi"}),
    Lookup("openai-models", "GET", "/v1/models", Model, "data"),
    Lookup("openai-models", "GET", "/v1/models/gpt-4o", Model),
    Lookup("openai-models", "DELETE", "/v1/models/gpt-4o", ModelDeleted),
    Lookup(
        "anthropic-count_tokens",
        "POST",
        "/v1/messages/count_tokens",
        MessageTokensCount,
        body={"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]},
    ),
    Lookup("anthropic-batches", "POST", MESSAGE_BATCHES, MessageBatch, body=MESSAGE_BATCH),
    Lookup("anthropic-list_batches", "GET", MESSAGE_BATCHES, MessageBatch, "data"),
    Lookup("anthropic-get_batch", "GET", f"{MESSAGE_BATCHES}/{CLAUDE_BATCH_ID}", MessageBatch),
    Lookup("anthropic-cancel_batch", "POST", f"{MESSAGE_BATCHES}/{CLAUDE_BATCH_ID}/cancel", MessageBatch),
    Lookup("anthropic-files", "POST", "/anthropic/v1/files", FileMetadata, body=UPLOAD),
    Lookup("anthropic-list_files", "GET", "/anthropic/v1/files", FileMetadata, "data"),
    Lookup("anthropic-get_file", "GET", f"/anthropic/v1/files/{CLAUDE_FILE_ID}", FileMetadata),
    Lookup("anthropic-delete_file", "DELETE", f"/anthropic/v1/files/{CLAUDE_FILE_ID}", DeletedFile),
    Lookup("anthropic-models", "GET", "/anthropic/v1/models", ModelInfo, "data"),
    Lookup("anthropic-models", "GET", "/anthropic/v1/models/claude-sonnet-4-5", ModelInfo),
    Lookup(
        "gemini-count_tokens",
        "POST",
        f"{GEMINI_PATH}:countTokens",
        genai.CountTokensResponse,
        body={"contents": [CONTENT]},
    ),
    Lookup(
        "gemini-embeddings",
        "POST",
        f"{GEMINI_PATH}:batchEmbedContents",
        genai.EmbedContentResponse,
        body={"requests": [{"model": "models/gemini-embedding-001", "content": CONTENT}]},
    ),
    Lookup("gemini-create_cache", "POST", CACHES, genai.CachedContent, body=CACHE),
    Lookup("gemini-list_caches", "GET", CACHES, genai.CachedContent, "cachedContents"),
    Lookup("gemini-get_cache", "GET", f"/v1beta/{CACHE_NAME}", genai.CachedContent),
    Lookup("gemini-update_cache", "PATCH", f"/v1beta/{CACHE_NAME}", genai.CachedContent, body={"ttl": "9s"}),
    Lookup("gemini-delete_cache", "DELETE", f"/v1beta/{CACHE_NAME}", genai.DeleteCachedContentResponse),
    Lookup("gemini-files", "POST", "/upload/v1beta/files", genai.File, "file", body=UPLOAD),
    Lookup("gemini-list_files", "GET", "/v1beta/files", genai.File, "files"),
    Lookup("gemini-get_file", "GET", f"/v1beta/{GEMINI_FILE_ID}", genai.File),
    Lookup("gemini-delete_file", "DELETE", f"/v1beta/{GEMINI_FILE_ID}", genai.DeleteFileResponse),
    Lookup("gemini-models", "GET", "/v1beta/models", genai.Model, "models"),
    Lookup("gemini-models", "GET", "/v1beta/models/gemini-2.5-flash", genai.Model),
    Lookup(
        "mistral-embeddings",
        "POST",
        "/mistral/v1/embeddings",
        mistral.EmbeddingResponse,
        body={"model": "mistral-embed", "input": ["hi"]},
    ),
    Lookup("mistral-models", "GET", "/mistral/v1/models", mistral.ModelList),
    Lookup("mistral-models", "GET", "/mistral/v1/models/mistral-small-latest", mistral.BaseModelCard),
]
WITHOUT_A_TYPE = {
    "anthropic-complete",  # the newest package has no such call
    "gemini-images",  # tests/sdk/test_gemini_media_sdk.py
    "gemini-videos",
    "gemini-operations",
    "vertex-images",
    "vertex-videos",
    "vertex-operations",
    "openai-image_files",  # images and audio as bytes
    "openai-speech",
    "openai-image_edits",  # forms: tests/sdk/test_media_sdk.py
    "openai-image_variations",
    "openai-transcriptions",
    "openai-translations",
    "openai-video_content",
    "openai-video_edits",
    "openai-videos",  # tests/sdk/test_media_sdk.py
    "openai-list_videos",
    "openai-get_video",
    "openai-delete_video",
    "openai-video_remix",
    "openai-delete_response",  # the SDK returns None
    "openai-file_content",  # bytes
    "gemini-batches",  # operations, of which the SDK makes a BatchJob: tests/sdk/test_batches_sdk.py
    "gemini-list_batches",
    "gemini-get_batch",
    "gemini-cancel_batch",
    "gemini-delete_batch",
    "anthropic-file_content",  # bytes, or an error
    "anthropic-batch_results",  # lines: test_message_batch_has_required_fields
    "anthropic-delete_batch",
    "openai-realtime",  # sockets: tests/sdk/test_realtime_sdk.py and test_responses_socket_sdk.py have their events
    "openai-realtime_handshake",
    "openai-responses_handshake",
    "openai-responses_socket",
    "openai-transcription",
    "openai-warm_up",
    "gemini-compatible_chat",  # vendors: OpenAI's SDK reads them, which accepts objects without its fields
    "gemini-compatible_completions",
    "gemini-compatible_embeddings",
    "gemini-compatible_models",
    "gemini-interactions",  # tests/sdk/test_gemini_interactions_sdk.py reads them by the SDK's types
    *(f"gemini-{verb}_interaction" for verb in ("get", "delete", "cancel")),
    "gemini-live",  # sockets: tests/sdk/test_gemini_live_sdk.py reads their messages by the SDK's types
    "gemini-live_handshake",
    "gemini-live_setup",
    "gemini-transcription",
    "mistral-completions",  # mistralai has no such call
}
"""The calls whose objects no SDK of these four describes on its own."""
DIFFERENT = (
    (Completion, " choices.0.finish_reason: ", "null before a stream's last chunk, as recorded"),
    (openai_chat.ChatCompletionStoreMessage, " role: ", "a message of the request has its own role"),
    (ModelInfo, " capabilities.server_tools: ", "newer than the last recording of the list, of August 2026"),
    (ModelInfo, " capabilities.thinking.types.", "newer than the last recording of the list, of August 2026"),
    (
        openai_responses.CompactedResponse,
        " output.0.",
        "the user's messages, which the type's docstring names",
    ),
)
"""Wrong fields that are meant: the SDK's type of an object, the start of the field, the reason."""
PROVIDERS = ("openai", "anthropic", "gemini", "vertex", "mistral")


@cache
def adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def wrong_fields(model: Any, value: Any) -> list[str]:
    """Return the fields that the SDK's type requires and that the object lacks or has in another type. Of a union of
    types, the one with the fewest is meant. Further fields are right: an SDK learns of them later."""
    try:
        adapter(model).validate_json(dumps(value))
    except ValidationError as invalid:
        errors = [error for error in invalid.errors() if error["type"] != "extra_forbidden"]
    else:
        return []
    union = get_origin(model) in (Annotated, Union)
    members: dict[Any, list[str]] = {}
    for error in errors:
        member, *place = error["loc"] if union else (None, *error["loc"])
        members.setdefault(member, []).append(f"{member or ''} {'.'.join(map(str, place))}: {error['msg']}")
    return min(members.values(), key=len, default=[])


def require(model: Any, value: Any) -> None:
    meant = tuple(field for type_, field, _ in DIFFERENT if type_ is model)
    assert [field for field in wrong_fields(model, value) if not field.startswith(meant)] == [], value


def calls() -> Iterator[tuple[str, ProviderCall]]:
    for name in PROVIDERS:
        for call in BY_NAME[name].calls:
            yield f"{name}-{call.id}", call


def generated(name: str, user: str, *, stream: bool, **more: Any) -> ClientResponse:
    provider, _, id = name.partition("-")
    dialect = generating_dialect(provider, id)
    assert dialect is not None
    wire = dialect.build_request(NeutralRequest(user=user, stream=stream, **more))
    return VirtualServer(RULES).respond(
        ClientRequest(
            wire.path.partition("?")[0],
            dumps(wire.body),
            wire.method,
            wire.path.partition("?")[2],
            wire.headers,
        )
    )


def objects(response: ClientResponse) -> list[Any]:
    """Return the JSON objects of a stream."""
    text = response.bytes.decode().replace("\r\n", "\n")
    if text.startswith("["):
        return list(json.loads(text))
    data = [line[6:] for line in text.split("\n") if line.startswith("data: ") and line != "data: [DONE]"]
    return [json.loads(each) for each in data]


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", GENERATING)
def test_body_has_required_fields(name: str, user: str) -> None:
    response = generated(name, user, stream=False)
    assert response.status == 200
    require(GENERATING[name].body, response.json)


def test_anthropic_server_tools_have_required_fields() -> None:
    models = GENERATING["anthropic-messages"]
    require(models.body, generated("anthropic-messages", "tools", stream=False).json)
    for event in objects(generated("anthropic-messages", "tools", stream=True)):
        if event != {"type": "ping"}:
            require(models.event, event)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", GENERATING)
def test_events_have_required_fields(name: str, user: str) -> None:
    events = objects(generated(name, user, stream=True))
    assert events
    for event in events:
        if event == {"type": "ping"}:  # Anthropic's SDK drops it before it reads an event
            continue
        require(GENERATING[name].event, event)


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize("model", ["gpt-4o", "o3", "gpt-5-pro", "gpt-5.1", "gpt-5.4", "gpt-5", "gpt-6"])
@pytest.mark.parametrize("name", ["openai-chat", "openai-responses"])
def test_model_families_have_required_fields(name: str, model: str, stream: bool) -> None:
    more: dict[str, Any] = {"tools": (Tool("f", SCHEMA),), "response_format": Format("schema", "s", SCHEMA)}
    response = generated(name, "calls", stream=stream, model=model, **more)
    types = GENERATING[name]
    for value in objects(response) if stream else [response.json]:
        require(types.event if stream else types.body, value)


@pytest.fixture(scope="module")
def server() -> VirtualServer:
    return VirtualServer(RULES)


@pytest.fixture(scope="module")
def stored(server: VirtualServer) -> dict[str, str]:
    """The ids of what was stored: a completion, a response, a conversation, its item, a cache, and an endpoint."""
    turns = [{"role": "user", "content": "calls"}]
    chat = raw_request("/v1/chat/completions", {"model": "gpt-4o", "messages": turns, "store": True})
    response = raw_request("/v1/responses", {"model": "gpt-5", "input": "calls", "background": True})
    conversation = server.respond(raw_request("/v1/conversations", {"items": [ITEM]})).json["id"]
    items = server.respond(raw_request(f"/v1/conversations/{conversation}/items", None, method="GET")).json[
        "data"
    ]
    return {
        CHAT_ID: server.respond(chat).json["id"],
        RESPONSE_ID: server.respond(response).json["id"],
        CONVERSATION_ID: conversation,
        ITEM_ID: items[0]["id"],
        CACHE_NAME: server.respond(raw_request(CACHES, CACHE)).json["name"],
        ENDPOINT_ID: server.respond(raw_request("/v1/webhook_endpoints", HOOK)).json["id"],
        FILE_ID: (file := server.respond(sent("/v1/files", UPLOAD)).json["id"]),
        GEMINI_FILE_ID: server.respond(sent("/upload/v1beta/files", UPLOAD)).json["file"]["name"],
        CLAUDE_BATCH_ID: server.respond(sent(MESSAGE_BATCHES, MESSAGE_BATCH)).json["id"],
        CLAUDE_FILE_ID: server.respond(sent("/anthropic/v1/files", UPLOAD)).json["id"],
        BATCH_ID: server.respond(sent("/v1/batches", {**BATCH, "input_file_id": file})).json["id"],
    }


def sent(path: str, body: Any, method: str = "POST") -> ClientRequest:
    """Return a request; bytes are a form."""
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"} if isinstance(body, bytes) else {}
    return raw_request(path, body, method=method, headers=headers)


@pytest.mark.parametrize("lookup", LOOKUPS, ids=lambda lookup: f"{lookup.call} {lookup.method} {lookup.path}")
def test_lookup_has_required_fields(lookup: Lookup, server: VirtualServer, stored: dict[str, str]) -> None:
    path = lookup.path
    for name, id in stored.items():
        path = path.replace(name, id)
    body = lookup.body
    if isinstance(body, dict):
        body = {
            name: stored.get(value, value) if type(value) is str else value for name, value in body.items()
        }
    response = server.respond(sent(path, body, lookup.method))
    assert response.status == 200
    value = response.json[lookup.member] if lookup.member else response.json
    for each in value if isinstance(value, list) else [value]:
        require(lookup.model, each)


def test_message_batch_has_required_fields(server: VirtualServer) -> None:
    broken = {**CLAUDE_PARAMS, "messages": [{"role": "user", "content": "broken"}]}
    items = [*MESSAGE_BATCH["requests"], {"custom_id": "b", "params": broken}]
    id = server.respond(sent(MESSAGE_BATCHES, {"requests": items})).json["id"]
    path = f"{MESSAGE_BATCHES}/{id}"
    later = ClientRequest(f"{path}/results", method="GET", now=NOW + 5)
    lines = server.respond(later).bytes.splitlines()
    assert len(lines) == 2
    for each in lines:
        require(MessageBatchIndividualResponse, json.loads(each))
    deleted = server.respond(ClientRequest(path, method="DELETE", now=NOW + 5))
    require(DeletedMessageBatch, deleted.json)


@pytest.mark.parametrize("name", ["openai-chat", "openai-responses", "openai-completions"])
def test_error_has_required_fields(name: str) -> None:
    response = generated(name, "broken", stream=False)
    assert response.status == 500
    require(ErrorObject, response.json["error"])


def test_every_call_has_an_sdk_type() -> None:
    covered = {*GENERATING, *(lookup.call for lookup in LOOKUPS), *WITHOUT_A_TYPE}
    as_elsewhere = {name for name, _ in calls() if name.startswith("vertex-")}  # Gemini's and Anthropic's own
    assert {name for name, _ in calls()} - covered - as_elsewhere == set()
    assert covered - {name for name, _ in calls()} == set()
