"""OpenAI's protocols: chat completions, and the list of models."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.openai.chat import Chat
from mockllm.dialects.openai.models import Models

CHAT: Final = Chat()
MODELS: Final = Models()
