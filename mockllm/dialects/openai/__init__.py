"""OpenAI's protocols: chat completions, responses, legacy completions, embeddings, moderations, models."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.openai.chat.dialect import Chat
from mockllm.dialects.openai.chat.stored_calls import ChatMessages, DeleteChat, GetChat, ListChat, UpdateChat
from mockllm.dialects.openai.completions import Completions
from mockllm.dialects.openai.embeddings import OpenAiEmbeddings
from mockllm.dialects.openai.errors import refused
from mockllm.dialects.openai.headers import limits
from mockllm.dialects.openai.models import WELL_KNOWN, OpenAiModels
from mockllm.dialects.openai.moderations import Moderations
from mockllm.dialects.openai.prices import PRICES
from mockllm.dialects.openai.responses.dialect import Responses
from mockllm.dialects.openai.responses.input_calls import Compact, InputTokens
from mockllm.dialects.openai.responses.stored_calls import (
    CancelResponse,
    DeleteResponse,
    GetResponse,
    InputItems,
)
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute

CHAT: Final = Chat()
LIST_CHAT: Final = ListChat()
GET_CHAT: Final = GetChat()
UPDATE_CHAT: Final = UpdateChat()
DELETE_CHAT: Final = DeleteChat()
CHAT_MESSAGES: Final = ChatMessages()
RESPONSES: Final = Responses()
INPUT_TOKENS: Final = InputTokens()
COMPACT: Final = Compact()
GET_RESPONSE: Final = GetResponse()
DELETE_RESPONSE: Final = DeleteResponse()
CANCEL_RESPONSE: Final = CancelResponse()
INPUT_ITEMS: Final = InputItems()
COMPLETIONS: Final = Completions()
EMBEDDINGS: Final = OpenAiEmbeddings()
MODERATIONS: Final = Moderations()
MODELS: Final = OpenAiModels()


_chat = ProviderCall(
    "chat",
    CHAT,
    operation="chat",
    title="OpenAI: chat, completions, embeddings, models, moderations",
    sdk_types=("openai.types.chat:ChatCompletion", "openai.types.chat:ChatCompletionChunk"),
    body_fields=("messages",),
)
_responses = ProviderCall(
    "responses",
    RESPONSES,
    operation="chat",
    title="OpenAI: responses",
    sdk_types=("openai.types.responses:Response", "openai.types.responses:ResponseStreamEvent"),
    body_fields=("input",),
)
_completions = ProviderCall(
    "completions",
    COMPLETIONS,
    operation="text_completion",
    sdk_types=("openai.types:Completion",) * 2,
    body_fields=("prompt",),
)
_embeddings = ProviderCall(
    "embeddings",
    EMBEDDINGS,
    operation="embeddings",
    sdk_types=("openai.types:CreateEmbeddingResponse",) * 2,
)
_moderations = ProviderCall(
    "moderations", MODERATIONS, sdk_types=("openai.types:ModerationCreateResponse",) * 2
)
_models = ProviderCall("models", MODELS)
_stored_chat, _stored_response = "/v1/chat/completions/{completion}", "/v1/responses/{response}"
_routes: Final = (
    ProviderRoute("POST", "/v1/chat/completions", _chat),
    ProviderRoute("GET", "/v1/chat/completions", ProviderCall("list_chat", LIST_CHAT)),
    ProviderRoute("GET", _stored_chat, ProviderCall("get_chat", GET_CHAT)),
    ProviderRoute("POST", _stored_chat, ProviderCall("update_chat", UPDATE_CHAT)),
    ProviderRoute("DELETE", _stored_chat, ProviderCall("delete_chat", DELETE_CHAT)),
    ProviderRoute("GET", f"{_stored_chat}/messages", ProviderCall("chat_messages", CHAT_MESSAGES)),
    ProviderRoute("POST", "/v1/responses", _responses),
    ProviderRoute("POST", "/v1/responses/input_tokens", ProviderCall("input_tokens", INPUT_TOKENS)),
    ProviderRoute("POST", "/v1/responses/compact", ProviderCall("compact", COMPACT)),
    ProviderRoute("GET", _stored_response, ProviderCall("get_response", GET_RESPONSE)),
    ProviderRoute("DELETE", _stored_response, ProviderCall("delete_response", DELETE_RESPONSE)),
    ProviderRoute("POST", f"{_stored_response}/cancel", ProviderCall("cancel_response", CANCEL_RESPONSE)),
    ProviderRoute("GET", f"{_stored_response}/input_items", ProviderCall("input_items", INPUT_ITEMS)),
    ProviderRoute("POST", "/v1/completions", _completions),
    ProviderRoute("POST", "/v1/embeddings", _embeddings),
    ProviderRoute("POST", "/v1/moderations", _moderations),
    ProviderRoute("DELETE", "/v1/models/{model}", _models),
    ProviderRoute("GET", "/v1/models", _models),
    ProviderRoute("GET", "/v1/models/{model}", _models),
)

UNSERVED: Final = tuple(
    f"/v1/{name}"
    for name in (
        "agents", "assistants", "audio", "batches", "chatkit", "containers",
        "content_provenance_checks", "conversations", "decisions", "evals", "files", "fine_tuning",
        "images", "live", "organization", "projects", "realtime", "safety", "skills", "threads",
        "uploads", "vaults", "vector_stores", "videos", "webhook_endpoints", "webhook_event_types",
    )
)  # fmt: skip
"""The starts of the paths of OpenAI's other calls (SDK: the modules of `openai.resources`). Served paths below them
are routes."""

PROVIDER: Final = Provider(
    name="openai",
    title="OpenAI",
    routes=_routes,
    base="/v1",
    base_url_shown=True,
    routes_in_404=True,
    unserved=UNSERVED,
    known_models=frozenset(WELL_KNOWN),
    limit_headers=limits,
    limit_refusal=refused,
    parameter_field="param",
    prices=PRICES,
    base_url_variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),  # the second one: older SDKs, LangChain
    key_variables=("OPENAI_API_KEY",),
)
