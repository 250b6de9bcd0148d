"""The prefixes of prompts that a KV cache holds, by their hashes. No text of a prompt is stored."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from mockllm.core.load.continuous_batch import KvCache

MAX_PREFIXES: Final = 20_000
"""Most prefixes: many may end in the same token."""


class CachedPrefixes:
    """The prefixes that were used last, as many as fit into the cache together. The longest prefix of a prompt is
    evicted first, as vLLM frees the last block first (`KVCacheManager.free`)."""

    __slots__ = ("_cache", "_held", "_most", "_tokens")

    def __init__(self, cache: KvCache, most: int = MAX_PREFIXES) -> None:
        self._cache = cache
        self._most = most
        self._held: OrderedDict[bytes, int] = OrderedDict()
        """By hash: the tokens that the prefix has more than the prefix before it. The first is evicted first."""
        self._tokens = 0

    def __len__(self) -> int:
        return len(self._held)

    def copy(self) -> CachedPrefixes:
        """Return a cache with the same prefixes, which changes separately."""
        copied = CachedPrefixes(self._cache, self._most)
        copied._held, copied._tokens = self._held.copy(), self._tokens
        return copied

    @property
    def tokens(self) -> int:
        """The tokens of all prefixes."""
        return self._tokens

    def cached(self, prefixes: Sequence[tuple[bytes, int]], tokens: int) -> int:
        """Return how many of a prompt's tokens the cache has, in whole blocks. At least one token is computed, as by
        vLLM (`KVCacheManager.get_computed_blocks`)."""
        known = next((end for digest, end in reversed(prefixes) if digest in self._held), 0)
        return max(0, min(known, tokens - 1)) // self._cache.block * self._cache.block

    def add(self, prefixes: Sequence[tuple[bytes, int]]) -> None:
        """Store the prefixes of a prompt, or use them again."""
        before = [0, *(end for _, end in prefixes)]
        for (digest, end), shorter in zip(reversed(prefixes), reversed(before[:-1]), strict=True):
            if digest not in self._held:
                self._held[digest] = end - shorter
                self._tokens += end - shorter
            self._held.move_to_end(digest)
        while self._tokens > self._cache.tokens or len(self._held) > self._most:
            self._tokens -= self._held.popitem(last=False)[1]
