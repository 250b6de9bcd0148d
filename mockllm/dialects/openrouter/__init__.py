"""OpenRouter: the calls that its vendor's row describes, and its own: the ranking of documents."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.openrouter.rerank import OpenRouterRerank
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import VENDORS, provider_of

_row = next(vendor for vendor in VENDORS if vendor.name == "openrouter")
_compatible = provider_of(_row)
_rerank = ProviderRoute("POST", f"{_row.bases[0]}/rerank", ProviderCall("rerank", OpenRouterRerank(_row)))

PROVIDER: Final[Provider] = replace(_compatible, routes=(*_compatible.routes, _rerank))
PROVIDERS: Final = (PROVIDER,)
