"""Together: the calls that its `Vendor` describes, and its own: images."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.together.images import TogetherImages
from mockllm.dialects.together.vendor import VENDOR
from mockllm.dialects.vendors import provider_of

_compatible = provider_of(VENDOR)
_images = ProviderCall("images", TogetherImages(VENDOR), operation="generate_content")

PROVIDER: Final[Provider] = replace(
    _compatible,
    routes=(*_compatible.routes, ProviderRoute("POST", f"{VENDOR.bases[0]}/images/generations", _images)),
)
PROVIDERS: Final = (PROVIDER,)
