"""The memory of prompt caches: bounded, and with the times of its entries."""

from __future__ import annotations

from math import inf

from mockllm.core.prompt_cache.broken_prefix import SentPrompt
from mockllm.core.prompt_cache.lookup import CacheWrite
from mockllm.state import prompt_caches
from mockllm.state.prompt_caches import PromptCaches


def test_entry_lasts_until_its_end() -> None:
    caches = PromptCaches()
    caches.write([CacheWrite(b"a", 10.0, inf)], 100.0)
    assert caches.known(109.0)(b"a")
    assert not caches.known(110.0)(b"a")
    assert not caches.known(100.0)(b"b")


def test_shorter_lifetime_does_not_shorten_an_entry() -> None:
    caches = PromptCaches()
    caches.write([CacheWrite(b"a", 100.0)], 0.0)
    caches.write([CacheWrite(b"a", 10.0)], 50.0)
    assert caches.known(149.0)(b"a")


def test_entry_that_has_ended_is_written_anew() -> None:
    caches = PromptCaches()
    caches.write([CacheWrite(b"a", 100.0, 100.0)], 0.0)
    caches.write([CacheWrite(b"a", 10.0, 100.0)], 200.0)
    assert caches.known(209.0)(b"a")
    assert not caches.known(211.0)(b"a")


def test_least_recently_used_entry_leaves_first() -> None:
    caches = PromptCaches(2)
    for key in (b"a", b"b", b"a", b"c"):
        caches.write([CacheWrite(key, 10.0)], 0.0)
    assert [caches.known(1.0)(key) for key in (b"a", b"b", b"c")] == [True, False, True]
    assert len(caches) == 2


def test_conversations_and_blocks_are_bounded() -> None:
    caches = PromptCaches()
    long = [b"block"] * (prompt_caches.MAX_BLOCKS + 1)
    for number in range(prompt_caches.MAX_CONVERSATIONS + 1):
        caches.remember_prompt(b"%d" % number, SentPrompt(long, 0, 1))
    last = caches.last_prompt(b"%d" % prompt_caches.MAX_CONVERSATIONS)
    assert last is not None
    assert len(last.blocks) == prompt_caches.MAX_BLOCKS
    assert caches.last_prompt(b"0") is None
