"""The settings of a server that generates for many requests together, and the times of one of them.

Inference servers such as vLLM add a request to the running batch as soon as there is capacity (continuous
batching). They store the keys and values of earlier prompts by their prefixes (KV cache). `running_batch` is
the model's state.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct


class KvCache(Struct, frozen=True):
    """A cache of keys and values: its size in tokens, which it assigns in blocks of `block` tokens."""

    tokens: int
    block: int = 16

    def in_blocks(self, tokens: int) -> int:
        """Return the tokens of the blocks that `tokens` take."""
        return -(-tokens // self.block) * self.block


class BatchCapacity(Struct, frozen=True):
    """The capacity of a server that computes requests together; None is no bound.

    `slots` requests run together, `queue` more wait. The server reads prompts one by one, `prefill_rate` of
    their uncached tokens in a second; `base` are further seconds before each first token. `itl` has the seconds
    between two tokens by the number of running requests, the smallest number first.
    """

    slots: int | None = None
    queue: int | None = None
    prefill_rate: float | None = None
    base: float = 0.0
    itl: tuple[tuple[int, float], ...] = ()
    kv_cache: KvCache | None = None

    def token_latency(self, running: int) -> float | None:
        """Return the seconds between two tokens with `running` requests: between two stated numbers linear,
        outside of them as at the nearest. None if no time is stated."""
        if not self.itl:
            return None
        above = bisect_left(self.itl, (running,))
        if above == len(self.itl):
            return self.itl[-1][1]
        number, seconds = self.itl[above]
        if above == 0 or number == running:
            return seconds
        below, less = self.itl[above - 1]
        return less + (seconds - less) * (running - below) / (number - below)


class PromptWork(Struct, frozen=True):
    """What an inference server that batches requests has to do for one of them. It reads the tokens of its prompt,
    and generates as many as `output` at most (0 if the request states no limit). The prefixes of the prompt come
    shortest first, each with its hash and its tokens."""

    tokens: int
    output: int = 0
    prefixes: Sequence[tuple[bytes, int]] = ()


NO_WORK = PromptWork(0)


class ContinuousBatchTimes(Struct, frozen=True):
    """When a batch serves a request, in seconds.

    It waits for `wait`, and has its first token `ttft` after that, of which its prompt was read after `read`. Each
    further token follows after `itl`. None leaves the response its own times. `running` requests run then, this one
    included; the cache has `cached` tokens of its prompt. `claimed` tokens of the cache's `capacity` are its own.
    `is_queued`: whether it waits for the batch, not only for a limit's delay.
    """

    wait: float
    ttft: float | None
    itl: float | None
    running: int
    cached: int = 0
    read: float = 0.0
    claimed: int = 0
    capacity: int | None = None
    is_queued: bool = False

    def note(self, prompt: int) -> str:
        """Return the times in words, for a prompt of `prompt` tokens."""
        parts = [f"{self.running} running"]
        if self.ttft is not None:
            parts.append(f"first token after {self.ttft * 1000:.4g}ms")
        if self.itl is not None:
            parts.append(f"itl {self.itl * 1000:.4g}ms")
        if self.cached:
            parts.append(f"{self.cached} of {prompt} prompt tokens cached")
        return f"batch: {', '.join(parts)}"
