"""Together: the calls that its vendor's row describes, and its own: images."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.together.images import TogetherImages
from mockllm.dialects.vendors import VENDORS, provider_of

_row = next(vendor for vendor in VENDORS if vendor.name == "together")
_compatible = provider_of(_row)
_images = ProviderCall("images", TogetherImages(_row), operation="generate_content")

PROVIDER: Final[Provider] = replace(
    _compatible,
    routes=(*_compatible.routes, ProviderRoute("POST", f"{_row.bases[0]}/images/generations", _images)),
)
PROVIDERS: Final = (PROVIDER,)
