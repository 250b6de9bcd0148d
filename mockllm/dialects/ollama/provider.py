"""Ollama: its own API below `/api`, and the OpenAI-compatible base that its `Vendor` describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from mockllm.dialects.ollama.blobs import CreateBlob, FindBlob
from mockllm.dialects.ollama.copy_and_delete import CopyModel, DeleteModel
from mockllm.dialects.ollama.embeddings import OllamaEmbeddings
from mockllm.dialects.ollama.generation import OllamaChat, OllamaGenerate
from mockllm.dialects.ollama.local_models import WELL_KNOWN
from mockllm.dialects.ollama.models import OllamaVersion, RunningModels, Show, Tags
from mockllm.dialects.ollama.progress import CreateModel, PullModel, PushModel
from mockllm.dialects.ollama.vendor import VENDOR
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.telemetry_fields import TelemetryFields
from mockllm.dialects.vendors import provider_of

CHAT: Final = OllamaChat()
GENERATE: Final = OllamaGenerate()
DELETE: Final = DeleteModel()

_chat = ProviderCall("native_chat", CHAT, operation="chat", title="Ollama: chat, generate, embed, tags")
# `from_neutral_request=False`: a `NeutralRequest` becomes a request of `native_chat`
_generate = ProviderCall("native_generate", GENERATE, operation="text_completion", from_neutral_request=False)
_embed = ProviderCall("native_embeddings", OllamaEmbeddings(), operation="embeddings")
_ROUTES: Final = (
    ProviderRoute("POST", "/api/chat", _chat),
    ProviderRoute("POST", "/api/generate", _generate),
    ProviderRoute("POST", "/api/embed", _embed),
    ProviderRoute("POST", "/api/embeddings", _embed),
    ProviderRoute("POST", "/api/show", ProviderCall("show", Show())),
    ProviderRoute("GET", "/api/tags", ProviderCall("tags", Tags())),
    ProviderRoute("GET", "/api/ps", ProviderCall("running_models", RunningModels())),
    ProviderRoute("GET", "/api/version", ProviderCall("version", OllamaVersion())),
    ProviderRoute("POST", "/api/pull", ProviderCall("pull_model", PullModel())),
    ProviderRoute("POST", "/api/push", ProviderCall("push_model", PushModel())),
    ProviderRoute("POST", "/api/create", ProviderCall("create_model", CreateModel())),
    ProviderRoute("POST", "/api/blobs/{digest}", ProviderCall("blobs", CreateBlob())),
    ProviderRoute("HEAD", "/api/blobs/{digest}", ProviderCall("stored_blob", FindBlob())),
    ProviderRoute("POST", "/api/copy", ProviderCall("copy_model", CopyModel())),
    ProviderRoute("DELETE", "/api/delete", ProviderCall("delete_model", DELETE)),
)
"""The control API owns the paths below `/api` that it serves; none of these is among them."""
_compatible = provider_of(VENDOR)


def _compatible_route(route: ProviderRoute) -> ProviderRoute:
    """Return a route of the vendor, which is known after the provider's prefix only."""
    call = route.call
    titled = call if call.title is None else replace(call, title="Ollama's OpenAI-compatible base")
    return route._replace(call=titled, needs_prefix=True)


WRITTEN: Final[Mapping[str, str]] = {
    "message.content": "text",
    "message.tool_calls": "tool_calls",
    "response": "text",
    "done_reason": "finish_reason: {raw: …}",
    "model": "model",
    "prompt_eval_count": "usage: {input_tokens: …}",
    "eval_count": "usage: {output_tokens: …}",
}
"""The members of responses that the server writes from a reply, by path, each with the word of the language for it.
`*` is each item of a list."""
TELEMETRY_FIELDS: Final = TelemetryFields(
    settings={
        name: (("options", name),)
        for name in ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed")
    },
    model=("model",),
    finish=(("done_reason",),),
)
PROVIDER: Final[Provider] = replace(
    _compatible,
    needs_prefix=False,
    member_keys=WRITTEN,
    telemetry_fields=TELEMETRY_FIELDS,
    base="",
    omittable_start=_compatible.base,
    routes=(*map(_compatible_route, _compatible.routes), *_ROUTES),
    known_models=_compatible.known_models | frozenset(WELL_KNOWN),
    base_url_variables=("OLLAMA_HOST",),
    key_variables=("OLLAMA_API_KEY",),
)
PROVIDERS: Final = (PROVIDER,)
