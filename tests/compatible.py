"""Every OpenAI-compatible base: the vendors of the table, and Gemini's."""

from __future__ import annotations

from typing import Final

from mockllm.dialects import vendors
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.google.openai_compatible import COMPATIBLE
from mockllm.dialects.providers import BY_NAME
from mockllm.dialects.vllm.row import ROW as VLLM

ROWS: Final = (*vendors.VENDORS, VLLM)
"""The vendors whose base is the provider's own."""
VENDORS: Final = (*ROWS, COMPATIBLE)


def vendor_dialects(vendor: str) -> list[Dialect]:
    """The dialects of the calls behind a vendor's base, each once."""
    provider = BY_NAME[vendor]
    calls = (
        route.call
        for route in provider.routes
        if provider.prefixed or route.prefixed or route.call.id.startswith("compatible_")
    )
    return [call.dialect for call in dict.fromkeys(calls)]


def vendor_dialect(vendor: str, id: str) -> Dialect:
    """A vendor's call by the id that it has in the table."""
    provider = BY_NAME[vendor]
    row = any(vendor == each.name for each in ROWS)
    return provider.call(id if row else f"compatible_{id}").dialect
