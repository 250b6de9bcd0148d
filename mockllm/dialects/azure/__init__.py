"""Azure OpenAI: OpenAI's protocol by deployment, with content filters, and models of other model providers
(Foundry)."""

from __future__ import annotations

from typing import Final

from mockllm.core.limits.limit_data import LimitStatus
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.azure.batches import (
    AzureCancelBatch,
    AzureCreateBatch,
    AzureDeleteFile,
    AzureFileContent,
    AzureGetBatch,
    AzureGetFile,
    AzureListBatches,
    AzureListFiles,
    AzureUploadFile,
)
from mockllm.dialects.azure.claude import FoundryCount, FoundryMessages
from mockllm.dialects.azure.dialects import (
    AzureChat,
    AzureCompletions,
    AzureEmbeddings,
    AzureResponses,
    FoundryChat,
)
from mockllm.dialects.azure.errors import AZURE, FOUNDRY
from mockllm.dialects.azure.media import (
    AzureImageEdits,
    AzureImages,
    AzureSpeech,
    AzureTranscriptions,
    AzureTranslations,
)
from mockllm.dialects.azure.uploads import (
    AzureAddUploadPart,
    AzureCancelUpload,
    AzureCompleteUpload,
    AzureCreateUpload,
)
from mockllm.dialects.openai.headers import LIMIT_HEADER_NAMES
from mockllm.dialects.openai.prompt_cache import prompt_cache
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.rate_limit_headers import Names, limit_header_pairs, milliseconds, seconds
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
    ("images/generations", ProviderCall("images", AzureImages(AZURE), operation="generate_content")),
    ("images/edits", ProviderCall("image_edits", AzureImageEdits(AZURE))),
    ("audio/speech", ProviderCall("speech", AzureSpeech(AZURE))),
    ("audio/transcriptions", ProviderCall("transcriptions", AzureTranscriptions(AZURE))),
    ("audio/translations", ProviderCall("translations", AzureTranslations(AZURE))),
)
STORED: Final = (
    ("POST", "files", ProviderCall("files", AzureUploadFile(AZURE))),
    ("GET", "files", ProviderCall("list_files", AzureListFiles(AZURE))),
    ("GET", "files/{file}", ProviderCall("get_file", AzureGetFile(AZURE))),
    ("DELETE", "files/{file}", ProviderCall("delete_file", AzureDeleteFile(AZURE))),
    ("GET", "files/{file}/content", ProviderCall("file_content", AzureFileContent(AZURE))),
    ("POST", "uploads", ProviderCall("uploads", AzureCreateUpload(AZURE))),
    ("POST", "uploads/{upload}/parts", ProviderCall("upload_parts", AzureAddUploadPart(AZURE))),
    ("POST", "uploads/{upload}/complete", ProviderCall("complete_upload", AzureCompleteUpload(AZURE))),
    ("POST", "uploads/{upload}/cancel", ProviderCall("cancel_upload", AzureCancelUpload(AZURE))),
    ("POST", "batches", ProviderCall("batches", AzureCreateBatch(AZURE))),
    ("GET", "batches", ProviderCall("list_batches", AzureListBatches(AZURE))),
    ("GET", "batches/{batch}", ProviderCall("get_batch", AzureGetBatch(AZURE))),
    ("POST", "batches/{batch}/cancel", ProviderCall("cancel_batch", AzureCancelBatch(AZURE))),
)
"""The calls on files, uploads and batches."""
FOUNDRY_CHAT: Final = FoundryChat(FOUNDRY, CHAT)
"""Chat with the models of other model providers."""
FOUNDRY_MESSAGES: Final = FoundryMessages()
FOUNDRY_COUNT: Final = FoundryCount()


def _routes() -> tuple[ProviderRoute, ...]:
    responses = ProviderCall("responses", RESPONSES, operation="chat", title="Azure OpenAI: responses")
    # `neutral=False`: a `NeutralRequest` becomes a request of `chat`
    foundry = ProviderCall(
        "foundry_chat", FOUNDRY_CHAT, operation="chat", telemetry_provider="azure.ai.inference", neutral=False
    )
    claude = ProviderCall(
        "messages", FOUNDRY_MESSAGES, operation="chat", telemetry_provider="azure.ai.inference", neutral=False
    )
    count = ProviderCall("count_claude_tokens", FOUNDRY_COUNT)
    deployed = (
        (
            "chat/completions",
            ProviderCall("chat", CHAT, operation="chat", title="Azure OpenAI: chat, completions, embeddings"),
        ),
        ("completions", ProviderCall("completions", COMPLETIONS, operation="text_completion", neutral=False)),
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
        ProviderRoute("POST", "/models/chat/completions", foundry),
        ProviderRoute("POST", "/anthropic/v1/messages", claude, prefixed=True),
        ProviderRoute("POST", "/anthropic/v1/messages/count_tokens", count, prefixed=True),
    )


PROVIDER: Final = Provider(
    name="azure",
    title="Azure OpenAI",
    routes=_routes(),
    own_paths=("/openai/deployments/",),
    hint_headers=("api-key",),
    hint_query="(?:^|&)api-version=",
    telemetry_name="azure.ai.openai",
    limit_headers=write_limits,
    prompt_cache=prompt_cache,
    hosts=("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
    base_url_variables=("AZURE_OPENAI_ENDPOINT",),
    # Claude in Foundry (anthropic's `AnthropicFoundry`, Claude Code)
    base_path_variables={"ANTHROPIC_FOUNDRY_BASE_URL": "/azure/anthropic"},
    key_variables=("AZURE_OPENAI_API_KEY", "ANTHROPIC_FOUNDRY_API_KEY"),
)
PROVIDERS: Final = (PROVIDER,)
