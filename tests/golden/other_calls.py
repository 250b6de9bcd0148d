"""Requests to the calls beside those that generate, step by step: files, batches, media, caches, interactions and
text completions. A step stores a member of its response, whose name later steps write in angle brackets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from mockllm.core.media.audio import make_audio
from tests.dialects.openai.batches.batch_requests import BOUNDARY, form, line

FORM: Final = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
RULES: Final = """
rules:
  - {match: {user: limited}, error: rate_limit}
  - match: {api: [interactions, agent_conversations], tools: look}
    reply: {thinking: Hm., tool_calls: [{name: look, arguments: {a: 1}}]}
  - {match: {user: broken}, reply: {chunks: [One, {error: overloaded}]}}
  - {match: {api: transcriptions, form: {file: spoken.wav}}, reply: It rains.}
  - {match: {api: images, user: limited}, error: rate_limit}
  - {match: {api: images}, reply: {images: [{size: 8x8}]}}
  - {reply: Forty two.}
"""


class Step(NamedTuple):
    """One request, and the name of its golden file; `stores`: the name and the path of a member."""

    golden: str
    method: str
    path: str
    body: Any = None
    after: float = 0.0
    stores: tuple[str, str] | None = None
    headers: Mapping[str, str] = MappingProxyType({})


def _get(
    golden: str, path: str, after: float = 0.0, headers: Mapping[str, str] = MappingProxyType({})
) -> Step:
    return Step(golden, "GET", path, after=after, headers=headers)


LINES: Final = "\n".join(json.dumps(line(text, text)) for text in ("one", "limited")).encode()
UPLOAD: Final = form({"purpose": "batch"}, ("in.jsonl", LINES))
GUIDE: Final = form({"purpose": "assistants"}, ("guide.txt", b"The tower is in Paris."))
AZURE: Final = {"api-key": "k"}
AZURE_UPLOAD: Final = UPLOAD.replace(b"/v1/chat/completions", b"/chat/completions")
FIM: Final = {"model": "codestral-latest", "prompt": "def f():", "suffix": "x"}
SMALL: Final = {"model": "mistral-small-latest"}
MISTRAL_JOB: Final = {
    "input_files": ["<file>"],
    "endpoint": "/v1/chat/completions",
    "model": "mistral-small-latest",
}
BLOB_DIGEST: Final = f"sha256:{sha256(b'weights').hexdigest()}"
WAV: Final = make_audio("wav", 1.0, "x")
CLAUDE: Final = {"model": "claude-sonnet-4-5", "max_tokens": 9}
GEMINI: Final = "/v1beta/models/gemini-2.5-flash"
CONTENTS: Final = [{"role": "user", "parts": [{"text": "hi"}]}]
PROMPT: Final = {"model": "claude-2.1", "max_tokens_to_sample": 9, "prompt": "\n\nHuman: hi\n\nAssistant:"}
FLASH: Final = {"model": "gemini-2.5-flash"}
LOOK: Final = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]
LOOK_FUNCTION: Final = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
BATCH: Final = {"input_file_id": "<file>", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
PART: Final = form({}, ("blob", b"abc")).replace(b'name="file"', b'name="data"')

JOBS: Final = "/v1/projects/p/locations/us-central1/batchPredictionJobs"
JOB: Final = {
    "displayName": "mine",
    "model": "publishers/google/models/gemini-2.5-flash",
    "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://bucket/in.jsonl"]}},
    "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": "gs://bucket/out"}},
}
WIRES: Final[dict[str, list[Step]]] = {
    "openai-files": [
        Step("created", "POST", "/v1/files", UPLOAD, stores=("file", "id"), headers=FORM),
        _get("list", "/v1/files"),
        _get("file", "/v1/files/<file>"),
        _get("content", "/v1/files/<file>/content"),
        Step("deleted", "DELETE", "/v1/files/<file>"),
        _get("missing", "/v1/files/<file>"),
    ],
    "openai-uploads": [
        Step(
            "created",
            "POST",
            "/v1/uploads",
            {"bytes": 3, "filename": "a.txt", "mime_type": "text/plain", "purpose": "vision"},
            stores=("upload", "id"),
        ),
        Step("part", "POST", "/v1/uploads/<upload>/parts", PART, stores=("part", "id"), headers=FORM),
        Step("completed", "POST", "/v1/uploads/<upload>/complete", {"part_ids": ["<part>"]}),
        Step("ended", "POST", "/v1/uploads/<upload>/cancel", {}),
    ],
    "openai-vector-stores": [
        Step("file", "POST", "/v1/files", GUIDE, stores=("file", "id"), headers=FORM),
        Step("created", "POST", "/v1/vector_stores", {"name": "Guides"}, stores=("store", "id")),
        Step("added", "POST", "/v1/vector_stores/<store>/files", {"file_id": "<file>", "attributes": {"page": 3}}),
        _get("completed", "/v1/vector_stores/<store>/files/<file>", 9.0),
        _get("store", "/v1/vector_stores/<store>", 9.0),
        Step("found", "POST", "/v1/vector_stores/<store>/search", {"query": "Where is the tower?"}, 9.0),
        Step("batch", "POST", "/v1/vector_stores/<store>/file_batches", {"file_ids": ["<file>"]}),
        _get("files", "/v1/vector_stores/<store>/files", 9.0),
        Step("refused", "POST", "/v1/vector_stores/<store>/search", {}),
        Step("deleted", "DELETE", "/v1/vector_stores/<store>"),
        _get("missing", "/v1/vector_stores/<store>"),
    ],
    "azure-uploads": [
        Step("created", "POST", "/openai/uploads",
             {"bytes": 3, "filename": "a.txt", "mime_type": "text/plain", "purpose": "vision"},
             stores=("upload", "id"), headers=AZURE),
        Step("part", "POST", "/openai/v1/uploads/<upload>/parts", PART, stores=("part", "id"),
             headers={**FORM, **AZURE}),
        Step("completed", "POST", "/openai/uploads/<upload>/complete", {"part_ids": ["<part>"]}, headers=AZURE),
        Step("ended", "POST", "/openai/uploads/<upload>/cancel", {}, headers=AZURE),
    ],
    "openai-batches": [
        Step("file", "POST", "/v1/files", UPLOAD, stores=("file", "id"), headers=FORM),
        Step("created", "POST", "/v1/batches", BATCH, stores=("batch", "id")),
        _get("in-progress", "/v1/batches/<batch>", 0.5),
        Step("completed", "GET", "/v1/batches/<batch>", None, 9.0, ("output", "output_file_id")),
        _get("output", "/v1/files/<output>/content", 9.0),
        _get("list", "/v1/batches", 9.0),
        Step("refused-cancel", "POST", "/v1/batches/<batch>/cancel", {}, 9.0),
    ],
    "azure-batches": [
        Step("file", "POST", "/openai/files", AZURE_UPLOAD, stores=("file", "id"), headers={**FORM, **AZURE}),
        Step("created", "POST", "/openai/batches", {**BATCH, "endpoint": "/chat/completions"},
             stores=("batch", "id"), headers=AZURE),
        Step("completed", "GET", "/openai/batches/<batch>", None, 9.0, ("output", "output_file_id"), AZURE),
        _get("output", "/openai/files/<output>/content", 9.0, AZURE),
        _get("list", "/openai/v1/batches", 9.0, AZURE),
        Step("refused-cancel", "POST", "/openai/batches/<batch>/cancel", {}, 9.0, headers=AZURE),
        Step("deleted", "DELETE", "/openai/files/<file>", headers=AZURE),
        _get("missing", "/openai/files/<file>", headers=AZURE),
    ],
    "bedrock-embeddings": [
        Step("titan", "POST", "/model/amazon.titan-embed-text-v2:0/invoke", {"inputText": "cat", "dimensions": 256}),
        Step("cohere", "POST", "/model/cohere.embed-v4:0/invoke",
             {"texts": ["cat"], "input_type": "search_query", "output_dimension": 256,
              "embedding_types": ["int8", "ubinary"]}),
        Step("nova", "POST", "/model/amazon.nova-2-multimodal-embeddings-v1:0/invoke",
             {"singleEmbeddingParams": {"embeddingDimension": 256, "text": {"value": "cat"}}}),
        Step("refused", "POST", "/model/amazon.titan-embed-text-v1/invoke", {}),
    ],
    "mistral-own": [
        Step("fim", "POST", "/mistral/v1/fim/completions", FIM),
        Step("fim-stream", "POST", "/mistral/v1/fim/completions", {**FIM, "stream": True}),
        Step("fim-limited", "POST", "/mistral/v1/fim/completions", {**FIM, "prompt": "limited"}),
        Step("ocr", "POST", "/mistral/v1/ocr",
             {"model": "mistral-ocr-latest", "document": {"type": "document_url", "document_url": "https://a.example"}}),
        Step("moderation", "POST", "/mistral/v1/chat/moderations",
             {"model": "mistral-moderation-latest", "input": [{"role": "user", "content": "hi"}]}),
        Step("refused", "POST", "/mistral/v1/ocr", {}),
    ],
    "mistral-conversations": [
        Step("text", "POST", "/mistral/v1/conversations", {**SMALL, "inputs": "hi", "name": "Mine"},
             stores=("conversation", "conversation_id")),
        Step("text-stream", "POST", "/mistral/v1/conversations", {**SMALL, "inputs": "hi", "stream": True}),
        Step("calls", "POST", "/mistral/v1/conversations", {**SMALL, "inputs": "hi", "tools": LOOK_FUNCTION}),
        Step("calls-stream", "POST", "/mistral/v1/conversations",
             {**SMALL, "inputs": "hi", "tools": LOOK_FUNCTION, "stream": True}),
        Step("broken-stream", "POST", "/mistral/v1/conversations", {**SMALL, "inputs": "broken", "stream": True}),
        Step("limited", "POST", "/mistral/v1/conversations", {**SMALL, "inputs": "limited"}),
        Step("appended", "POST", "/mistral/v1/conversations/<conversation>", {"inputs": "more"}, 1.0),
        _get("conversation", "/mistral/v1/conversations/<conversation>", 2.0),
        _get("history", "/mistral/v1/conversations/<conversation>/history", 2.0),
        Step("refused", "POST", "/mistral/v1/conversations", {"inputs": "hi"}),
        Step("deleted", "DELETE", "/mistral/v1/conversations/<conversation>"),
        _get("missing", "/mistral/v1/conversations/<conversation>"),
    ],
    "mistral-agents": [
        Step("created", "POST", "/mistral/v1/agents", {**SMALL, "name": "Guide"}, stores=("agent", "id")),
        Step("changed", "PATCH", "/mistral/v1/agents/<agent>", {"instructions": "Be brief."}, 1.0),
        _get("pages", "/mistral/v1/agents/pages", 2.0),
        Step("completion", "POST", "/mistral/v1/agents/completions",
             {"agent_id": "<agent>", "messages": [{"role": "user", "content": "hi"}]}),
        Step("deleted", "DELETE", "/mistral/v1/agents/<agent>"),
        _get("missing", "/mistral/v1/agents/<agent>"),
    ],
    "mistral-files": [
        Step("created", "POST", "/mistral/v1/files", UPLOAD, stores=("file", "id"), headers=FORM),
        _get("list", "/mistral/v1/files"),
        _get("file", "/mistral/v1/files/<file>"),
        _get("content", "/mistral/v1/files/<file>/content"),
        _get("url", "/mistral/v1/files/<file>/url"),
        Step("deleted", "DELETE", "/mistral/v1/files/<file>"),
        _get("missing", "/mistral/v1/files/<file>"),
    ],
    "mistral-batches": [
        Step("file", "POST", "/mistral/v1/files", UPLOAD, stores=("file", "id"), headers=FORM),
        Step("created", "POST", "/mistral/v1/batch/jobs", MISTRAL_JOB, stores=("job", "id")),
        _get("running", "/mistral/v1/batch/jobs/<job>", 0.5),
        Step("succeeded", "GET", "/mistral/v1/batch/jobs/<job>", None, 9.0, ("output", "output_file")),
        _get("output", "/mistral/v1/files/<output>/content", 9.0),
        _get("list", "/mistral/v1/batch/jobs", 9.0),
        Step("refused-cancel", "POST", "/mistral/v1/batch/jobs/<job>/cancel", {}, 9.0),
        Step("refused", "POST", "/mistral/v1/batch/jobs", {}),
        Step("deleted", "DELETE", "/mistral/v1/batch/jobs/<job>", None, 9.0),
        _get("missing", "/mistral/v1/batch/jobs/<job>", 9.0),
    ],
    "mistral-audio": [
        Step("transcript", "POST", "/mistral/v1/audio/transcriptions",
             form({"model": "voxtral-mini-latest"}, ("spoken.wav", WAV)), headers=FORM),
        Step("transcript-stream", "POST", "/mistral/v1/audio/transcriptions",
             form({"model": "voxtral-mini-latest", "stream": "true", "diarize": "true"}, ("spoken.wav", WAV)),
             headers=FORM),
        Step("speech", "POST", "/mistral/v1/audio/speech", {"input": "hi", "response_format": "wav"}),
        Step("speech-stream", "POST", "/mistral/v1/audio/speech", {"input": "hi", "stream": True}),
        Step("refused", "POST", "/mistral/v1/audio/transcriptions", {}),
    ],
    "cohere-v1": [
        Step("chat", "POST", "/cohere/v1/chat", {"message": "hi", "preamble": "Be brief."}),
        Step("chat-stream", "POST", "/cohere/v1/chat", {"message": "hi", "stream": True}),
        Step("chat-events", "POST", "/cohere/v1/chat", {"message": "hi", "stream": True},
             headers={"accepts": "text/event-stream"}),
        Step("chat-broken-stream", "POST", "/cohere/v1/chat", {"message": "broken", "stream": True}),
        Step("generate", "POST", "/cohere/v1/generate", {"prompt": "hi"}),
        Step("generate-stream", "POST", "/cohere/v1/generate", {"prompt": "hi", "stream": True}),
        Step("generate-broken-stream", "POST", "/cohere/v1/generate", {"prompt": "broken", "stream": True}),
        Step("ranks", "POST", "/cohere/v1/rerank",
             {"query": "cat", "documents": ["dog", "cat"], "return_documents": True}),
        Step("limited", "POST", "/cohere/v1/chat", {"message": "limited"}),
        Step("refused", "POST", "/cohere/v1/chat", {"message": ""}),
        Step("labels", "POST", "/cohere/v1/classify",
             {"inputs": ["a cat"], "examples": [{"text": text, "label": label} for text, label in
              (("my cat", "pet"), ("a dog", "pet"), ("a car", "thing"), ("the cup", "thing"))]}),
        Step("labels-refused", "POST", "/cohere/v1/classify", {"inputs": []}),
        Step("tokens", "POST", "/cohere/v1/tokenize", {"model": "m", "text": "Hello, cats!"}),
        Step("text-of-tokens", "POST", "/cohere/v1/detokenize", {"model": "m", "tokens": [353, 354]}),
        _get("models", "/cohere/v1/models"),
        _get("model", "/cohere/v1/models/rerank-v3.5"),
        Step("key", "POST", "/cohere/v1/check-api-key", headers={"authorization": "Bearer k"}),
    ],
    "openrouter-own": [
        Step("ranks", "POST", "/openrouter/api/v1/rerank",
             {"model": "cohere/rerank-v3.5", "query": "cat", "documents": ["dog", "cat"]}),
        Step("refused", "POST", "/openrouter/api/v1/rerank", {}),
        Step("image", "POST", "/openrouter/api/v1/images", {"model": "google/m", "prompt": "x", "size": "8x8"}),
    ],
    "together-own": [
        Step("image", "POST", "/together/v1/images/generations",
             {"model": "m", "prompt": "x", "response_format": "base64", "width": 8, "height": 8}),
        Step("refused", "POST", "/together/v1/images/generations", {}),
    ],
    "xai-own": [
        Step("image", "POST", "/xai/v1/images/generations",
             {"model": "grok-imagine-image", "prompt": "a cat", "response_format": "b64_json"}),
        Step("image-limited", "POST", "/xai/v1/images/generations",
             {"model": "grok-imagine-image", "prompt": "limited"}),
        Step("edit", "POST", "/xai/v1/images/edits",
             {"model": "grok-imagine-image", "prompt": "a hat", "aspect_ratio": "2:1",
              "image": {"type": "image_url", "url": "data:image/png;base64,cGlj"}}),
        Step("refused", "POST", "/xai/v1/images/edits", {}),
    ],
    "huggingface-own": [
        Step("text", "POST", "/huggingface/generate", {"inputs": "hi", "parameters": {"details": True}}),
        Step("text-stream", "POST", "/huggingface/generate_stream", {"inputs": "hi"}),
        Step("limited", "POST", "/huggingface/generate", {"inputs": "limited"}),
        Step("vectors", "POST", "/huggingface/embed", {"inputs": "cat", "dimensions": 8}),
        Step("ranks", "POST", "/huggingface/rerank", {"query": "cat", "texts": ["dog", "cat"]}),
        Step("refused", "POST", "/huggingface/generate", {}),
    ],
    "ollama-models": [
        Step("pulled", "POST", "/api/pull", {"model": "mine"}),
        Step("pulled-whole", "POST", "/api/pull", {"model": "mine", "stream": False}),
        Step("pushed", "POST", "/api/push", {"model": "mine"}),
        Step("not-pushed", "POST", "/api/push", {"model": "unknown"}),
        Step("not-pushed-whole", "POST", "/api/push", {"model": "unknown", "stream": False}),
        Step("no-blob", "HEAD", f"/api/blobs/{BLOB_DIGEST}"),
        Step("blob", "POST", f"/api/blobs/{BLOB_DIGEST}", b"weights"),
        Step("blob-again", "HEAD", f"/api/blobs/{BLOB_DIGEST}"),
        Step("created", "POST", "/api/create", {"model": "own", "files": {"a.gguf": BLOB_DIGEST}, "system": "Hi."}),
        Step("created-whole", "POST", "/api/create", {"model": "own", "from": "mine", "stream": False}),
        Step("copied", "POST", "/api/copy", {"source": "mine", "destination": "other"}),
        Step("not-copied", "POST", "/api/copy", {"source": "unknown", "destination": "other"}),
        Step("deleted", "DELETE", "/api/delete", {"model": "mine"}),
        Step("not-deleted", "DELETE", "/api/delete", {"model": "mine"}),
    ],
    "openai-media": [
        Step("image", "POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": "a cat"}),
        Step("image-stream", "POST", "/v1/images/generations",
             {"model": "gpt-image-2", "prompt": "a cat", "stream": True, "partial_images": 1}),
        Step("image-limited", "POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": "limited"}),
        Step("speech", "POST", "/v1/audio/speech",
             {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "hi", "response_format": "wav"}),
        Step("speech-stream", "POST", "/v1/audio/speech",
             {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "hi", "stream_format": "sse"}),
        Step("transcript", "POST", "/v1/audio/transcriptions",
             form({"model": "gpt-4o-transcribe"}, ("spoken.wav", WAV)), headers=FORM),
        Step("transcript-stream", "POST", "/v1/audio/transcriptions",
             form({"model": "gpt-4o-transcribe", "stream": "true"}, ("spoken.wav", WAV)), headers=FORM),
        Step("transcript-verbose", "POST", "/v1/audio/transcriptions",
             form({"model": "whisper-1", "response_format": "verbose_json"}, ("spoken.wav", WAV)), headers=FORM),
        Step("video", "POST", "/v1/videos", {"model": "sora-2", "prompt": "a cat"}, stores=("video", "id")),
        _get("video-completed", "/v1/videos/<video>", 30.0),
        Step("video-deleted", "DELETE", "/v1/videos/<video>", None, 30.0),
    ],
    "anthropic-batches": [
        Step("created", "POST", "/v1/messages/batches",
             {"requests": [{"custom_id": text, "params": {**CLAUDE, "messages": [{"role": "user", "content": text}]}}
                           for text in ("one", "limited")]}, stores=("batch", "id")),
        _get("ended", "/v1/messages/batches/<batch>", 9.0),
        _get("results", "/v1/messages/batches/<batch>/results", 9.0),
        Step("deleted", "DELETE", "/v1/messages/batches/<batch>", None, 9.0),
        _get("missing", "/v1/messages/batches/<batch>", 9.0),
    ],
    "anthropic-files": [
        Step("created", "POST", "/anthropic/v1/files", UPLOAD, stores=("file", "id"), headers=FORM),
        _get("list", "/anthropic/v1/files"),
        _get("not-downloadable", "/anthropic/v1/files/<file>/content"),
        Step("deleted", "DELETE", "/anthropic/v1/files/<file>"),
    ],
    "gemini-files": [
        Step("created", "POST", "/upload/v1beta/files", b"text", stores=("file", "file.name"),
             headers={"content-type": "text/plain", "x-goog-upload-protocol": "raw"}),
        _get("list", "/v1beta/files"),
        Step("deleted", "DELETE", "/v1beta/<file>"),
        _get("missing", "/v1beta/<file>"),
    ],
    "gemini-file-search": [
        Step("created", "POST", "/v1beta/fileSearchStores", {"displayName": "Docs"}, stores=("store", "name")),
        Step("uploaded", "POST", "/upload/v1beta/<store>:uploadToFileSearchStore", b"text",
             stores=("document", "response.documentName"),
             headers={"content-type": "text/plain", "x-goog-upload-protocol": "raw"}),
        _get("document", "/v1beta/<document>"),
        _get("list", "/v1beta/<store>/documents"),
        Step("refused", "DELETE", "/v1beta/<store>"),
        _get("missing", "/v1beta/fileSearchStores/none"),
    ],
    "gemini-batches": [
        Step("created", "POST", f"{GEMINI}:batchGenerateContent",
             {"batch": {"inputConfig": {"requests": {"requests": [{"request": {"contents": CONTENTS}}]}}}},
             stores=("batch", "name")),
        _get("succeeded", "/v1beta/<batch>", 9.0),
        Step("embeddings", "POST", "/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent",
             {"batch": {"inputConfig": {"requests": {"requests": [{"request": {"content": CONTENTS[0]}}]}}}}),
        Step("refused-cancel", "POST", "/v1beta/<batch>:cancel", {}, 9.0),
    ],
    "vertex-batch-jobs": [
        Step("created", "POST", JOBS, JOB, stores=("job", "name")),
        _get("running", "/v1/<job>", 0.5),
        Step("refused-delete", "DELETE", "/v1/<job>", None, 0.5),
        _get("succeeded", "/v1/<job>", 9.0),
        _get("list", JOBS, 9.0),
        Step("refused-cancel", "POST", "/v1/<job>:cancel", {}, 9.0),
        Step("refused", "POST", JOBS, {**JOB, "inputConfig": {}}),
        Step("deleted", "DELETE", "/v1/<job>", None, 9.0),
        _get("missing", "/v1/<job>", 9.0),
    ],
    "gemini-caches": [
        Step("created", "POST", "/v1beta/cachedContents", {"model": "models/m", "contents": CONTENTS, "ttl": "60s"},
             stores=("cache", "name")),
        Step("updated", "PATCH", "/v1beta/<cache>", {"ttl": "90s"}),
        _get("list", "/v1beta/cachedContents"),
        Step("deleted", "DELETE", "/v1beta/<cache>"),
        _get("missing", "/v1beta/<cache>"),
    ],
    "gemini-interactions": [
        Step("text", "POST", "/v1beta/interactions", {**FLASH, "input": "hi"}, stores=("it", "id")),
        Step("text-stream", "POST", "/v1beta/interactions",
             {**FLASH, "input": "hi", "stream": True}),
        Step("call", "POST", "/v1beta/interactions", {**FLASH, "input": "hi", "tools": LOOK}),
        Step("call-stream", "POST", "/v1beta/interactions",
             {**FLASH, "input": "hi", "tools": LOOK, "stream": True}),
        Step("error-in-stream", "POST", "/v1beta/interactions",
             {**FLASH, "input": "broken", "stream": True}),
        Step("limited", "POST", "/v1beta/interactions", {**FLASH, "input": "limited"}),
        _get("stored", "/v1beta/interactions/<it>"),
        Step("deleted", "DELETE", "/v1beta/interactions/<it>"),
    ],
    "anthropic-complete": [
        Step("text", "POST", "/v1/complete",
             PROMPT),
        Step("text-stream", "POST", "/v1/complete",
             {**PROMPT, "stream": True}),
        Step("refused", "POST", "/v1/complete", {"model": "claude-2.1"}),
    ],
}  # fmt: skip
