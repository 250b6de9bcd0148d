"""OpenRouter: the calls that its vendor's row describes, chat with images, responses of all makers, and its own:
images and the ranking of documents."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.openrouter.chat import OpenRouterChat
from mockllm.dialects.openrouter.images import OpenRouterImages
from mockllm.dialects.openrouter.rerank import OpenRouterRerank
from mockllm.dialects.openrouter.responses import OpenRouterResponses
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import VENDORS, provider_of

_row = next(vendor for vendor in VENDORS if vendor.name == "openrouter")
_compatible = provider_of(_row)
_own = {"chat": OpenRouterChat(_row), "responses": OpenRouterResponses(_row)}
_rerank = ProviderRoute("POST", f"{_row.bases[0]}/rerank", ProviderCall("rerank", OpenRouterRerank(_row)))
_images = ProviderRoute(
    "POST",
    f"{_row.bases[0]}/images",
    ProviderCall("images", OpenRouterImages(_row), operation="generate_content"),
)

_routes = tuple(
    route._replace(call=replace(route.call, dialect=_own[route.call.id])) if route.call.id in _own else route
    for route in _compatible.routes
)

PROVIDER: Final[Provider] = replace(_compatible, routes=(*_routes, _rerank, _images))
PROVIDERS: Final = (PROVIDER,)
