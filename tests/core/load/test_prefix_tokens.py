"""The prefixes in a KV cache: what is found again, what leaves first, and the bounds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.load.continuous_batch import KvCache
from mockllm.core.load.prefix_tokens import CachedPrefixes


def prefixes(text: str, each: int = 10) -> list[tuple[bytes, int]]:
    """The prefixes of a prompt in which each letter counts as so many tokens."""
    return [(text[:end].encode(), end * each) for end in range(1, len(text) + 1)]


@pytest.mark.parametrize(
    ("earlier", "prompt", "cached"),
    [
        pytest.param([], "abcd", 0, id="nothing is cached"),
        pytest.param(["abcd"], "abxy", 16, id="whole blocks of the shared beginning"),
        pytest.param(["abcd"], "xbcd", 0, id="only the beginning counts"),
        pytest.param(["abcdefgh"], "abcdefgh", 64, id="the last token is computed in any case"),
        pytest.param(["abcdefgh", "ab"], "abcdefghij", 80, id="the longest of all prompts"),
    ],
)
def test_cached_tokens_are_of_longest_known_prefix(earlier: Sequence[str], prompt: str, cached: int) -> None:
    cache = CachedPrefixes(KvCache(1000))
    for each in earlier:
        cache.add(prefixes(each))
    assert cache.cached(prefixes(prompt), len(prompt) * 10) == cached


def test_end_of_prompt_unused_for_longest_leaves_first() -> None:
    cache = CachedPrefixes(KvCache(80))
    for prompt in ("abcd", "wxyz", "ab", "mn"):
        cache.add(prefixes(prompt))
    kept = [cache.cached(prefixes(prompt), 41) for prompt in ("abcd", "wxyz", "mn")]
    assert kept == [16, 32, 16]  # abcd has lost its end, cd, for mn
    assert cache.tokens == 80


def test_prompt_longer_than_cache_stores_its_beginning() -> None:
    cache = CachedPrefixes(KvCache(40))
    cache.add(prefixes("abcdefgh"))
    assert (len(cache), cache.tokens, cache.cached(prefixes("abcdefgh"), 80)) == (4, 40, 32)


def test_prefixes_without_tokens_are_bounded_too() -> None:
    cache = CachedPrefixes(KvCache(1000), most=3)
    cache.add(prefixes("abcdefgh", 0))
    assert len(cache) == 3


@given(prompts=st.lists(st.text("ab", min_size=1, max_size=12), max_size=40), room=st.integers(1, 200))
def test_cache_stays_within_its_size(prompts: list[str], room: int) -> None:
    cache = CachedPrefixes(KvCache(room, block=1))
    for prompt in prompts:
        ends = prefixes(prompt)
        assert 0 <= cache.cached(ends, len(prompt) * 10) < len(prompt) * 10
        cache.add(ends)
        assert cache.tokens <= room
