"""Cohere's API: chat, embed and rerank of version 2 and of version 1, which also generates, classifies, tokenizes,
lists models and checks keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.cohere.chat import CohereChat
from mockllm.dialects.cohere.lookups import CohereEmbed, CohereRerank, CohereV1Embed, CohereV1Rerank
from mockllm.dialects.cohere.v1_chat import CohereGenerate, CohereV1Chat
from mockllm.dialects.cohere.v1_classify import CohereClassify
from mockllm.dialects.cohere.v1_models import KNOWN, CohereCheckKey, CohereModels
from mockllm.dialects.cohere.v1_tokens import CohereDetokenize, CohereTokenize
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.telemetry_fields import TelemetryFields

CHAT: Final = CohereChat()
CHAT_V1: Final = CohereV1Chat()
GENERATE: Final = CohereGenerate()
_MODELS: Final = ProviderCall("models", CohereModels())
_COUNTS: Final[Mapping[str, str]] = {
    "input_tokens": "usage: {input_tokens: …}",
    "output_tokens": "usage: {output_tokens: …}",
}
WRITTEN: Final[Mapping[str, str]] = {
    "message.content": "parts or text",
    "message.tool_plan": "text",
    "message.tool_calls": "tool_calls",
    "finish_reason": "finish_reason: {raw: …}",
    "text": "text",
    "tool_calls": "tool_calls",
    "chat_history": "text or tool_calls",
    "generations.*.text": "text",
    "generations.*.finish_reason": "finish_reason: {raw: …}",
    **{
        f"{usage}.{units}.{name}": word
        for usage in ("usage", "meta")
        for units in ("billed_units", "tokens")
        for name, word in _COUNTS.items()
    },
    **{f"{usage}.tokens.reasoning_tokens": "usage: {reasoning_tokens: …}" for usage in ("usage", "meta")},
    **{f"{usage}.cached_tokens": "usage: {cached_tokens: …}" for usage in ("usage", "meta")},
}
"""The members of responses that the server writes from a reply, by path, with the word of the language for each."""
V1_ROUTES: Final = (
    ProviderRoute(
        "POST",
        "/v1/chat",
        ProviderCall(
            "chat_v1", CHAT_V1, operation="chat", title="Cohere, version 1: chat, generate, embed, rerank"
        ),
    ),
    # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `chat_v1`
    ProviderRoute(
        "POST",
        "/v1/generate",
        ProviderCall("generate", GENERATE, operation="text_completion", from_neutral_request=False),
    ),
    ProviderRoute(
        "POST", "/v1/embed", ProviderCall("embeddings_v1", CohereV1Embed(), operation="embeddings")
    ),
    ProviderRoute("POST", "/v1/rerank", ProviderCall("rerank_v1", CohereV1Rerank())),
    ProviderRoute("POST", "/v1/classify", ProviderCall("classify", CohereClassify())),
    ProviderRoute("POST", "/v1/tokenize", ProviderCall("tokenize", CohereTokenize())),
    ProviderRoute("POST", "/v1/detokenize", ProviderCall("detokenize", CohereDetokenize())),
    ProviderRoute("POST", "/v1/check-api-key", ProviderCall("check_api_key", CohereCheckKey())),
    ProviderRoute("GET", "/v1/models", _MODELS),
    ProviderRoute("GET", "/v1/models/{model}", _MODELS),
)
UNSERVED: Final = (
    *(f"/v1/{name}" for name in ("connectors", "datasets", "embed-jobs", "finetuning", "summarize")),
    "/v2/audio",
    "/v2/batches",
    "/v2/parse",
)
"""The starts of the paths of Cohere's other calls (SDK: `raw_base_client.py` and its folders)."""
TELEMETRY_FIELDS: Final = TelemetryFields(
    settings={
        "temperature": (("temperature",),),
        "top_p": (("p",),),
        "top_k": (("k",),),
        "frequency_penalty": (("frequency_penalty",),),
        "presence_penalty": (("presence_penalty",),),
        "seed": (("seed",),),
    },
    response="response",
    id=("id", "generation_id"),
    finish=(("finish_reason",), ("delta", "finish_reason")),
)
"""Version 1 ends a stream with an event that contains the response."""
PROVIDER: Final = Provider(
    name="cohere",
    title="Cohere",
    needs_prefix=True,
    routes=(
        ProviderRoute(
            "POST",
            "/v2/chat",
            ProviderCall("chat", CHAT, operation="chat", title="Cohere: chat, embed, rerank"),
        ),
        ProviderRoute("POST", "/v2/embed", ProviderCall("embeddings", CohereEmbed(), operation="embeddings")),
        ProviderRoute("POST", "/v2/rerank", ProviderCall("rerank", CohereRerank())),
        *V1_ROUTES,
    ),
    unserved=UNSERVED,
    known_models=frozenset(KNOWN),
    hosts=("api.cohere.com", "api.cohere.ai"),
    base_url_variables=("CO_API_URL",),
    key_variables=("CO_API_KEY",),
    member_keys=WRITTEN,
    telemetry_fields=TELEMETRY_FIELDS,
)
PROVIDERS: Final = (PROVIDER,)
