"""The protocols that are compared with recordings."""

from __future__ import annotations

from mockllm.conformance import (
    anthropic_messages,
    azure,
    bedrock,
    cohere,
    gemini,
    lookups,
    openai_chat,
    openai_completions,
    openai_responses,
    vendors,
)
from mockllm.conformance.shape import Protocol

PROTOCOLS: tuple[Protocol, ...] = (
    openai_chat.PROTOCOL,
    openai_responses.PROTOCOL,
    openai_completions.PROTOCOL,
    openai_completions.TOGETHER,
    anthropic_messages.PROTOCOL,
    *gemini.PROTOCOLS,
    *lookups.PROTOCOLS,
    *azure.PROTOCOLS,
    *bedrock.PROTOCOLS,
    *vendors.PROTOCOLS,
    *cohere.PROTOCOLS,
)
