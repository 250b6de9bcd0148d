"""Every OpenAI-compatible base: the vendors, each with a row in its folder, and Gemini's."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.google.openai_compatible import COMPATIBLE
from mockllm.dialects.listing import FOLDERS
from mockllm.dialects.providers import BY_NAME
from mockllm.dialects.vendors.vendor import Vendor

OWN_BASES: Final[tuple[Vendor, ...]] = tuple(
    import_module(f"mockllm.dialects.{folder}.vendor").VENDOR
    for folder in FOLDERS.values()
    if find_spec(f"mockllm.dialects.{folder}.vendor") is not None
)
"""The vendors whose base is the provider's own."""
VENDORS: Final = (*OWN_BASES, COMPATIBLE)


def vendor_dialects(vendor: str) -> list[Dialect]:
    """The dialects of the calls behind a vendor's base, each once."""
    provider = BY_NAME[vendor]
    calls = (
        route.call
        for route in provider.routes
        if provider.needs_prefix or route.needs_prefix or route.call.id.startswith("compatible_")
    )
    return [call.dialect for call in dict.fromkeys(calls)]


def vendor_dialect(vendor: str, id: str) -> Dialect:
    """A vendor's call by the id that it has in `vendor_routes`."""
    provider = BY_NAME[vendor]
    own_base = any(vendor == each.name for each in OWN_BASES)
    return provider.call(id if own_base else f"compatible_{id}").dialect
