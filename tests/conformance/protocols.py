"""The protocols that are compared with recordings."""

from __future__ import annotations

from tests.conformance import anthropic_messages, gemini, openai_chat, openai_responses
from tests.conformance.shape import Protocol

PROTOCOLS: tuple[Protocol, ...] = (
    openai_chat.PROTOCOL,
    openai_responses.PROTOCOL,
    anthropic_messages.PROTOCOL,
    *gemini.PROTOCOLS,
)
