"""xAI: the calls that its `Vendor` describes, and its own: images, and the form of its
responses."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import provider_of
from mockllm.dialects.xai.images import XaiImageEdits, XaiImageGenerations
from mockllm.dialects.xai.images_request import MODELS
from mockllm.dialects.xai.responses import XaiResponses
from mockllm.dialects.xai.vendor import VENDOR

_compatible = provider_of(VENDOR)
_responses = XaiResponses(VENDOR)
_routes = tuple(
    route._replace(call=replace(route.call, dialect=_responses)) if route.call.id == "responses" else route
    for route in _compatible.routes
)
_images = ProviderCall("images", XaiImageGenerations(VENDOR), operation="generate_content")

PROVIDER: Final[Provider] = replace(
    _compatible,
    routes=(
        *_routes,
        ProviderRoute("POST", "/v1/images/generations", _images),
        ProviderRoute("POST", "/v1/images/edits", ProviderCall("image_edits", XaiImageEdits(VENDOR))),
    ),
    known_models=_compatible.known_models | MODELS,
)
PROVIDERS: Final = (PROVIDER,)
