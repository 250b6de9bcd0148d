"""Chat responses of other model providers' models at Azure: what their row cannot express.

From recordings of 2025 and 2026.
"""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.dialects.xai.encoder import Grok


class FoundryGrok(Grok):
    """xAI's models as Azure serves them: non-streaming and streaming usage differ in one member each."""

    def body(self) -> dict[str, Json]:
        del self._counted["cost_in_usd_ticks"]
        self._counted["audio_prompt_tokens"] = 0
        return super().body()

    def usage_chunk(self) -> dict[str, Json]:
        self._counted = {**self._counted, "cost_in_usd_ticks": 0}
        return super().usage_chunk()
