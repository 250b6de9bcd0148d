"""Z.ai: the calls that its `Vendor` describes."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.vendors import provider_of
from mockllm.dialects.zai.vendor import VENDOR

PROVIDERS: Final = (provider_of(VENDOR),)
