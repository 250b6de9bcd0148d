"""Anthropic's protocol: messages, counting them, and the list of models; on Vertex AI too."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.anthropic.count_tokens import AnthropicCountTokens
from mockllm.dialects.anthropic.messages import Messages
from mockllm.dialects.anthropic.models import AnthropicModels
from mockllm.dialects.anthropic.vertex import VertexCount, VertexMessages

MESSAGES: Final = Messages()
COUNT: Final = AnthropicCountTokens()
MODELS: Final = AnthropicModels()
"""Both the list and one model of it."""
VERTEX_MESSAGES: Final = VertexMessages()
VERTEX_COUNT: Final = VertexCount()
