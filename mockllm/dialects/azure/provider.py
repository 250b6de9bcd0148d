"""Azure OpenAI: OpenAI's protocol by deployment, with content filters, and models of other model providers
(Foundry)."""

from __future__ import annotations

from typing import Final

from mockllm.core.limits.limit_data import LimitStatus
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.azure.batches import AzureCreateBatch
from mockllm.dialects.azure.claude import FoundryCount, FoundryMessages
from mockllm.dialects.azure.dialects import (
    AzureChat,
    AzureCompletions,
    AzureEmbeddings,
    AzureResponses,
    DeploymentCheck,
    FoundryChat,
    azure_call,
)
from mockllm.dialects.azure.errors import AZURE, FOUNDRY
from mockllm.dialects.openai.batches.batch_calls import CancelBatch, GetBatch, ListBatches
from mockllm.dialects.openai.files.file_calls import (
    DeleteFile,
    GetFile,
    GetFileContent,
    ListFiles,
    UploadFile,
)
from mockllm.dialects.openai.files.uploads import AddUploadPart, CancelUpload, CompleteUpload, CreateUpload
from mockllm.dialects.openai.headers import LIMIT_HEADER_NAMES
from mockllm.dialects.openai.media.images import ImageEdits, ImageGenerations
from mockllm.dialects.openai.media.speech import Speech
from mockllm.dialects.openai.media.transcription import Transcriptions, Translations
from mockllm.dialects.openai.prompt_cache import prompt_cache_policy
from mockllm.dialects.openai.vector_stores.served_calls import SERVED as VECTOR_STORES
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.rate_limit_headers import Names, limit_header_pairs, milliseconds, seconds
from mockllm.dialects.telemetry_fields import TelemetryFields
from mockllm.dialects.vendors.responses import VendorModels

PERIODS: Final[Names] = {
    "x-ratelimit-renewalperiod-requests": ("requests", "window"),
    "x-ratelimit-renewalperiod-tokens": ("tokens", "window"),
}


def write_limits(limit_status: LimitStatus, now: float) -> Headers:
    """Write OpenAI's names and the period of each limit: resets in plain milliseconds, the periods in plain
    seconds."""
    return limit_header_pairs(LIMIT_HEADER_NAMES, limit_status, milliseconds) + limit_header_pairs(
        PERIODS, limit_status, seconds
    )


CHAT: Final = AzureChat(AZURE)
RESPONSES: Final = AzureResponses(AZURE)
COMPLETIONS: Final = AzureCompletions(AZURE)
EMBEDDINGS: Final = AzureEmbeddings(AZURE)
MODELS: Final = VendorModels(AZURE)
MEDIA: Final = (
    (
        "images/generations",
        ProviderCall("images", azure_call(ImageGenerations, DeploymentCheck), operation="generate_content"),
    ),
    ("images/edits", ProviderCall("image_edits", azure_call(ImageEdits, DeploymentCheck))),
    ("audio/speech", ProviderCall("speech", azure_call(Speech, DeploymentCheck))),
    ("audio/transcriptions", ProviderCall("transcriptions", azure_call(Transcriptions, DeploymentCheck))),
    ("audio/translations", ProviderCall("translations", azure_call(Translations, DeploymentCheck))),
)
"""Paths: `AzureOpenAI` of the openai package, which puts the deployment of a form into the path only where the caller
sets `azure_deployment`. No recording was at hand."""
STORED: Final = (
    ("POST", "files", ProviderCall("files", azure_call(UploadFile))),
    ("GET", "files", ProviderCall("list_files", azure_call(ListFiles))),
    ("GET", "files/{file}", ProviderCall("get_file", azure_call(GetFile))),
    ("DELETE", "files/{file}", ProviderCall("delete_file", azure_call(DeleteFile))),
    ("GET", "files/{file}/content", ProviderCall("file_content", azure_call(GetFileContent))),
    ("POST", "uploads", ProviderCall("uploads", azure_call(CreateUpload))),
    ("POST", "uploads/{upload}/parts", ProviderCall("upload_parts", azure_call(AddUploadPart))),
    ("POST", "uploads/{upload}/complete", ProviderCall("complete_upload", azure_call(CompleteUpload))),
    ("POST", "uploads/{upload}/cancel", ProviderCall("cancel_upload", azure_call(CancelUpload))),
    ("POST", "batches", ProviderCall("batches", AzureCreateBatch(AZURE))),
    ("GET", "batches", ProviderCall("list_batches", azure_call(ListBatches))),
    ("GET", "batches/{batch}", ProviderCall("get_batch", azure_call(GetBatch))),
    ("POST", "batches/{batch}/cancel", ProviderCall("cancel_batch", azure_call(CancelBatch))),
    *((method, path, ProviderCall(id, azure_call(call))) for method, path, id, call in VECTOR_STORES),
)
"""The calls on files, uploads, batches and vector stores. Sources of the uploads and the stores: Microsoft Foundry's
REST reference, and `AzureOpenAI` of the openai package, which sends them below /openai with an api-version. No
recording was at hand."""
FOUNDRY_CHAT: Final = FoundryChat(FOUNDRY, CHAT)
"""Chat with the models of other model providers."""
FOUNDRY_MESSAGES: Final = FoundryMessages()


def _foundry_routes() -> tuple[ProviderRoute, ...]:
    # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `chat`
    foundry = ProviderCall(
        "foundry_chat",
        FOUNDRY_CHAT,
        operation="chat",
        telemetry_provider="azure.ai.inference",
        from_neutral_request=False,
    )
    claude = ProviderCall(
        "messages",
        FOUNDRY_MESSAGES,
        operation="chat",
        telemetry_provider="azure.ai.inference",
        from_neutral_request=False,
    )
    count = ProviderCall("count_claude_tokens", FoundryCount())
    return (
        ProviderRoute("POST", "/models/chat/completions", foundry),
        ProviderRoute("POST", "/anthropic/v1/messages", claude, needs_prefix=True),
        ProviderRoute("POST", "/anthropic/v1/messages/count_tokens", count, needs_prefix=True),
    )


def _routes() -> tuple[ProviderRoute, ...]:
    responses = ProviderCall("responses", RESPONSES, operation="chat", title="Azure OpenAI: responses")
    deployed = (
        (
            "chat/completions",
            ProviderCall("chat", CHAT, operation="chat", title="Azure OpenAI: chat, completions, embeddings"),
        ),
        (
            "completions",
            ProviderCall("completions", COMPLETIONS, operation="text_completion", from_neutral_request=False),
        ),
        ("embeddings", ProviderCall("embeddings", EMBEDDINGS, operation="embeddings")),
        *MEDIA,
    )
    return (
        *(
            ProviderRoute("POST", f"/openai/{base}{path}", call)
            for base in ("deployments/{deployment}/", "v1/")
            for path, call in deployed
        ),
        ProviderRoute("POST", "/openai/(v1/responses|responses)", responses),
        ProviderRoute("GET", "/openai/(v1/models|models)", ProviderCall("models", MODELS)),
        *(
            ProviderRoute(method, f"/openai/{base}{path}", call)
            for base in ("", "v1/")
            for method, path, call in STORED
        ),
        *_foundry_routes(),
    )


PROVIDER: Final = Provider(
    name="azure",
    title="Azure OpenAI",
    routes=_routes(),
    distinctive_paths=("/openai/deployments/",),
    hint_headers=("api-key",),
    hint_query="(?:^|&)api-version=",
    telemetry_name="azure.ai.openai",
    telemetry_fields=TelemetryFields(error=("code",)),
    limit_headers=write_limits,
    prompt_cache_policy=prompt_cache_policy,
    hosts=("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
    base_url_variables=("AZURE_OPENAI_ENDPOINT",),
    # Claude in Foundry (anthropic's `AnthropicFoundry`, Claude Code)
    base_path_variables={"ANTHROPIC_FOUNDRY_BASE_URL": "/azure/anthropic"},
    key_variables=("AZURE_OPENAI_API_KEY", "ANTHROPIC_FOUNDRY_API_KEY"),
)
PROVIDERS: Final = (PROVIDER,)
