"""Names of OpenTelemetry's conventions for the settings of requests, and the bounds of OTLP. Providers and
operations: `mockllm/dialects/provider.py`.

The Python package marks its constants as deprecated, since the conventions moved to a separate repository; so the
names are literals here. Source: open-telemetry/semantic-conventions-genai, client inference and its registry of
attributes, as of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FLOATS: Final[Mapping[str, tuple[str, ...]]] = {
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p", "topP"),
    "gen_ai.request.frequency_penalty": ("frequency_penalty", "frequencyPenalty"),
    "gen_ai.request.presence_penalty": ("presence_penalty", "presencePenalty"),
}
"""Attributes of numeric settings, with their fields: at the top level of a body, or in `generationConfig`."""
INTEGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "gen_ai.request.top_k": ("top_k", "topK"),
    "gen_ai.request.seed": ("seed",),
}
METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
"""The values of `http.request.method`; other methods become `_OTHER`."""
MAX_INTEGER: Final = 2**63 - 1
"""Largest integer of OTLP; a larger one makes a receiver refuse all spans of the batch."""
MAX_LENGTH: Final = 1000
"""Most characters of a text attribute."""
