"""Google's providers: Gemini's API, with its OpenAI-compatible base, and Vertex AI, which serves Claude too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mockllm.core.prompt_cache.policy import CachePolicy
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic import provider as anthropic
from mockllm.dialects.anthropic.known_models import KNOWN_MODELS as CLAUDE_MODELS
from mockllm.dialects.anthropic.prompt_form import prompt_cache_policy as anthropic_cache
from mockllm.dialects.gemini import dialects as gemini
from mockllm.dialects.gemini.embeddings import SIZES
from mockllm.dialects.gemini.generate import GENERATE, VERTEX_GENERATE
from mockllm.dialects.gemini.live.session import SETUP, TRANSCRIBE, TURN
from mockllm.dialects.gemini.models import WELL_KNOWN
from mockllm.dialects.gemini.prices import PRICES
from mockllm.dialects.gemini.prompt_cache import prompt_cache_policy
from mockllm.dialects.gemini.unknown_fields import refuse_inexact
from mockllm.dialects.google.openai_compatible import COMPATIBLE
from mockllm.dialects.google.token import Token
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute, ProviderWebSocket
from mockllm.dialects.telemetry_fields import TelemetryFields
from mockllm.dialects.vendors import vendor_routes

_LOCATION: Final = "/(v1beta1|v1)/projects/{project}/locations/{location}"
_PROJECT: Final = f"{_LOCATION}/publishers"
_EXPRESS: Final = "/(v1beta1|v1)/publishers"
"""Vertex AI's paths with an API key name no project."""


def _model_routes(bases: tuple[str, ...], generate: ProviderCall) -> tuple[ProviderRoute, ...]:
    """Return the calls of a model, after each base."""
    calls = (
        ("(generateContent|streamGenerateContent)", generate),
        ("countTokens", ProviderCall("count_tokens", gemini.COUNT)),
        (
            "(embedContent|batchEmbedContents|predict)",
            ProviderCall("embeddings", gemini.EMBEDDINGS, operation="embeddings"),
        ),
    )
    return tuple(
        ProviderRoute("POST", f"{base}/models/{{model}}:{name}", call)
        for base in bases
        for name, call in calls
    )


def _media_routes(*bases: str) -> tuple[ProviderRoute, ...]:
    """Return the calls of models for images and videos. They follow those of all models, whose paths fit them."""
    images = ProviderCall("images", gemini.IMAGEN, operation="generate_content")
    videos, operation = ProviderCall("videos", gemini.VEO), ProviderCall("operations", gemini.OPERATION)
    calls = (
        ("POST", "imagen{variant}:predict", images),
        ("POST", "veo{variant}:predictLongRunning", videos),
        ("POST", "veo{variant}:fetchPredictOperation", operation),
        ("GET", "veo{variant}/operations/{operation}", operation),
    )
    return tuple(
        ProviderRoute(method, f"{base}/models/{path}", call) for base in bases for method, path, call in calls
    )


def _cache_routes(*bases: str) -> tuple[ProviderRoute, ...]:
    """Return the calls of cached contents after each base."""
    calls = (
        ("POST", "", ProviderCall("create_cache", gemini.CREATE_CACHE)),
        ("GET", "", ProviderCall("list_caches", gemini.LIST_CACHES)),
        ("GET", "/{cache}", ProviderCall("get_cache", gemini.GET_CACHE)),
        ("PATCH", "/{cache}", ProviderCall("update_cache", gemini.UPDATE_CACHE)),
        ("DELETE", "/{cache}", ProviderCall("delete_cache", gemini.DELETE_CACHE)),
    )
    return tuple(
        ProviderRoute(method, f"{base}/cachedContents{path}", call)
        for base in bases
        for method, path, call in calls
    )


def _interaction_routes(base: str) -> tuple[ProviderRoute, ...]:
    """Return the calls of interactions after a base."""
    all_, one = f"{base}/interactions", f"{base}/interactions/{{interaction}}"
    # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `generate`
    create = ProviderCall(
        "interactions", gemini.INTERACTIONS, operation="generate_content", from_neutral_request=False
    )
    return (
        ProviderRoute("POST", all_, create),
        ProviderRoute("GET", one, ProviderCall("get_interaction", gemini.GET_INTERACTION)),
        ProviderRoute("DELETE", one, ProviderCall("delete_interaction", gemini.DELETE_INTERACTION)),
        ProviderRoute("POST", f"{one}/cancel", ProviderCall("cancel_interaction", gemini.CANCEL_INTERACTION)),
    )


def _stored_routes() -> tuple[ProviderRoute, ...]:
    """Return the calls of files and batches."""
    base = "/(v1beta|v1|v1alpha)"
    file, batch = f"{base}/files/{{file}}", f"{base}/batches/{{batch}}"
    get_file = ProviderCall("get_file", gemini.GET_FILE)
    create = ProviderCall("batches", gemini.CREATE_BATCH)
    embed = ProviderCall("embedding_batches", gemini.CREATE_EMBEDDING_BATCH)
    return (
        ProviderRoute("POST", f"/upload{base}/files", ProviderCall("files", gemini.UPLOAD_FILE)),
        ProviderRoute("GET", f"{base}/files", ProviderCall("list_files", gemini.LIST_FILES)),
        ProviderRoute("GET", file, get_file),
        ProviderRoute("GET", f"{file}:download", get_file),
        ProviderRoute("DELETE", file, ProviderCall("delete_file", gemini.DELETE_FILE)),
        ProviderRoute("POST", f"{base}/models/{{model}}:batchGenerateContent", create),
        ProviderRoute("POST", f"{base}/models/{{model}}:asyncBatchEmbedContent", embed),
        ProviderRoute("GET", f"{base}/batches", ProviderCall("list_batches", gemini.LIST_BATCHES)),
        ProviderRoute("GET", batch, ProviderCall("get_batch", gemini.GET_BATCH)),
        ProviderRoute("DELETE", batch, ProviderCall("delete_batch", gemini.DELETE_BATCH)),
        ProviderRoute("POST", f"{batch}:cancel", ProviderCall("cancel_batch", gemini.CANCEL_BATCH)),
    )


def _file_search_routes(base: str) -> tuple[ProviderRoute, ...]:
    """Return the calls of file search stores, their documents and their operations, after a base."""
    stores, one = f"{base}/fileSearchStores", f"{base}/fileSearchStores/{{store}}"
    documents, document = f"{one}/documents", f"{one}/documents/{{document}}"
    upload = ProviderCall("upload_document", gemini.UPLOAD_DOCUMENT)
    operation = ProviderCall("file_search_operations", gemini.FILE_SEARCH_OPERATION)
    return (
        ProviderRoute("POST", stores, ProviderCall("create_file_store", gemini.CREATE_FILE_STORE)),
        ProviderRoute("GET", stores, ProviderCall("list_file_stores", gemini.LIST_FILE_STORES)),
        ProviderRoute("GET", one, ProviderCall("get_file_store", gemini.GET_FILE_STORE)),
        ProviderRoute("DELETE", one, ProviderCall("delete_file_store", gemini.DELETE_FILE_STORE)),
        ProviderRoute("POST", f"/upload{one}:uploadToFileSearchStore", upload),
        ProviderRoute("POST", f"{one}:importFile", ProviderCall("import_file", gemini.IMPORT_FILE)),
        ProviderRoute("GET", documents, ProviderCall("list_documents", gemini.LIST_DOCUMENTS)),
        ProviderRoute("GET", document, ProviderCall("get_document", gemini.GET_DOCUMENT)),
        ProviderRoute("DELETE", document, ProviderCall("delete_document", gemini.DELETE_DOCUMENT)),
        ProviderRoute("GET", f"{one}/upload/operations/{{operation}}", operation),
        ProviderRoute("GET", f"{one}/operations/{{operation}}", operation),
    )


def _batch_job_routes() -> tuple[ProviderRoute, ...]:
    """Return the calls of Vertex AI's batch jobs."""
    all_, one = f"{_LOCATION}/batchPredictionJobs", f"{_LOCATION}/batchPredictionJobs/{{batch}}"
    return (
        ProviderRoute("POST", all_, ProviderCall("batches", gemini.CREATE_BATCH_JOB)),
        ProviderRoute("GET", all_, ProviderCall("list_batches", gemini.LIST_BATCH_JOBS)),
        ProviderRoute("GET", one, ProviderCall("get_batch", gemini.GET_BATCH_JOB)),
        ProviderRoute("DELETE", one, ProviderCall("delete_batch", gemini.DELETE_BATCH_JOB)),
        ProviderRoute("POST", f"{one}:cancel", ProviderCall("cancel_batch", gemini.CANCEL_BATCH_JOB)),
    )


def _gemini_routes() -> tuple[ProviderRoute, ...]:
    base, models = "/(v1beta|v1|v1alpha)", ProviderCall("models", gemini.MODELS)
    generate = ProviderCall(
        "generate",
        GENERATE,
        operation="generate_content",
        title="Gemini: generateContent, countTokens, embeddings, models",
        sdk_types=("google.genai.types:GenerateContentResponse",) * 2,
        body_fields=("contents",),
    )
    return (
        *_model_routes((base,), generate),
        ProviderRoute("GET", f"{base}/models", models),
        ProviderRoute("GET", f"{base}/models/{{model}}", models),
        *_cache_routes(base),
        *_interaction_routes(base),
        *_stored_routes(),
        *_file_search_routes(base),
        *vendor_routes(COMPATIBLE, "compatible_", title="Gemini's OpenAI-compatible base"),
        *_media_routes(base),
    )


def _vertex_routes() -> tuple[ProviderRoute, ...]:
    models = ProviderCall("models", gemini.MODELS)
    generate = ProviderCall("generate", VERTEX_GENERATE, operation="generate_content", title="Vertex AI")
    messages = ProviderCall(
        "messages", anthropic.VERTEX_MESSAGES, operation="chat", title="Anthropic on Vertex AI"
    )
    count = ProviderCall("count_claude_tokens", anthropic.VERTEX_COUNT)
    claude = tuple(
        ProviderRoute("POST", f"{base}/anthropic/models/{name}", call)
        for base in (_PROJECT, _EXPRESS)
        for name, call in (
            ("{model}:(rawPredict|streamRawPredict)", messages),
            ("count-tokens:rawPredict", count),  # fits the path before it, too
        )
    )
    return (
        *_model_routes((f"{_PROJECT}/google", f"{_EXPRESS}/google"), generate),
        *claude,
        *_cache_routes(_LOCATION),
        *_batch_job_routes(),
        ProviderRoute("POST", "/token", ProviderCall("token", Token())),
        ProviderRoute("GET", f"{_EXPRESS}/google/models", models),
        ProviderRoute("GET", f"{_EXPRESS}/google/models/{{model}}", models),
        *_media_routes(f"{_PROJECT}/google", f"{_EXPRESS}/google"),
    )


def _vertex_cache(request: Request) -> CachePolicy | None:
    """Return how the prompt of a request to Claude or Gemini is cached."""
    return anthropic_cache(request) if request.dialect == "anthropic" else prompt_cache_policy(request)


def _live_websockets(paths: tuple[str, ...]) -> tuple[ProviderWebSocket, ...]:
    """Return the Live protocol at each path."""
    handshake = ProviderCall("live_handshake", gemini.LIVE_HANDSHAKE)
    messages = (
        (SETUP, ProviderCall("live_setup", gemini.LIVE_SETUP)),
        (TURN, ProviderCall("live", gemini.LIVE, operation="chat", from_neutral_request=False)),
        (TRANSCRIBE, ProviderCall("transcription", gemini.LIVE_TRANSCRIPTION)),
    )
    return tuple(ProviderWebSocket(path, handshake, messages) for path in paths)


_GEMINI_LIVE: Final = tuple(
    f"/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent{constrained}"
    for version in ("v1beta", "v1alpha", "v1")
    for constrained in ("", "Constrained")  # the second one for clients with a short-lived token
)
_VERTEX_LIVE: Final = tuple(
    f"/ws/google.cloud.aiplatform.{version}.LlmBidiService/BidiGenerateContent"
    for version in ("v1beta1", "v1")
)
_KNOWN: Final = frozenset((*WELL_KNOWN, *SIZES, "gemini-embedding-001"))
WRITTEN: Final[Mapping[str, str]] = {
    "candidates.*.content": "parts, text or tool_calls",
    "candidates.*.finishReason": "finish_reason: {raw: …}",
    "modelVersion": "model",
    "usageMetadata.promptTokenCount": "usage: {input_tokens: …}",
    "usageMetadata.candidatesTokenCount": "usage: {output_tokens: …}",
    "usageMetadata.cachedContentTokenCount": "usage: {cached_tokens: …}",
    "usageMetadata.thoughtsTokenCount": "usage: {reasoning_tokens: …}",
}
"""The members of responses that the server writes from a reply, by path, each with the word of the language for it.
`*` is each item of a list."""
UNSERVED: Final = tuple(
    f"{before}/{version}/{name}"
    for version in ("v1beta", "v1", "v1alpha")
    for before, names in (
        ("", (
            "agents", "auth_tokens", "corpora", "credentials", "decisions", "environments",
            "fileSearchStores/*/media", "files:register", "interactions", "tunedModels", "triggers", "voices",
            "webhooks",
        )),
        ("/upload", ("environments",)),
    )
    for name in names
)  # fmt: skip
"""The starts of the paths of Gemini's other calls (SDK: the modules of `google.genai`); `*` is one segment. Served
paths below them are routes."""
TELEMETRY_FIELDS: Final = TelemetryFields(
    settings={
        name: (("generationConfig", member), ("generationConfig", name))
        for name, member in {
            "temperature": "temperature",
            "top_p": "topP",
            "top_k": "topK",
            "frequency_penalty": "frequencyPenalty",
            "presence_penalty": "presencePenalty",
            "seed": "seed",
        }.items()
    },
    response="interaction",
    id=("responseId", "id"),
    model=("modelVersion", "model"),
    choices="candidates",
    finish=(("finishReason",),),
    error=("status", "code"),
)
"""An interaction has the members `id` and `model`. Google's JSON accepts both spellings of a name."""
GEMINI: Final = Provider(
    name="gemini",
    member_keys=WRITTEN,
    telemetry_fields=TELEMETRY_FIELDS,
    title="Gemini",
    aliases=("google",),
    routes=_gemini_routes(),
    websockets=_live_websockets(_GEMINI_LIVE),
    compatible_base=COMPATIBLE.path(""),
    base_url_shown=True,
    distinctive_paths=("/v1beta/", "/v1alpha/", "/upload/", "/v1/fileSearchStores/"),
    unserved=UNSERVED,
    hint_headers=("x-goog-api-key", "x-goog-api-client"),
    hint_query="(?:^|&)key=",
    unprefixed_hosts=("generativelanguage.googleapis.com",),
    recognizes_body=lambda body: "contents" in body,
    messages_field="contents",
    refuse_inexact=refuse_inexact,
    known_models=_KNOWN,
    telemetry_name="gcp.gemini",
    prices=PRICES,
    prompt_cache_policy=prompt_cache_policy,
    base_url_variables=("GOOGLE_GEMINI_BASE_URL",),
    key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),  # of both, SDKs take the second one
)
VERTEX: Final = Provider(
    name="vertex",
    title="Vertex AI",
    telemetry_fields=TELEMETRY_FIELDS,
    routes=_vertex_routes(),
    websockets=_live_websockets(_VERTEX_LIVE),
    known_models=_KNOWN | {re.sub(r"-(?=\d{8}$)", "@", name) for name in CLAUDE_MODELS},
    messages_field="contents",
    telemetry_name="gcp.vertex_ai",
    prompt_cache_policy=_vertex_cache,
    base_url_variables=("GOOGLE_VERTEX_BASE_URL",),
)
PROVIDERS: Final = (GEMINI, VERTEX)
