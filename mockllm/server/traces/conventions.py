"""The names that OpenTelemetry's conventions have for the settings of requests, and the bounds of OTLP. Providers
and operations: `mockllm/dialects/provider.py`.

As text of our own, for the constants of the Python package are marked deprecated since these conventions moved
to a repository of their own. Source: open-telemetry/semantic-conventions-genai, client inference and its registry
of attributes, as of 2026.
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
