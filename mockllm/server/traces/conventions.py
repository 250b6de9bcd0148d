"""The names that OpenTelemetry's conventions have for what mockllm knows: providers, operations, settings.

As text of our own, for the constants of the Python package are marked deprecated since these conventions moved
to a repository of their own. Source: open-telemetry/semantic-conventions-genai, client inference and its registry
of attributes, as of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PROVIDERS: Final[Mapping[str, str]] = {
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "bedrock": "aws.bedrock",
}
"""`gen_ai.provider.name` of those whose name is another here; all others are called as they are here."""
FOUNDRY: Final = "azure.ai.inference"
"""Azure's, where models of other makers are asked (`/models/…`)."""
OPERATIONS: Final[Mapping[str, str]] = {
    "chat": "chat",
    "responses": "chat",
    "messages": "chat",
    "completions": "text_completion",
    "generate": "generate_content",
    "embeddings": "embeddings",
}
"""`gen_ai.operation.name` by api; the others are no operation of a model."""
FLOATS: Final[Mapping[str, tuple[str, ...]]] = {
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p", "topP"),
    "gen_ai.request.frequency_penalty": ("frequency_penalty", "frequencyPenalty"),
    "gen_ai.request.presence_penalty": ("presence_penalty", "presencePenalty"),
}
"""Settings that are numbers, with the fields that hold them: at the top of a body, or in `generationConfig`."""
INTEGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "gen_ai.request.top_k": ("top_k", "topK"),
    "gen_ai.request.seed": ("seed",),
}
METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
"""Those that `http.request.method` tells; of any other it says `_OTHER`."""
LARGEST: Final = 2**63 - 1
"""OTLP holds no larger integer, and refuses all spans that are sent with one."""
LONGEST: Final = 1000
"""Characters of a text that are told."""
