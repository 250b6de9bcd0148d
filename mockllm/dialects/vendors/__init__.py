"""Vendors that speak OpenAI's protocol: a row for each in `table.py`, and the calls that it makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from mockllm.dialects.dialect import Dialect, GeneratingDialect
from mockllm.dialects.vendors.chat import VendorChat
from mockllm.dialects.vendors.responses import (
    VendorCompletions,
    VendorEmbeddings,
    VendorModels,
    VendorResponses,
)
from mockllm.dialects.vendors.table import VENDORS
from mockllm.dialects.vendors.vendor import Vendor


class VendorCalls(Struct, frozen=True):
    """A vendor with its calls: method, path behind the base, and dialect; the usual one first."""

    vendor: Vendor
    calls: tuple[tuple[str, str, Dialect], ...]
    generating: tuple[GeneratingDialect, ...]

    def paths(self) -> Iterator[tuple[str, str, Dialect]]:
        """Method, path behind the vendor's prefix, and dialect."""
        for base in self.vendor.bases:
            for method, path, dialect in self.calls:
                yield method, base + path, dialect


def _spoken(vendor: Vendor) -> VendorCalls:
    chat, completions, models = VendorChat(vendor), VendorCompletions(vendor), VendorModels(vendor)
    generating: list[GeneratingDialect] = [chat]
    calls: list[tuple[str, str, Dialect]] = [("POST", "/chat/completions", chat)]
    if vendor.responses is not None:
        responses = VendorResponses(vendor)
        generating.append(responses)
        calls.append(("POST", "/responses", responses))
    calls += [
        ("POST", "/completions", completions),
        ("POST", "/embeddings", VendorEmbeddings(vendor)),
        ("GET", "/models", models),
        ("GET", "/models/{model}", models),
    ]
    return VendorCalls(vendor, tuple(calls), tuple(generating))


__all__ = ["SPOKEN", "VENDORS", "VendorCalls"]

SPOKEN: Final = tuple(_spoken(vendor) for vendor in VENDORS)
