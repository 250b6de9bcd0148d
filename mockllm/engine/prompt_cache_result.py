"""What a provider's prompt cache has of one request."""

from __future__ import annotations

from msgspec import Struct

from mockllm.core.prompt_cache.broken_prefix import BrokenPrefix
from mockllm.core.prompt_cache.lookup import CacheLookupResult
from mockllm.core.prompt_cache.policy import CachedTokens
from mockllm.core.prompt_cache.prefix import PromptPrefixes


class PromptCacheResult(Struct, frozen=True):
    """The part of one request that the cache has. `broken`: where it differs from the last prompt of the
    conversation. `scenario_time` is the time of the request."""

    prefixes: PromptPrefixes
    conversation: bytes
    found: CacheLookupResult
    broken: BrokenPrefix | None
    scenario_time: float

    @property
    def tokens(self) -> CachedTokens:
        return self.found.tokens

    @property
    def reason(self) -> str:
        """The result in words."""
        broken = self.broken
        lost = (
            "" if broken is None else f"; {broken.lost} tokens are lost, because {broken.block} has changed"
        )
        return f"prompt cache {self.found.reason}{lost}"

    @property
    def noted(self) -> bool:
        """Whether the log and the journal mention the result."""
        return bool(self.tokens.read or self.tokens.written or self.broken)
