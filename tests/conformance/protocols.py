"""The protocols that are compared with recordings."""

from __future__ import annotations

from tests.conformance import anthropic_messages, openai_chat
from tests.conformance.shape import Protocol

PROTOCOLS: tuple[Protocol, ...] = (openai_chat.PROTOCOL, anthropic_messages.PROTOCOL)
