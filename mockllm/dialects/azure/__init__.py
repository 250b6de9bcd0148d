"""Azure OpenAI: OpenAI's protocol by deployment, with content filters, and other makers' models (Foundry)."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.azure.dialects import (
    AzureChat,
    AzureCompletions,
    AzureEmbeddings,
    AzureResponses,
    FoundryChat,
)
from mockllm.dialects.azure.errors import AZURE, FOUNDRY
from mockllm.dialects.vendors.responses import VendorModels

CHAT: Final = AzureChat(AZURE)
RESPONSES: Final = AzureResponses(AZURE)
COMPLETIONS: Final = AzureCompletions(AZURE)
EMBEDDINGS: Final = AzureEmbeddings(AZURE)
MODELS: Final = VendorModels(AZURE)
FOUNDRY_CHAT: Final = FoundryChat(FOUNDRY, CHAT)
"""Chat with the models of other makers."""
DIALECTS: Final = (CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS, MODELS, FOUNDRY_CHAT)
