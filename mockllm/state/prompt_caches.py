"""The prompt caches of all sessions and clients: hashes of prefixes with their times, and no texts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from math import inf
from threading import Lock
from typing import Final, NamedTuple

from mockllm.core.prompt_cache.broken_prefix import SentPrompt
from mockllm.core.prompt_cache.lookup import CacheWrite

MAX_ENTRIES: Final = 100_000
"""Most entries, of about 200 bytes each. The one that was used least recently is evicted first."""
MAX_CONVERSATIONS: Final = 1_000
"""Most conversations whose last prompt is stored, by the hashes of its blocks."""
MAX_BLOCKS: Final = 2_000
"""Most blocks of a prompt that are stored."""


class CacheEntryTimes(NamedTuple):
    """How long an entry lasts. `lifetime`: the seconds after a use. `ends`: the time when it ends if it is not used
    again. `last`: the time when it ends even if it is used."""

    lifetime: float
    ends: float
    last: float


class PromptCaches:
    """All entries, by keys that contain their scope. A lock guards their changes: long responses are planned
    in a thread."""

    def __init__(self, capacity: int = MAX_ENTRIES) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, CacheEntryTimes] = OrderedDict()
        self._prompts: OrderedDict[bytes, SentPrompt] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def known(self, scenario_time: float) -> Callable[[bytes], bool]:
        """Return a function from a key to whether its entry lasts at a time."""
        entries = self._entries

        def lasts(key: bytes) -> bool:
            entry = entries.get(key)
            return entry is not None and entry.ends > scenario_time

        return lasts

    def write(self, writes: Sequence[CacheWrite], scenario_time: float) -> None:
        """Write entries, and refresh those that exist."""
        with self._lock:
            entries = self._entries
            for key, lifetime, longest in writes:
                old = entries.get(key)
                if old is not None and old.ends > scenario_time:
                    lifetime, last = max(lifetime, old.lifetime), old.last
                else:
                    last = scenario_time + longest if longest < inf else inf
                entries[key] = CacheEntryTimes(lifetime, min(scenario_time + lifetime, last), last)
                entries.move_to_end(key)
            while len(entries) > self._capacity:
                entries.popitem(last=False)

    def last_prompt(self, conversation: bytes) -> SentPrompt | None:
        """Return the last prompt of a conversation."""
        return self._prompts.get(conversation)

    def remember_prompt(self, conversation: bytes, prompt: SentPrompt) -> None:
        """Store the last prompt of a conversation."""
        with self._lock:
            self._prompts[conversation] = prompt._replace(blocks=prompt.blocks[:MAX_BLOCKS])
            self._prompts.move_to_end(conversation)
            while len(self._prompts) > MAX_CONVERSATIONS:
                self._prompts.popitem(last=False)

    def clear(self) -> None:
        """Delete all entries."""
        with self._lock:
            self._entries.clear()
            self._prompts.clear()
