"""Google's protocol as Gemini's API and Vertex AI speak it: generateContent, countTokens and models."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.gemini.embeddings import GeminiEmbeddings
from mockllm.dialects.gemini.generate import GeminiCountTokens, Generate
from mockllm.dialects.gemini.models import GeminiModels

GENERATE: Final = Generate("/v1beta")
VERTEX: Final = Generate("/v1beta1/projects/mockllm/locations/global/publishers/google")
"""The same call, asked for under Vertex AI's path."""
COUNT: Final = GeminiCountTokens()
EMBEDDINGS: Final = GeminiEmbeddings()
MODELS: Final = GeminiModels()
"""Both the list and one model of it."""
