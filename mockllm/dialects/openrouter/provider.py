"""OpenRouter: the calls of its `Vendor`, with images in the chat and responses of all makers. Its own calls are
images, the ranking of documents and the account."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.openrouter.account import Credits, Key
from mockllm.dialects.openrouter.chat import OpenRouterChat
from mockllm.dialects.openrouter.images import OpenRouterImages
from mockllm.dialects.openrouter.rerank import OpenRouterRerank
from mockllm.dialects.openrouter.responses import OpenRouterResponses
from mockllm.dialects.openrouter.vendor import VENDOR
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import provider_of

_compatible = provider_of(VENDOR)
_own = {"chat": OpenRouterChat(VENDOR), "responses": OpenRouterResponses(VENDOR)}
_rerank = ProviderRoute("POST", f"{VENDOR.bases[0]}/rerank", ProviderCall("rerank", OpenRouterRerank(VENDOR)))
_images = ProviderRoute(
    "POST",
    f"{VENDOR.bases[0]}/images",
    ProviderCall("images", OpenRouterImages(VENDOR), operation="generate_content"),
)
_account = (
    ProviderRoute("GET", f"{VENDOR.bases[0]}/key", ProviderCall("key", Key(VENDOR))),
    ProviderRoute("GET", f"{VENDOR.bases[0]}/credits", ProviderCall("credits", Credits(VENDOR))),
)

_routes = tuple(
    route._replace(call=replace(route.call, dialect=_own[route.call.id])) if route.call.id in _own else route
    for route in _compatible.routes
)

PROVIDER: Final[Provider] = replace(_compatible, routes=(*_routes, _rerank, _images, *_account))
PROVIDERS: Final = (PROVIDER,)
