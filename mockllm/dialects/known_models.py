"""The models that each provider is known to have: what its list shows beside the names in the rules, and what
`models: strict` lets pass.

Of Azure, whose deployments have names of their own, and of most vendors no table is kept: of these the rules
name all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mockllm.dialects import vendors
from mockllm.dialects.anthropic import models as anthropics
from mockllm.dialects.gemini import embeddings as embedding
from mockllm.dialects.gemini import models as googles
from mockllm.dialects.openai import models as openais

_CLAUDE: Final = frozenset(
    alias for name in anthropics.WELL_KNOWN for alias in (name, re.sub(r"-\d{8}$", "", name))
)
"""A name without its date is an alias."""
_GEMINI: Final = frozenset((*googles.WELL_KNOWN, *embedding.SIZES, "gemini-embedding-001"))
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    **{vendor.name: frozenset(filter(None, (vendor.model,))) for vendor in vendors.VENDORS},
    "openai": frozenset(openais.WELL_KNOWN),
    "anthropic": _CLAUDE,
    "gemini": _GEMINI,
    "vertex": _GEMINI | {re.sub(r"-(?=\d{8}$)", "@", name) for name in _CLAUDE},
}


def knows(provider: str | None, model: str) -> bool:
    """Whether a provider is known to have a model of this name."""
    return model in _KNOWN.get(provider or "", ())
