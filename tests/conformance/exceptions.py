"""The differences between this server's responses and the recordings that are deliberate or temporary, with
their reasons. Reviewed like code.

`cases` and `entries` are globs over a recording's id and over "kind path type" (a header is `header NAME`).
Recordings that are more than a year older than the newest need no entry: the services have changed since, and
this server follows the newer form. They still count in the mean.
"""

from __future__ import annotations

from tests.conformance.exemption import Exemption
from tests.conformance.openai_exceptions import OPENAI_EXEMPTIONS

EXEMPTIONS = (
    *OPENAI_EXEMPTIONS,
    Exemption(
        "huggingface-chat",
        "huggingface-chat-s-200-65d6b6af",
        "header inference-id",
        "an id of the provider behind the router",
    ),
    Exemption("cohere-v2-chat", "*", "header num?chars", "counts of a server in front of the service"),
    Exemption("cohere-v2-chat", "*", "header num?tokens", "counts of a server in front of the service"),
    Exemption("cohere-v2-chat", "*", "* $.usage.cached_tokens number", "in every answer since October 2025"),
    Exemption("cohere-v2-chat", "*", "header x-api-warning", "a model whose end is near"),
    *(
        Exemption(f"cohere-v1-{call}", "*", entry, reason)
        for call in ("chat", "generate")
        for entry, reason in (
            ("header num?*", "counts of a server in front of the service"),
            ("header x-*endpoint-*", "the limits of a trial key"),
        )
    ),
    Exemption("cohere-v1-chat", "*", "header x-api-warning", "a model whose end is near"),
    *(
        Exemption("cohere-v1-chat", "*-2ab9fcfe", entry, "of February 2024, with a connector that searches")
        for entry in (
            "search-*",
            "* $.response.chat_history*",
            "* $.response.finish_reason string",
            "* $.response.meta.tokens*",
        )
    ),
    Exemption("cohere-v2-embed", "*", "header num?chars", "counts of a server in front of the service"),
    Exemption("cohere-v2-embed", "*", "header num?tokens", "counts of a server in front of the service"),
    Exemption("cohere-v2-embed", "*", "header x-*endpoint-*", "the limits of a trial key"),
    Exemption("cohere-v2-chat", "*", "header x-*endpoint-*", "the limits of a trial key"),
    Exemption(
        "bedrock-converse-stream",
        "*",
        "metrics $.usage.*",
        "streams of 2025 count no tools of the service",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "*.stop_details null",
        "the key came in the spring of 2026, and stands in every answer since",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "*.caller*",
        "a call tells its caller since the spring of 2026",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "*.inference_geo string",
        "usage tells where it was computed since February 2026",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "*.output_tokens_details*",
        "usage counts thinking since May 2026, of all models where the request enables it",
    ),
    Exemption(
        "anthropic-messages",
        "*",
        "ping $*",
        "the service pings by the clock, and a short answer may be over before; ours always has the one ping",
    ),
    Exemption(
        "anthropic-messages",
        "anthropic-messages-s-200-c25fd8e9",
        "*.web_fetch_requests number",
        "the count of fetches came after November 2025, and stands in every answer since",
    ),
    Exemption(
        "gemini-generateContent",
        "*",
        "*.usageMetadata.serviceTier string",
        "usage tells the service tier in every answer since the spring of 2026",
    ),
    Exemption(
        "gemini-streamGenerateContent",
        "*",
        "*.usageMetadata.serviceTier string",
        "usage tells the service tier in every answer since the spring of 2026",
    ),
    Exemption(
        "gemini-generateContent",
        "*",
        "*.functionCall.id string",
        "calls of the third generation have ids since the spring of 2026",
    ),
    Exemption(
        "gemini-streamGenerateContent",
        "*",
        "*.functionCall.id string",
        "calls of the third generation have ids since the spring of 2026",
    ),
    Exemption(
        "vertex-generateContent",
        "*",
        "*.functionCall.id string",
        "calls of the third generation have ids since July 2026",
    ),
    Exemption(
        "vertex-generateContent",
        "*",
        "*.avgLogprobs number",
        "the models of the third generation leave it out since the summer of 2026",
    ),
    Exemption(
        "vertex-generateContent",
        "vertex-generateContent-n-200-06d447cb",
        "*.thoughtSignature string",
        "texts of the second generation had a signature until the autumn of 2025",
    ),
    Exemption(
        "vertex-generateContent",
        "vertex-generateContent-n-200-268d004e",
        "*.thoughtSignature string",
        "texts of the second generation had a signature until the autumn of 2025",
    ),
    Exemption(
        "anthropic-models",
        "*",
        "*.lifecycle string",
        "a model tells whether it is still served since the autumn of 2026, as the SDK's types know",
    ),
    Exemption(
        "gemini-models",
        "*",
        "body $.nextPageToken string",
        "the live list goes on behind its first fifty models, and ours is shorter",
    ),
    Exemption(
        "together-chat",
        "together-chat-n-200-b7046a37",
        "body $.choices[].*",
        "calls and seeds came between 2024 and 2025",
    ),
    Exemption(
        "together-chat",
        "together-chat-n-200-b7046a37",
        "header x-*",
        "how long each stage took was told in 2024 only",
    ),
    Exemption(
        "together-chat",
        "*",
        "*.usage.cached_tokens number",
        "in every answer since 2026",
    ),
    Exemption(
        "together-chat",
        "*",
        "*.delta.tool_calls null",
        "in no stream of 2026",
    ),
    Exemption(
        "groq-chat",
        "groq-chat-n-200-094142c4",
        "body $.x_groq.seed number",
        "in every answer of 2026, also of models that think",
    ),
    Exemption(
        "mistral-chat",
        "*",
        "body $.usage.service_tier string",
        "in every answer of August 2026, and in none before",
    ),
    Exemption(
        "together-chat",
        "*",
        "content $.choices[].delta.token_id null",
        "the last text of some streams has no token of its own",
    ),
    Exemption(
        "mistral-chat",
        "mistral-chat-n-200-eddf9a6e",
        "body $.usage.prompt_tokens_details*",
        "usage tells what was cached since 2026",
    ),
    Exemption(
        "mistral-chat",
        "mistral-chat-n-200-eddf9a6e",
        "header x-ratelimit-*",
        "another key's limits: by ten seconds and by month",
    ),
    Exemption(
        "openrouter-chat",
        "openrouter-chat-n-200-*",
        "body $.service_tier *",
        "in every answer since 2026",
    ),
    Exemption(
        "openrouter-chat",
        "openrouter-chat-n-200-bc1ea7d5",
        "body $.system_fingerprint null",
        "in every answer since March 2026",
    ),
    Exemption(
        "openrouter-chat",
        "openrouter-chat-n-200-bc1ea7d5",
        "body $.choices[[]].message.content *",
        "null beside calls alone in every answer since April 2026",
    ),
    Exemption(
        "openrouter-chat",
        "*",
        "*.usage.*_details.*",
        "the details of the usage have grown since the winter of 2025: ours are those of July 2026",
    ),
    Exemption(
        "openrouter-responses",
        "*",
        "comment *",
        "a stream has comments until a slow model responds",
    ),
    Exemption(
        "openrouter-responses",
        "*",
        "body $.prompt_cache_options*",
        "in every answer since August 2026",
    ),
    Exemption(
        "deepseek-responses",
        "deepseek-responses-n-200-b5dd38e0",
        "*.encrypted_content string",
        "told where it was asked for, here never",
    ),
    Exemption(
        "azure-chat",
        "*",
        "body $.usage.latency_checkpoint*",
        "in every non-streaming response of reasoning models since June 2026",
    ),
    Exemption(
        "azure-chat",
        "*",
        "body $.service_tier *",
        "in every non-streaming response of reasoning models since June 2026",
    ),
    Exemption(
        "azure-chat",
        "*",
        "*.content_filter_results.*",
        "which filters a deployment runs, and when they are through, is its owner's choice",
    ),
    *(
        Exemption(
            "azure-embeddings",
            "azure-embeddings-n-200-b2f7a8b8",
            f"header {name}",
            "what the gateway before Cohere's models counts",
        )
        for name in ("expires", "num-*", "pragma", "prompt-token-len", "sampling-token-len")
    ),
    Exemption(
        "together-completions",
        "*",
        "text $.choices[].delta.token_id null",
        "the last text of some streams has no token of its own",
    ),
    Exemption(
        "azure-responses",
        "*",
        "*.content_filter_results.*",
        "which filters a deployment runs, and when they are through, is its owner's choice",
    ),
)


def excused(protocol: str, case: str, entry: str) -> bool:
    return any(exemption.covers(protocol, case, entry) for exemption in EXEMPTIONS)
