"""Prompt caches that two processes share: each finds what the others wrote."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from hashlib import blake2b
from threading import Thread

import pytest

from mockllm.core.prompt_cache.lookup import CacheWrite
from mockllm.state.shared_counts import COUNT_BYTES, SharedCounts
from mockllm.state.shared_prompt_caches import ENTRIES, WAYS, SharedPromptCaches, _number

TRY_TO_LOCK = """
import fcntl, sys
try:
    fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
except OSError:
    sys.exit(3)
"""


def key(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=32).digest()


@pytest.fixture
def pair() -> Iterator[tuple[SharedPromptCaches, SharedPromptCaches]]:
    """Two mappings of one table, as two processes have them."""
    counts = SharedCounts()
    both = (SharedPromptCaches(counts.fd, COUNT_BYTES), SharedPromptCaches(counts.fd, COUNT_BYTES))
    yield both
    for each in both:
        each.close()
    counts.close()


def test_entry_of_one_process_is_known_to_another(
    pair: tuple[SharedPromptCaches, SharedPromptCaches],
) -> None:
    one, two = pair
    one.write([CacheWrite(key("a"), 10.0)], 100.0)
    assert two.known(109.0)(key("a"))
    assert not two.known(110.0)(key("a"))
    assert not two.known(100.0)(key("b"))
    assert len(two) == 1


def test_use_by_another_process_renews_an_entry(pair: tuple[SharedPromptCaches, SharedPromptCaches]) -> None:
    one, two = pair
    one.write([CacheWrite(key("a"), 10.0, 15.0)], 0.0)
    two.write([CacheWrite(key("a"), 5.0, 15.0)], 8.0)
    assert one.known(14.0)(key("a"))
    assert not one.known(15.0)(key("a"))
    two.write([CacheWrite(key("a"), 5.0, 15.0)], 20.0)
    assert one.known(24.0)(key("a"))


def test_clear_empties_the_table_of_all(pair: tuple[SharedPromptCaches, SharedPromptCaches]) -> None:
    one, two = pair
    one.write([CacheWrite(key("a"), 10.0)], 0.0)
    two.clear()
    assert not one.known(1.0)(key("a"))


def test_full_places_lose_the_entry_that_ends_first(
    pair: tuple[SharedPromptCaches, SharedPromptCaches],
) -> None:
    one, _ = pair
    groups = ENTRIES // WAYS
    alike = [
        number.to_bytes(8) + bytes(16) + bytes(8) for number in range(5, 5 + groups * (WAYS + 1), groups)
    ]
    assert {_number(each) % groups for each in alike} == {5}
    for lifetime, each in enumerate(alike, 1):
        one.write([CacheWrite(each, float(lifetime))], 0.0)
    assert [one.known(0.5)(each) for each in alike] == [False, *[True] * WAYS]


def test_write_of_a_thread_leaves_the_counts_locked() -> None:
    counts = SharedCounts()
    caches = SharedPromptCaches(counts.fd, COUNT_BYTES)
    with counts.locked():
        writer = Thread(target=caches.write, args=([CacheWrite(key("a"), 10.0)], 0.0))
        writer.start()
        writer.join()
        locked = subprocess.run([sys.executable, "-c", TRY_TO_LOCK, str(counts.fd)], pass_fds=[counts.fd])
    free = subprocess.run([sys.executable, "-c", TRY_TO_LOCK, str(counts.fd)], pass_fds=[counts.fd])
    caches.close()
    counts.close()
    assert (locked.returncode, free.returncode) == (3, 0)
