"""Z.ai: the calls that its row describes."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.vendors import provider_of
from mockllm.dialects.zai.row import ROW

PROVIDERS: Final = (provider_of(ROW),)
