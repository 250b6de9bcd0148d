"""OpenAI's protocols: chat completions, responses, legacy completions, embeddings, moderations, models."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.openai.chat.dialect import Chat
from mockllm.dialects.openai.chat.stored_calls import ChatMessages, DeleteChat, GetChat, ListChat, UpdateChat
from mockllm.dialects.openai.completions import Completions
from mockllm.dialects.openai.embeddings import OpenAiEmbeddings
from mockllm.dialects.openai.models import OpenAiModels
from mockllm.dialects.openai.moderations import Moderations
from mockllm.dialects.openai.responses.compact import Compact
from mockllm.dialects.openai.responses.dialect import Responses
from mockllm.dialects.openai.responses.input_tokens import InputTokens
from mockllm.dialects.openai.responses.stored_calls import (
    CancelResponse,
    DeleteResponse,
    GetResponse,
    InputItems,
)

CHAT: Final = Chat()
LIST_CHAT: Final = ListChat()
GET_CHAT: Final = GetChat()
UPDATE_CHAT: Final = UpdateChat()
DELETE_CHAT: Final = DeleteChat()
CHAT_MESSAGES: Final = ChatMessages()
RESPONSES: Final = Responses()
INPUT_TOKENS: Final = InputTokens()
COMPACT: Final = Compact()
GET_RESPONSE: Final = GetResponse()
DELETE_RESPONSE: Final = DeleteResponse()
CANCEL_RESPONSE: Final = CancelResponse()
INPUT_ITEMS: Final = InputItems()
COMPLETIONS: Final = Completions()
EMBEDDINGS: Final = OpenAiEmbeddings()
MODERATIONS: Final = Moderations()
MODELS: Final = OpenAiModels()
