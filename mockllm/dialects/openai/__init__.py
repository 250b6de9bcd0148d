"""OpenAI's protocols: chat completions, responses, and the list of models."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.openai.chat import Chat
from mockllm.dialects.openai.input_tokens import InputTokens
from mockllm.dialects.openai.models import Models
from mockllm.dialects.openai.responses import Responses

CHAT: Final = Chat()
RESPONSES: Final = Responses()
INPUT_TOKENS: Final = InputTokens()
MODELS: Final = Models()
