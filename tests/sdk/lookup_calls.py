"""Calls of OpenAI, Anthropic, Gemini and Mistral without a neutral request, with the SDK's type of each object."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from anthropic.types import (
    DeletedFile,
    FileMetadata,
    MessageTokensCount,
    ModelInfo,
)
from anthropic.types.messages import (
    MessageBatch,
)
from google.genai import types as genai
from mistralai.client import models as mistral
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

STORES = "/v1beta/fileSearchStores"
MISTRAL_FILES, MISTRAL_JOBS = "/mistral/v1/files", "/mistral/v1/batch/jobs"
MISTRAL_BATCH = {
    "endpoint": "/v1/chat/completions",
    "model": "mistral-small-latest",
    "requests": [{"body": {"messages": [{"role": "user", "content": "hi"}]}}],
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
TEXT = {"model": "m", "input": ["hi"]}
TURNS = {"model": "m", "input": [{"role": "user", "content": "hi"}]}
UPLOAD_ID, OTHER_UPLOAD_ID = "UPLOAD", "OTHER_UP"
STORED_UPLOAD = f"/v1/uploads/{UPLOAD_ID}"
ANNOUNCED = {"bytes": 0, "filename": "a.txt", "mime_type": "text/plain", "purpose": "vision"}
PART = form({"data": "text"}, None)
STORE_ID, FILE_BATCH_ID, GUIDE_ID = "VECTOR_S", "VECTOR_B", "GUIDE"
VECTOR_STORES, VECTOR_STORE = "/v1/vector_stores", f"/v1/vector_stores/{STORE_ID}"
STORE_FILE, FILE_BATCH = f"{VECTOR_STORE}/files/{GUIDE_ID}", f"{VECTOR_STORE}/file_batches/{FILE_BATCH_ID}"
GUIDE = form({"purpose": "assistants"}, ("guide.txt", b"The tower is in Paris."))
GEMINI_FILE_ID = "GEMINI_F"
MISTRAL_FILE_ID = "MISTRAL_F"
MISTRAL_BATCH_ID = "MISTRAL_B"
STORE_NAME = "STORE_N"
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
    Lookup("gemini-create_file_store", "POST", STORES, genai.FileSearchStore, body={"displayName": "a"}),
    Lookup("gemini-list_file_stores", "GET", STORES, genai.FileSearchStore, "fileSearchStores"),
    Lookup("gemini-get_file_store", "GET", f"/v1beta/{STORE_NAME}", genai.FileSearchStore),
    Lookup("mistral-files", "POST", MISTRAL_FILES, mistral.CreateFileResponse, body=UPLOAD),
    Lookup("mistral-list_files", "GET", MISTRAL_FILES, mistral.ListFilesResponse),
    Lookup("mistral-get_file", "GET", f"{MISTRAL_FILES}/{MISTRAL_FILE_ID}", mistral.GetFileResponse),
    Lookup("mistral-delete_file", "DELETE", f"{MISTRAL_FILES}/{MISTRAL_FILE_ID}", mistral.DeleteFileResponse),
    Lookup("mistral-file_url", "GET", f"{MISTRAL_FILES}/{MISTRAL_FILE_ID}/url", mistral.GetSignedURLResponse),
    Lookup("mistral-batches", "POST", MISTRAL_JOBS, mistral.BatchJob, body=MISTRAL_BATCH),
    Lookup("mistral-list_batches", "GET", MISTRAL_JOBS, mistral.ListBatchJobsResponse),
    Lookup("mistral-get_batch", "GET", f"{MISTRAL_JOBS}/{MISTRAL_BATCH_ID}", mistral.BatchJob),
    Lookup("mistral-cancel_batch", "POST", f"{MISTRAL_JOBS}/{MISTRAL_BATCH_ID}/cancel", mistral.BatchJob),
    Lookup(
        "mistral-delete_batch",
        "DELETE",
        f"{MISTRAL_JOBS}/{MISTRAL_BATCH_ID}",
        mistral.DeleteBatchJobResponse,
    ),
    Lookup(
        "mistral-speech", "POST", "/mistral/v1/audio/speech", mistral.SpeechResponse, body={"input": "hi"}
    ),
    Lookup(
        "mistral-transcriptions",
        "POST",
        "/mistral/v1/audio/transcriptions",
        mistral.TranscriptionResponse,
        body={"model": "voxtral-mini-latest", "file_url": "http://a.example/a.wav"},
    ),
    Lookup("gemini-models", "GET", "/v1beta/models", genai.Model, "models"),
    Lookup("gemini-models", "GET", "/v1beta/models/gemini-2.5-flash", genai.Model),
    Lookup(
        "mistral-embeddings",
        "POST",
        "/mistral/v1/embeddings",
        mistral.EmbeddingResponse,
        body={"model": "mistral-embed", "input": ["hi"]},
    ),
    Lookup(
        "mistral-fim",
        "POST",
        "/mistral/v1/fim/completions",
        mistral.FIMCompletionResponse,
        body={"model": "codestral-latest", "prompt": "hi"},
    ),
    Lookup(
        "mistral-ocr",
        "POST",
        "/mistral/v1/ocr",
        mistral.OCRResponse,
        body={"document": {"type": "document_url", "document_url": "http://a.example"}},
    ),
    Lookup("mistral-moderations", "POST", "/mistral/v1/moderations", mistral.ModerationResponse, body=TEXT),
    Lookup(
        "mistral-chat_moderations",
        "POST",
        "/mistral/v1/chat/moderations",
        mistral.ModerationResponse,
        body=TURNS,
    ),
    Lookup(
        "mistral-classifications",
        "POST",
        "/mistral/v1/classifications",
        mistral.ClassificationResponse,
        body=TEXT,
    ),
    Lookup(
        "mistral-chat_classifications",
        "POST",
        "/mistral/v1/chat/classifications",
        mistral.ClassificationResponse,
        body=TURNS,
    ),
    Lookup("mistral-models", "GET", "/mistral/v1/models", mistral.ModelList),
    Lookup("mistral-models", "GET", "/mistral/v1/models/mistral-small-latest", mistral.BaseModelCard),
]
WITHOUT_A_TYPE = {
    "anthropic-complete",  # the newest package has no such call
    "gemini-images",  # tests/sdk/test_gemini_media_sdk.py
    "gemini-delete_file_store",  # tests/sdk/test_gemini_file_search_sdk.py
    "gemini-upload_document",
    "gemini-import_file",
    "gemini-file_search_operations",
    "gemini-list_documents",
    "gemini-get_document",
    "gemini-delete_document",
    "mistral-file_content",  # bytes
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
    "gemini-embedding_batches",
    "gemini-list_batches",
    "gemini-get_batch",
    "gemini-cancel_batch",
    "gemini-delete_batch",
    "vertex-batches",  # BatchJob has no required field: tests/sdk/test_vertex_batch_jobs_sdk.py
    *(f"vertex-{verb}_batch" for verb in ("get", "cancel", "delete")),
    "vertex-list_batches",
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
    "gemini-interactions",  # tests/sdk/test_required_fields_of_vendors_sdk.py
    *(f"gemini-{verb}_interaction" for verb in ("get", "delete", "cancel")),
    "gemini-live",  # sockets: tests/sdk/test_gemini_live_sdk.py reads their messages by the SDK's types
    "gemini-live_handshake",
    "gemini-live_setup",
    "gemini-transcription",
    "mistral-completions",  # mistralai has no such call
}
"""The calls whose objects no SDK of these four describes on its own."""
