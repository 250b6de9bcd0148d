"""`batch` of a `load`: a server that generates for many requests together."""

from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.load.continuous_batch import BatchCapacity, KvCache
from mockllm.core.values.types import Duration
from mockllm.scenario.language.base import Spec


def _with_numbers(value: object) -> object:
    """Return a mapping from JSON, whose keys are texts, with numbers as keys; one duration for all numbers."""
    if isinstance(value, str):
        return {1: value}
    if not isinstance(value, dict):
        return value
    return {
        int(key) if isinstance(key, str) and key.isdecimal() else key: seconds
        for key, seconds in value.items()
    }


RunningRequests: TypeAlias = Annotated[int, Field(ge=1)]
LatencyByBatch: TypeAlias = Annotated[
    dict[RunningRequests, Duration],
    Field(min_length=1),
    BeforeValidator(_with_numbers, json_schema_input_type=Duration | dict[RunningRequests, Duration]),
]


class PrefillSpec(Spec):
    """How long the server reads a prompt, before the first token."""

    tokens_per_second: Annotated[float, Field(gt=0)] | None = None
    """The speed at which it reads prompts, one by one; tokens that the KV cache has take no time."""
    base: Duration = 0.0
    """Further time before each first token, which does not delay other requests."""


class KvCacheSpec(Spec):
    """The cache of the tokens of running requests, and of the prompts before them."""

    tokens: Annotated[int, Field(ge=1)]
    """The size in tokens. A request waits until its prompt and its `max_tokens` have room."""
    block: Annotated[int, Field(ge=1)] = 16
    """The tokens of a block. A prompt uses whole blocks of an earlier one that begins like it."""


class ContinuousBatchSpec(Spec):
    """A server that generates for many requests together, as vLLM does. Its times replace `ttft` and `itl`."""

    slots: Annotated[int, Field(ge=1)] | None = None
    """The number of requests that run together; further ones wait, in their order."""
    queue: Annotated[int, Field(ge=0)] | None = None
    """The number of requests that may wait; further ones get `overloaded`. Without it, all wait."""
    prefill: PrefillSpec | None = None
    """The time to the first token."""
    itl: LatencyByBatch | None = None
    """The time between two tokens by the number of running requests: `{1: 20ms, 32: 35ms}`, or one time for all."""
    kv_cache: KvCacheSpec | None = None
    """The cache of keys and values."""

    @model_validator(mode="after")
    def complete(self) -> Self:
        if (self.slots, self.prefill, self.itl, self.kv_cache) == (None,) * 4:
            raise PydanticCustomError("batch", "a batch needs slots, prefill, itl or kv_cache")
        if self.queue is not None and (self.slots, self.kv_cache) == (None, None):
            raise PydanticCustomError(
                "batch", "a queue needs slots or kv_cache: without them no request waits"
            )
        return self

    @property
    def batch(self) -> BatchCapacity:
        """The batch as the core's type."""
        prefill = self.prefill or PrefillSpec()
        cache = None if self.kv_cache is None else KvCache(self.kv_cache.tokens, self.kv_cache.block)
        itl = tuple(sorted((self.itl or {}).items()))
        return BatchCapacity(self.slots, self.queue, prefill.tokens_per_second, prefill.base, itl, cache)
