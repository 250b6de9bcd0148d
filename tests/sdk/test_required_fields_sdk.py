"""Each object that a call of OpenAI, Azure, Anthropic, Gemini or Mistral returns has the fields that the models of
the newest SDK require, with the SDK's types.

The SDKs themselves accept objects without them, so an upgrade of a package shows here what the protocol gained.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple, Union, get_origin

import pytest
from anthropic.types import (
    Message,
    ModelInfo,
    RawMessageStreamEvent,
)
from anthropic.types.messages import (
    DeletedMessageBatch,
    MessageBatchIndividualResponse,
)
from google.genai import types as genai
from mistralai.client import models as mistral
from openai.types import (
    Completion,
    ErrorObject,
)
from openai.types import chat as openai_chat
from openai.types import responses as openai_responses
from pydantic import TypeAdapter, ValidationError

from mockllm.core.json.codec import dumps
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider import ProviderCall
from mockllm.dialects.providers import BY_NAME, generating_dialect
from tests.dialects.openai.batches.batch_requests import BOUNDARY
from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request
from tests.sdk.lookup_calls import (
    CACHE,
    CACHE_NAME,
    CACHES,
    CLAUDE_BATCH_ID,
    CLAUDE_FILE_ID,
    CLAUDE_PARAMS,
    GEMINI_FILE_ID,
    LOOKUPS,
    MESSAGE_BATCH,
    MESSAGE_BATCHES,
    MISTRAL_AGENT,
    MISTRAL_AGENT_ID,
    MISTRAL_AGENTS,
    MISTRAL_BATCH,
    MISTRAL_BATCH_ID,
    MISTRAL_CONVERSATION,
    MISTRAL_CONVERSATION_ID,
    MISTRAL_CONVERSATIONS,
    MISTRAL_ENTRY_ID,
    MISTRAL_FILE_ID,
    MISTRAL_FILES,
    MISTRAL_JOBS,
    STORE_NAME,
    STORES,
    WITHOUT_A_TYPE,
)
from tests.sdk.openai_lookup_calls import (
    ANNOUNCED,
    BATCH,
    BATCH_ID,
    CHAT_ID,
    CONVERSATION_ID,
    ENDPOINT_ID,
    FILE_BATCH_ID,
    FILE_ID,
    GUIDE,
    GUIDE_ID,
    HOOK,
    ITEM,
    ITEM_ID,
    OTHER_UPLOAD_ID,
    RESPONSE_ID,
    STORE_ID,
    UPLOAD,
    UPLOAD_ID,
    VECTOR_STORES,
    Lookup,
)

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
    "anthropic-compatible_chat": GeneratingModels(
        openai_chat.ChatCompletion, openai_chat.ChatCompletionChunk
    ),
    "gemini-generate": GeneratingModels(genai.GenerateContentResponse, genai.GenerateContentResponse),
    "azure-chat": GeneratingModels(openai_chat.ChatCompletion, openai_chat.ChatCompletionChunk),
    "azure-responses": GeneratingModels(openai_responses.Response, openai_responses.ResponseStreamEvent),
    "vertex-messages": GeneratingModels(Message, RawMessageStreamEvent),
    "vertex-generate": GeneratingModels(genai.GenerateContentResponse, genai.GenerateContentResponse),
    "mistral-chat": GeneratingModels(mistral.ChatCompletionResponse, mistral.CompletionChunk),
}


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
PROVIDERS = ("openai", "anthropic", "gemini", "vertex", "azure", "mistral")


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


def generated(
    name: str, user: str, *, stream: bool, members: dict[str, Any] | None = None, **more: Any
) -> ClientResponse:
    provider, _, id = name.partition("-")
    dialect = generating_dialect(provider, id)
    assert dialect is not None
    wire = dialect.build_request(NeutralRequest(user=user, stream=stream, **more))
    return VirtualServer(RULES).respond(
        ClientRequest(
            wire.path.partition("?")[0],
            dumps({**wire.body, **(members or {})}),
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
        if (
            name == "azure-chat" and not event["object"]
        ):  # the recorded first chunk, of which only filters are set
            continue
        require(GENERATING[name].event, event)


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize("model", ["gpt-4o", "o3", "gpt-5-pro", "gpt-5.1", "gpt-5.4", "gpt-5", "gpt-6"])
@pytest.mark.parametrize("name", ["openai-chat", "openai-responses"])
def test_model_families_have_required_fields(name: str, model: str, stream: bool) -> None:
    more: dict[str, Any] = {"tools": (Tool("f", SCHEMA),), "response_format": Format("schema", "s", SCHEMA)}
    # GPT-6 refuses functions in chat completions while it reasons
    members = {"reasoning_effort": "none"} if (name, model) == ("openai-chat", "gpt-6") else None
    response = generated(name, "calls", stream=stream, members=members, model=model, **more)
    types = GENERATING[name]
    for value in objects(response) if stream else [response.json]:
        require(types.event if stream else types.body, value)


@pytest.fixture(scope="module")
def server() -> VirtualServer:
    return VirtualServer(RULES)


@pytest.fixture(scope="module")
def stored(server: VirtualServer) -> dict[str, str]:
    return stored_by(server)


def stored_by(server: VirtualServer) -> dict[str, str]:
    """Store a completion, a response, a conversation with an item, a cache and more; return their ids."""
    turns = [{"role": "user", "content": "calls"}]
    chat = raw_request("/v1/chat/completions", {"model": "gpt-4o", "messages": turns, "store": True})
    response = raw_request("/v1/responses", {"model": "gpt-5", "input": "calls", "background": True})
    conversation = server.respond(raw_request("/v1/conversations", {"items": [ITEM]})).json["id"]
    items = server.respond(raw_request(f"/v1/conversations/{conversation}/items", None, method="GET")).json[
        "data"
    ]
    guide = server.respond(sent("/v1/files", GUIDE)).json["id"]
    store = server.respond(raw_request(VECTOR_STORES, {}, now=NOW - 9)).json["id"]
    conversing = server.respond(raw_request(MISTRAL_CONVERSATIONS, MISTRAL_CONVERSATION)).json
    in_store = raw_request(f"{VECTOR_STORES}/{store}/file_batches", {"file_ids": [guide]}, now=NOW - 9)
    return {
        GUIDE_ID: guide,
        STORE_ID: store,
        FILE_BATCH_ID: server.respond(in_store).json["id"],
        CHAT_ID: server.respond(chat).json["id"],
        RESPONSE_ID: server.respond(response).json["id"],
        CONVERSATION_ID: conversation,
        ITEM_ID: items[0]["id"],
        CACHE_NAME: server.respond(raw_request(CACHES, CACHE)).json["name"],
        ENDPOINT_ID: server.respond(raw_request("/v1/webhook_endpoints", HOOK)).json["id"],
        FILE_ID: (file := server.respond(sent("/v1/files", UPLOAD)).json["id"]),
        GEMINI_FILE_ID: server.respond(sent("/upload/v1beta/files", UPLOAD)).json["file"]["name"],
        STORE_NAME: server.respond(raw_request(STORES, {})).json["name"],
        MISTRAL_FILE_ID: server.respond(sent(MISTRAL_FILES, UPLOAD)).json["id"],
        MISTRAL_BATCH_ID: server.respond(raw_request(MISTRAL_JOBS, MISTRAL_BATCH)).json["id"],
        MISTRAL_CONVERSATION_ID: conversing["conversation_id"],
        MISTRAL_ENTRY_ID: conversing["outputs"][0]["id"],
        MISTRAL_AGENT_ID: server.respond(raw_request(MISTRAL_AGENTS, MISTRAL_AGENT)).json["id"],
        CLAUDE_BATCH_ID: server.respond(sent(MESSAGE_BATCHES, MESSAGE_BATCH)).json["id"],
        CLAUDE_FILE_ID: server.respond(sent("/anthropic/v1/files", UPLOAD)).json["id"],
        UPLOAD_ID: server.respond(sent("/v1/uploads", ANNOUNCED)).json["id"],
        OTHER_UPLOAD_ID: server.respond(sent("/v1/uploads", ANNOUNCED)).json["id"],
        BATCH_ID: server.respond(sent("/v1/batches", {**BATCH, "input_file_id": file})).json["id"],
    }


def sent(path: str, body: Any, method: str = "POST") -> ClientRequest:
    """Return a request; bytes are a form."""
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"} if isinstance(body, bytes) else {}
    return raw_request(path, body, method=method, headers=headers)


@pytest.mark.parametrize("lookup", LOOKUPS, ids=lambda lookup: f"{lookup.call} {lookup.method} {lookup.path}")
def test_lookup_has_required_fields(lookup: Lookup, server: VirtualServer, stored: dict[str, str]) -> None:
    if lookup.method != "GET":  # on another server: others look up what this changes
        server = VirtualServer(RULES)
        stored = stored_by(server)
    path = lookup.path
    for name, id in stored.items():
        path = path.replace(name, id)
    body = lookup.body
    if isinstance(body, dict):
        text = json.dumps(body)
        for name, id in stored.items():
            text = text.replace(f'"{name}"', f'"{id}"')
        body = json.loads(text)
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
    as_elsewhere = {name for name, _ in calls() if name.startswith(("vertex-", "azure-"))}  # others' dialects
    assert {name for name, _ in calls()} - covered - as_elsewhere == set()
    assert covered - {name for name, _ in calls()} == set()
