"""Looks a prompt up in a cache: which tokens are read, which are written, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from msgspec import Struct

from mockllm.core.prompt_cache.policy import (
    NOTHING_CACHED,
    SHORT_LIFETIME,
    AutomaticPrefixCache,
    BreakpointCache,
    CachedTokens,
    CachePolicy,
    PromptCacheSettings,
)
from mockllm.core.prompt_cache.prefix import PrefixEnd


class CacheWrite(NamedTuple):
    """An entry to write or to refresh. It has its key, the seconds until it ends without a further use, and the
    seconds until it ends in any case."""

    key: bytes
    lifetime: float
    max_lifetime: float = inf


class CacheLookupResult(Struct, frozen=True):
    """The part of a prompt that a cache has: the tokens, the entries that the response writes, and the reason in
    words. The next prompt that begins like this one reads `readable_tokens`."""

    tokens: CachedTokens
    writes: Sequence[CacheWrite]
    reason: str
    readable_tokens: int = 0

    @property
    def lifetime(self) -> float:
        """The seconds for which the longest entry lasts."""
        return max((write.lifetime for write in self.writes), default=0.0)


def look_up(
    ends: Sequence[PrefixEnd],
    total: int,
    policy: CachePolicy,
    settings: PromptCacheSettings,
    known: Callable[[bytes], bool],
) -> CacheLookupResult:
    """Return what the cache has of a prompt with these prefixes. `total` is the number of its input tokens,
    which is not below the minimum. `known` returns whether an entry lasts."""
    minimum = policy.minimum if settings.minimum is None else settings.minimum
    if isinstance(policy, AutomaticPrefixCache):
        return _by_steps(ends, total, minimum, policy, settings, known)
    return _by_breakpoints(ends, minimum, policy, settings, known)


def _by_steps(
    ends: Sequence[PrefixEnd],
    total: int,
    minimum: int,
    policy: AutomaticPrefixCache,
    settings: PromptCacheSettings,
    known: Callable[[bytes], bool],
) -> CacheLookupResult:
    longest_known = next((end for end in reversed(ends) if known(end.digest)), None)
    lifetime = policy.lifetime if settings.lifetime is None else settings.lifetime
    writes = [CacheWrite(end.digest, lifetime, policy.max_lifetime) for end in ends]
    step = policy.step if minimum >= policy.step else 1
    read = 0 if longest_known is None else min(longest_known.tokens, total - 1) // step * step
    if read < minimum:
        shared = (
            ""
            if longest_known is None
            else f"; {longest_known.tokens} tokens are the same, which are too few"
        )
        reason = f"miss: no cached prompt begins like this one{shared}"
        return CacheLookupResult(NOTHING_CACHED, writes, reason, total)
    reason = f"hit: {read} of {total} tokens, in steps of {step}"
    return CacheLookupResult(CachedTokens(read), writes, reason, total)


def _by_breakpoints(
    ends: Sequence[PrefixEnd],
    minimum: int,
    policy: BreakpointCache,
    settings: PromptCacheSettings,
    known: Callable[[bytes], bool],
) -> CacheLookupResult:
    blocks = [end for end in ends if end.ends_block]
    marked = [number for number, end in enumerate(blocks) if end.lifetime is not None]
    marked = marked[-policy.breakpoints :]
    if not marked:
        return CacheLookupResult(NOTHING_CACHED, (), "not cached: no block has a breakpoint")
    long_enough = [number for number in marked if blocks[number].tokens >= minimum]
    if not long_enough:
        prompt = blocks[marked[-1]].tokens
        reason = f"not cached: {prompt} tokens up to the last breakpoint, and the minimum is {minimum}"
        return CacheLookupResult(NOTHING_CACHED, (), reason)
    found = max((_found(blocks, number, minimum, policy, known) for number in long_enough), default=-1)
    read = blocks[found].tokens if found >= 0 else 0
    new = [blocks[number] for number in long_enough if number > found]
    written = new[-1].tokens - read if new else 0
    long_lived_tokens = [end.tokens for end in new if _lifetime(end, settings) > SHORT_LIFETIME]
    used = [blocks[number] for number in {*long_enough, *((found,) if found >= 0 else ())}]
    writes = [CacheWrite(end.digest, _lifetime(end, settings)) for end in used]
    reason = (
        f"hit: {read} tokens"
        if read
        else "miss: no breakpoint finds a cached prompt that begins like this one"
    )
    if written:
        reason += f"; {written} tokens are written"
    tokens = CachedTokens(read, written, max(long_lived_tokens) - read if long_lived_tokens else 0)
    return CacheLookupResult(tokens, writes, reason, blocks[long_enough[-1]].tokens)


def _lifetime(end: PrefixEnd, settings: PromptCacheSettings) -> float:
    """Return the lifetime of an entry. One that only a lookback finds retains its own."""
    return (end.lifetime or 0.0) if settings.lifetime is None else settings.lifetime


def _found(
    blocks: Sequence[PrefixEnd],
    number: int,
    minimum: int,
    policy: BreakpointCache,
    known: Callable[[bytes], bool],
) -> int:
    """Return the number of the last block with an entry that a breakpoint finds; -1 without one."""
    for place in range(number, max(number - policy.lookback, -1), -1):
        if blocks[place].tokens < minimum:
            break
        if known(blocks[place].digest):
            return place
    return -1
