"""DeepSeek: the calls that its `Vendor` describes."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.deepseek.vendor import VENDOR
from mockllm.dialects.vendors import provider_of

PROVIDERS: Final = (provider_of(VENDOR),)
