"""Calls of OpenAI, Anthropic, Gemini and Mistral without a neutral request, with the SDK's type of each object."""

from __future__ import annotations

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

from tests.sdk.openai_lookup_calls import OPENAI_LOOKUPS, UPLOAD, Lookup

STORES = "/v1beta/fileSearchStores"
MISTRAL_FILES, MISTRAL_JOBS = "/mistral/v1/files", "/mistral/v1/batch/jobs"
MISTRAL_CONVERSATIONS, MISTRAL_AGENTS = "/mistral/v1/conversations", "/mistral/v1/agents"
MISTRAL_CONVERSATION_ID, MISTRAL_AGENT_ID, MISTRAL_ENTRY_ID = "MISTRAL_C", "MISTRAL_A", "MISTRAL_E"
MISTRAL_CONVERSATION = {"model": "mistral-small-latest", "inputs": "calls"}
MISTRAL_AGENT = {"model": "mistral-small-latest", "name": "Guide"}
MISTRAL_BATCH = {
    "endpoint": "/v1/chat/completions",
    "model": "mistral-small-latest",
    "requests": [{"body": {"messages": [{"role": "user", "content": "hi"}]}}],
}


TEXT = {"model": "m", "input": ["hi"]}
TURNS = {"model": "m", "input": [{"role": "user", "content": "hi"}]}
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
    *OPENAI_LOOKUPS,
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
        "mistral-conversations",
        "POST",
        MISTRAL_CONVERSATIONS,
        mistral.ConversationResponse,
        body=MISTRAL_CONVERSATION,
    ),
    Lookup(
        "mistral-append_conversation",
        "POST",
        f"{MISTRAL_CONVERSATIONS}/{MISTRAL_CONVERSATION_ID}",
        mistral.ConversationResponse,
        body={"inputs": "text"},
    ),
    Lookup(
        "mistral-restart_conversation",
        "POST",
        f"{MISTRAL_CONVERSATIONS}/{MISTRAL_CONVERSATION_ID}/restart",
        mistral.ConversationResponse,
        body={"from_entry_id": MISTRAL_ENTRY_ID},
    ),
    Lookup("mistral-list_conversations", "GET", MISTRAL_CONVERSATIONS, mistral.ModelConversation),
    Lookup(
        "mistral-get_conversation",
        "GET",
        f"{MISTRAL_CONVERSATIONS}/{MISTRAL_CONVERSATION_ID}",
        mistral.ModelConversation,
    ),
    Lookup(
        "mistral-conversation_history",
        "GET",
        f"{MISTRAL_CONVERSATIONS}/{MISTRAL_CONVERSATION_ID}/history",
        mistral.ConversationHistory,
    ),
    Lookup(
        "mistral-conversation_messages",
        "GET",
        f"{MISTRAL_CONVERSATIONS}/{MISTRAL_CONVERSATION_ID}/messages",
        mistral.ConversationMessages,
    ),
    Lookup(
        "mistral-agent_completions",
        "POST",
        f"{MISTRAL_AGENTS}/completions",
        mistral.ChatCompletionResponse,
        body={"agent_id": MISTRAL_AGENT_ID, "messages": [{"role": "user", "content": "text"}]},
    ),
    Lookup("mistral-agents", "POST", MISTRAL_AGENTS, mistral.Agent, body=MISTRAL_AGENT),
    Lookup("mistral-list_agents", "GET", MISTRAL_AGENTS, mistral.Agent),
    Lookup("mistral-list_agent_pages", "GET", f"{MISTRAL_AGENTS}/pages", mistral.AgentListPage),
    Lookup("mistral-get_agent", "GET", f"{MISTRAL_AGENTS}/{MISTRAL_AGENT_ID}", mistral.Agent),
    Lookup(
        "mistral-update_agent",
        "PATCH",
        f"{MISTRAL_AGENTS}/{MISTRAL_AGENT_ID}",
        mistral.Agent,
        body={"name": "Other"},
    ),
    Lookup(
        "mistral-list_agent_versions", "GET", f"{MISTRAL_AGENTS}/{MISTRAL_AGENT_ID}/versions", mistral.Agent
    ),
    Lookup(
        "mistral-get_agent_version", "GET", f"{MISTRAL_AGENTS}/{MISTRAL_AGENT_ID}/versions/0", mistral.Agent
    ),
    Lookup(
        "mistral-list_agent_aliases",
        "GET",
        f"{MISTRAL_AGENTS}/{MISTRAL_AGENT_ID}/aliases",
        mistral.AgentAliasResponse,
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
    "mistral-delete_conversation",  # the SDK returns None
    "mistral-delete_agent",
    "mistral-delete_agent_alias",
    "mistral-set_agent_alias",  # queries: tests/sdk/test_mistral_conversations_sdk.py
    "mistral-switch_agent_version",
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
