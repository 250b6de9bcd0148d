"""Hugging Face: its router, which its `Vendor` describes, and the calls of its inference servers."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.huggingface.featherless import FEATHERLESS, FeatherlessCompletions
from mockllm.dialects.huggingface.routed import NOVITA, TOGETHER, RouterChat
from mockllm.dialects.huggingface.text_embeddings import FeatureExtraction, SentenceSimilarity, TextRanking
from mockllm.dialects.huggingface.text_generation import TextGeneration
from mockllm.dialects.huggingface.vendor import VENDOR
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import provider_of
from mockllm.dialects.vendors.chat import VendorChat

_compatible = provider_of(VENDOR)
_chat = RouterChat(VENDOR)
_compatible_routes = tuple(
    route._replace(call=replace(route.call, dialect=_chat)) if route.call.id == "chat" else route
    for route in _compatible.routes
)


def _routed() -> tuple[ProviderRoute, ...]:
    """Return the paths of single providers behind the router."""
    # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `chat`
    together = ProviderCall(
        "together_chat", VendorChat(TOGETHER), operation="chat", from_neutral_request=False
    )
    novita = ProviderCall("novita_chat", VendorChat(NOVITA), operation="chat", from_neutral_request=False)
    fireworks = ProviderCall(
        "fireworks_chat", RouterChat.fireworks, operation="chat", from_neutral_request=False
    )
    featherless = ProviderCall(
        "featherless_chat", VendorChat(FEATHERLESS), operation="chat", from_neutral_request=False
    )
    completions = ProviderCall(
        "featherless_completions",
        FeatherlessCompletions(FEATHERLESS),
        operation="text_completion",
        from_neutral_request=False,
    )
    return (
        ProviderRoute("POST", "/together/v1/chat/completions", together),
        ProviderRoute("POST", "/novita/v3/openai/chat/completions", novita),
        ProviderRoute("POST", "/fireworks-ai/inference/v1/chat/completions", fireworks),
        ProviderRoute("POST", "/featherless-ai/v1/chat/completions", featherless),
        ProviderRoute("POST", "/featherless-ai/v1/completions", completions),
    )


def _own_routes() -> tuple[ProviderRoute, ...]:
    generate = ProviderCall(
        "text_generation",
        TextGeneration(VENDOR),
        operation="text_completion",
        title="Hugging Face's inference servers",
        from_neutral_request=False,
    )
    embed = ProviderCall("feature_extraction", FeatureExtraction(VENDOR), operation="embeddings")
    similarity = ProviderCall("sentence_similarity", SentenceSimilarity(VENDOR))
    rerank = ProviderCall("rerank", TextRanking(VENDOR))
    # the router has the pipelines after the name of its inference servers
    models = tuple(
        ProviderRoute("POST", f"{before}/models/{{model}}{path}", call)
        for before in ("", "/hf-inference")
        for path, call in (
            ("", generate),
            ("/pipeline/feature-extraction", embed),
            ("/pipeline/sentence-similarity", similarity),
            ("/pipeline/text-ranking", rerank),
        )
    )
    return (
        ProviderRoute("POST", "/generate", generate),
        ProviderRoute("POST", "/generate_stream", generate),
        ProviderRoute("POST", "/embed", embed),
        ProviderRoute("POST", "/similarity", similarity),
        ProviderRoute("POST", "/rerank", rerank),
        *models,
    )


PROVIDER: Final[Provider] = replace(_compatible, routes=(*_compatible_routes, *_routed(), *_own_routes()))
PROVIDERS: Final = (PROVIDER,)
