"""`limit` and `load` on a modifier: the rate limits of a key, and the behaviour of a busy provider.

A limit has constants and parameters only, no templates. A limit that each request chooses for itself would
limit nothing.
"""

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.limits.limit_data import METERED, STRATEGIES, Limit, LimitStrategy
from mockllm.core.load.load import Load
from mockllm.core.quantities.types import quantity_error
from mockllm.core.templates.template import is_template
from mockllm.core.values.types import Duration, Probability
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.batch import ContinuousBatchSpec

NAMES: Final = {name.replace("-", "_"): name for name in STRATEGIES}
"""Strategies by their spelling with underscores: `token_bucket` is `token-bucket`."""


def _with_hyphens(value: object) -> object:
    return NAMES.get(value, value) if isinstance(value, str) else value


def _constant(value: object) -> object:
    if isinstance(value, str) and is_template(value):
        raise quantity_error(
            'a template is not allowed here: a limit is a number, or a parameter of its pack ("${name}")'
        )
    return value


BothForms: TypeAlias = Literal[tuple(dict.fromkeys((*STRATEGIES, *NAMES)))]  # type: ignore[valid-type]
StrategyName: TypeAlias = Annotated[
    LimitStrategy, BeforeValidator(_with_hyphens, json_schema_input_type=BothForms)
]
Count: TypeAlias = Annotated[int, Field(ge=0), BeforeValidator(_constant)]
AtLeastOne: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(_constant)]


class LimitSpec(Spec):
    """A rate limit. Keys that the strategy does not use are ignored."""

    strategy: StrategyName
    """The strategy: none, fixed-window, sliding-window, token-bucket, leaky-bucket, after-n, random, always."""
    requests: Count | None = None
    """The number of requests in each window; with after-n, the total number."""
    tokens: Count | None = None
    """The number of tokens in each window, in addition to the requests: input tokens plus `max_tokens`."""
    input_tokens: Count | None = None
    """The number of input tokens in each window."""
    output_tokens: Count | None = None
    """The number of output tokens in each window: a request takes its `max_tokens`, at most the whole bound."""
    concurrent: Count | None = None
    """The number of responses in flight (windows and buckets)."""
    window: Duration = 60.0
    """The length of a window; one minute by default."""
    burst: AtLeastOne | None = None
    """The number of requests that a full token bucket allows at once; as many as `requests` by default."""
    queue: Count | None = None
    """The number of requests that may wait in a leaky bucket; one less than `requests` by default."""
    probability: Probability | None = None
    """The probability that random refuses a request."""
    retry_after: Duration = 1.0
    """The wait that a refusal reports if no real time is known: with after-n, random, always and concurrent."""

    @model_validator(mode="after")
    def complete(self) -> Self:
        if self.strategy in METERED:
            counts = (self.requests, self.tokens, self.input_tokens, self.output_tokens, self.concurrent)
            if all(count is None for count in counts):
                raise _needs(self.strategy, "requests, tokens, input_tokens, output_tokens or concurrent")
            if not self.window:
                raise PydanticCustomError("window", "a window must be longer than 0s")
        if self.strategy == "after-n" and self.requests is None:
            raise _needs(self.strategy, "requests: how many it allows")
        if self.strategy == "random" and self.probability is None:
            raise _needs(self.strategy, "probability: how likely it refuses a request")
        return self

    @property
    def limit(self) -> Limit:
        """The limit as the core's type."""
        return Limit(
            self.strategy,
            self.requests,
            self.tokens,
            self.concurrent,
            self.window,
            self.burst,
            self.queue,
            self.probability or 0.0,
            self.retry_after,
            self.input_tokens,
            self.output_tokens,
        )


def _needs(strategy: LimitStrategy, what: str) -> PydanticCustomError:
    return PydanticCustomError("limit", "{strategy} needs {what}", {"strategy": strategy, "what": what})


class LoadSpec(Spec):
    """A model of a busy provider. Counts the responses in flight to which the modifier applies, by its `per`."""

    concurrency: AtLeastOne | None = None
    """The number of responses at full speed."""
    slowdown: Annotated[float, Field(ge=1)] = 2.0
    """The factor of each wait of the pace and of a script at twice this concurrency; linear in between and beyond."""
    max_inflight: AtLeastOne | None = None
    """The maximum number of responses in flight; further requests get `overloaded` (503, Anthropic's 529)."""
    queue: Count = 0
    """The number of further requests that wait, in their order, until a response has ended."""

    batch: ContinuousBatchSpec | None = None
    """A model of continuous batching and of a KV cache, in place of all other keys."""

    @model_validator(mode="after")
    def complete(self) -> Self:
        if self.batch is not None:
            others = sorted(self.model_fields_set - {"batch"})
            if others:
                word = {"word": others[0]}
                raise PydanticCustomError(
                    "load", "{word} does not go with batch, which has its own slots and queue", word
                )
            return self
        if self.concurrency is None and self.max_inflight is None:
            raise PydanticCustomError("load", "a load needs concurrency, max_inflight or batch")
        if self.queue and self.max_inflight is None:
            raise PydanticCustomError("load", "a queue needs max_inflight")
        return self

    @property
    def load(self) -> Load:
        """The load as the core's type."""
        batch = None if self.batch is None else self.batch.batch
        return Load(self.concurrency, self.slowdown, self.max_inflight, self.queue, batch)
