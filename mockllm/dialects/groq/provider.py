"""Groq: the calls that its row describes."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.groq.row import ROW
from mockllm.dialects.vendors import provider_of

PROVIDERS: Final = (provider_of(ROW),)
