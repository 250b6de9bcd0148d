"""Anthropic's protocol: messages, counting them, and the list of models; on Vertex AI too."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.anthropic.count_tokens import Count
from mockllm.dialects.anthropic.messages import Messages
from mockllm.dialects.anthropic.models import Models
from mockllm.dialects.anthropic.vertex import VertexCount, VertexMessages

MESSAGES: Final = Messages()
COUNT: Final = Count()
MODELS: Final = Models()
"""Both the list and one model of it."""
VERTEX_MESSAGES: Final = VertexMessages()
VERTEX_COUNT: Final = VertexCount()
