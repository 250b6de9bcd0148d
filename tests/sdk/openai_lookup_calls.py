"""Calls of OpenAI without a neutral request, with the SDK's type of each object."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from openai.types import (
    Batch,
    CreateEmbeddingResponse,
    FileDeleted,
    FileObject,
    ImagesResponse,
    Model,
    ModelDeleted,
    ModerationCreateResponse,
    Upload,
    VectorStore,
    VectorStoreDeleted,
    VectorStoreSearchResponse,
)
from openai.types import chat as openai_chat
from openai.types import responses as openai_responses
from openai.types.conversations import (
    Conversation,
    ConversationDeletedResource,
    ConversationItemList,
)
from openai.types.conversations import Message as ConversationMessage
from openai.types.realtime import ClientSecretCreateResponse
from openai.types.responses.input_token_count_response import InputTokenCountResponse
from openai.types.uploads import UploadPart
from openai.types.vector_stores import (
    FileContentResponse,
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileDeleted,
)
from openai.types.webhooks import (
    DeletedWebhookEndpoint,
    WebhookEndpoint,
    WebhookEndpointTestResult,
    WebhookEndpointWithSecret,
    WebhookEventTypeList,
)

from tests.dialects.openai.batches.batch_requests import form, line


class Lookup(NamedTuple):
    """A call with its own response: its id, its request, and the SDK's type of the member that a path of names
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
UPLOAD_ID, OTHER_UPLOAD_ID = "UPLOAD", "OTHER_UP"
STORED_UPLOAD = f"/v1/uploads/{UPLOAD_ID}"
ANNOUNCED = {"bytes": 0, "filename": "a.txt", "mime_type": "text/plain", "purpose": "vision"}
PART = form({"data": "text"}, None)
STORE_ID, FILE_BATCH_ID, GUIDE_ID = "VECTOR_S", "VECTOR_B", "GUIDE"
VECTOR_STORES, VECTOR_STORE = "/v1/vector_stores", f"/v1/vector_stores/{STORE_ID}"
STORE_FILE, FILE_BATCH = f"{VECTOR_STORE}/files/{GUIDE_ID}", f"{VECTOR_STORE}/file_batches/{FILE_BATCH_ID}"
GUIDE = form({"purpose": "assistants"}, ("guide.txt", b"The tower is in Paris."))
OPENAI_LOOKUPS = [
    Lookup(
        "openai-client_secrets", "POST", "/v1/realtime/client_secrets", ClientSecretCreateResponse, body={}
    ),
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
    Lookup("openai-uploads", "POST", "/v1/uploads", Upload, body=ANNOUNCED),
    Lookup("openai-upload_parts", "POST", f"{STORED_UPLOAD}/parts", UploadPart, body=PART),
    Lookup("openai-complete_upload", "POST", f"{STORED_UPLOAD}/complete", Upload, body={"part_ids": []}),
    Lookup("openai-cancel_upload", "POST", f"/v1/uploads/{OTHER_UPLOAD_ID}/cancel", Upload, body={}),
    Lookup("openai-batches", "POST", "/v1/batches", Batch, body=BATCH),
    Lookup("openai-list_batches", "GET", "/v1/batches", Batch, "data"),
    Lookup("openai-get_batch", "GET", STORED_BATCH, Batch),
    Lookup("openai-cancel_batch", "POST", f"{STORED_BATCH}/cancel", Batch),
    Lookup("openai-delete_file", "DELETE", STORED_FILE, FileDeleted),
    Lookup("openai-vector_stores", "POST", VECTOR_STORES, VectorStore, body={}),
    Lookup("openai-list_vector_stores", "GET", VECTOR_STORES, VectorStore, "data"),
    Lookup("openai-get_vector_store", "GET", VECTOR_STORE, VectorStore),
    Lookup("openai-update_vector_store", "POST", VECTOR_STORE, VectorStore, body={"name": "a"}),
    Lookup("openai-delete_vector_store", "DELETE", VECTOR_STORE, VectorStoreDeleted),
    Lookup(
        "openai-search_vector_store",
        "POST",
        f"{VECTOR_STORE}/search",
        VectorStoreSearchResponse,
        "data",
        {"query": "tower"},
    ),
    Lookup(
        "openai-vector_store_files",
        "POST",
        f"{VECTOR_STORE}/files",
        VectorStoreFile,
        body={"file_id": GUIDE_ID},
    ),
    Lookup("openai-list_vector_store_files", "GET", f"{VECTOR_STORE}/files", VectorStoreFile, "data"),
    Lookup("openai-get_vector_store_file", "GET", STORE_FILE, VectorStoreFile),
    Lookup("openai-update_vector_store_file", "POST", STORE_FILE, VectorStoreFile, body={"attributes": {}}),
    Lookup("openai-delete_vector_store_file", "DELETE", STORE_FILE, VectorStoreFileDeleted),
    Lookup("openai-vector_store_file_content", "GET", f"{STORE_FILE}/content", FileContentResponse, "data"),
    Lookup(
        "openai-vector_store_file_batches",
        "POST",
        f"{VECTOR_STORE}/file_batches",
        VectorStoreFileBatch,
        body={"files": [{"file_id": GUIDE_ID}]},
    ),
    Lookup("openai-get_vector_store_file_batch", "GET", FILE_BATCH, VectorStoreFileBatch),
    Lookup("openai-cancel_vector_store_file_batch", "POST", f"{FILE_BATCH}/cancel", VectorStoreFileBatch),
    Lookup("openai-list_vector_store_batch_files", "GET", f"{FILE_BATCH}/files", VectorStoreFile, "data"),
    Lookup("openai-moderations", "POST", "/v1/moderations", ModerationCreateResponse, body={"input": "hi"}),
    Lookup("openai-models", "GET", "/v1/models", Model, "data"),
    Lookup("openai-models", "GET", "/v1/models/gpt-4o", Model),
    Lookup("openai-models", "DELETE", "/v1/models/gpt-4o", ModelDeleted),
]
