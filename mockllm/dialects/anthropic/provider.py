"""Anthropic's protocol: messages and their token counts, text completions, batches, files, and the list of models.
Messages and counts are on Vertex AI, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.anthropic.batches import (
    CancelMessageBatch,
    CreateMessageBatch,
    DeleteMessageBatch,
    GetMessageBatch,
    ListMessageBatches,
    MessageBatchResults,
)
from mockllm.dialects.anthropic.files import (
    AnthropicDeleteFile,
    AnthropicFile,
    AnthropicFileContent,
    AnthropicFileList,
    AnthropicUpload,
)
from mockllm.dialects.anthropic.headers import limits, refused
from mockllm.dialects.anthropic.known_models import KNOWN_MODELS
from mockllm.dialects.anthropic.messages import MESSAGES, AnthropicCountTokens
from mockllm.dialects.anthropic.messages_request import is_messages_body
from mockllm.dialects.anthropic.models import AnthropicModels
from mockllm.dialects.anthropic.prices import PRICES
from mockllm.dialects.anthropic.prompt_form import prompt_cache_policy
from mockllm.dialects.anthropic.text_completions import TextCompletions
from mockllm.dialects.anthropic.unknown_fields import refuse_inexact
from mockllm.dialects.anthropic.vertex import VertexCount, VertexMessages
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.telemetry_fields import TelemetryFields

COUNT: Final = AnthropicCountTokens()
COMPLETE: Final = TextCompletions()
MODELS: Final = AnthropicModels()
"""The calls for the list and for one model."""
VERTEX_MESSAGES: Final = VertexMessages()
VERTEX_COUNT: Final = VertexCount()


def _batch_routes() -> tuple[ProviderRoute, ...]:
    all_, one = "/v1/messages/batches", "/v1/messages/batches/{batch}"
    type_ = ("anthropic.types.messages:MessageBatch",) * 2
    get = ProviderCall("get_batch", GetMessageBatch(), sdk_types=type_)
    return (
        ProviderRoute("POST", all_, ProviderCall("batches", CreateMessageBatch(), sdk_types=type_)),
        ProviderRoute("GET", all_, ProviderCall("list_batches", ListMessageBatches())),
        ProviderRoute("GET", one, get),
        ProviderRoute("DELETE", one, ProviderCall("delete_batch", DeleteMessageBatch())),
        ProviderRoute(
            "POST", f"{one}/cancel", ProviderCall("cancel_batch", CancelMessageBatch(), sdk_types=type_)
        ),
        ProviderRoute("GET", f"{one}/results", ProviderCall("batch_results", MessageBatchResults())),
    )


def _file_routes() -> tuple[ProviderRoute, ...]:
    all_, one = "/v1/files", "/v1/files/{file}"
    type_ = ("anthropic.types.beta:BetaFileMetadata",) * 2
    return (
        ProviderRoute("POST", all_, ProviderCall("files", AnthropicUpload(), sdk_types=type_)),
        ProviderRoute("GET", all_, ProviderCall("list_files", AnthropicFileList())),
        ProviderRoute("GET", one, ProviderCall("get_file", AnthropicFile(), sdk_types=type_)),
        ProviderRoute("DELETE", one, ProviderCall("delete_file", AnthropicDeleteFile())),
        ProviderRoute("GET", f"{one}/content", ProviderCall("file_content", AnthropicFileContent())),
    )


def _routes() -> tuple[ProviderRoute, ...]:
    messages = ProviderCall(
        "messages",
        MESSAGES,
        operation="chat",
        title="Anthropic: messages, count_tokens, models",
        sdk_types=("anthropic.types:Message", "anthropic.types:RawMessageStreamEvent"),
        python_call=("anthropic", "Anthropic", "messages.create"),
        body_fields=("messages", "anthropic_version"),
    )
    # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `messages`
    complete = ProviderCall("complete", COMPLETE, operation="text_completion", from_neutral_request=False)
    models = ProviderCall("models", MODELS)
    count = ProviderCall("count_tokens", COUNT, sdk_types=("anthropic.types:MessageTokensCount",) * 2)
    return (
        ProviderRoute("POST", "/v1/messages", messages),
        ProviderRoute("POST", "/v1/messages/count_tokens", count),
        ProviderRoute("POST", "/v1/complete", complete),
        ProviderRoute("GET", "/v1/models", models),
        ProviderRoute("GET", "/v1/models/{model}", models),
        *_batch_routes(),
        *_file_routes(),
    )


WRITTEN: Final[Mapping[str, str]] = {
    "content": "parts, text or tool_calls",
    "stop_reason": "finish_reason: {raw: …}",
    "model": "model",
    "usage.input_tokens": "usage: {input_tokens: …}",
    "usage.output_tokens": "usage: {output_tokens: …}",
    "usage.cache_read_input_tokens": "usage: {cached_tokens: …}",
    "usage.cache_creation_input_tokens": "usage: {cache_write_tokens: …}",
}
"""The members of responses that the server writes from a reply, by path, each with the word of the language for it.
`*` is each item of a list."""
UNSERVED: Final = tuple(
    f"/v1/{name}"
    for name in (
        "agents", "compliance", "deployment_runs", "deployments", "dreams", "environments", "memory_stores",
        "organizations", "sessions", "skills", "tunnels", "user_profiles", "vaults",
    )
)  # fmt: skip
"""The starts of the paths of Anthropic's other calls (SDK: the modules of `anthropic.resources`)."""
TELEMETRY_FIELDS: Final = TelemetryFields(
    settings={name: ((name,),) for name in ("temperature", "top_p", "top_k")},
    response="message",
    id=("id",),
    model=("model",),
    finish=(("stop_reason",), ("delta", "stop_reason")),
    error=("type",),
)
PROVIDER: Final = Provider(
    name="anthropic",
    title="Anthropic",
    aliases=("claude",),
    routes=_routes(),
    # Vercel's provider for Anthropic requests `/messages` after the base URL that Anthropic's own SDK has.
    omittable_start="/v1",
    base_url_shown=True,
    routes_in_404=True,
    unserved=UNSERVED,
    hint_headers=("anthropic-version", "x-api-key"),
    example_headers=("anthropic-version",),
    unprefixed_hosts=("api.anthropic.com",),
    recognizes_body=is_messages_body,
    refuse_inexact=refuse_inexact,
    known_models=KNOWN_MODELS,
    limit_headers=limits,
    limit_refusal=refused,
    prices=PRICES,
    prompt_cache_policy=prompt_cache_policy,
    base_url_variables=("ANTHROPIC_BASE_URL",),
    key_variables=("ANTHROPIC_API_KEY",),
    member_keys=WRITTEN,
    telemetry_fields=TELEMETRY_FIELDS,
)
