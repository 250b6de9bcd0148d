"""Vendors that speak OpenAI's protocol: a row for each in `table.py`, and the provider that is made of it."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.vendors.provider import provider_of
from mockllm.dialects.vendors.table import VENDORS

__all__ = ["PROVIDERS", "VENDORS"]

PROVIDERS: Final = tuple(map(provider_of, VENDORS))
