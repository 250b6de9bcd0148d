"""Perplexity: the calls that its `Vendor` describes."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.perplexity.vendor import VENDOR
from mockllm.dialects.provider import Provider
from mockllm.dialects.vendors import provider_of

UNSERVED: Final = (
    "/async",
    "/search",
    *(
        f"/v1/{name}"
        for name in (
            "batches", "browser", "contextualizedembeddings", "decisions", "files", "responses", "skills",
        )
    ),
)  # fmt: skip
"""The starts of the paths of Perplexity's other calls (SDK: the paths of `perplexity.generated.api`)."""
PROVIDER: Final[Provider] = replace(provider_of(VENDOR), unserved=UNSERVED)
PROVIDERS: Final = (PROVIDER,)
