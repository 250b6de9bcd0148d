"""`limit` on a modifier: how many requests, tokens and answers under way a key may have.

Constants and parameters only, no templates: a limit that each request chooses for itself would be none.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.limits import Limit, Strategy
from mockllm.core.limits.limit import METERED, STRATEGIES
from mockllm.core.quantities.types import quantity_error
from mockllm.core.templates.template import is_template
from mockllm.core.values.types import Duration, Probability
from mockllm.scenario.language.base import Spec

NAMES: Final = {name.replace("-", "_"): name for name in STRATEGIES}
"""`token_bucket` is `token-bucket`."""


def _named(value: Any) -> Any:
    return NAMES.get(value, value) if isinstance(value, str) else value


def _constant(value: Any) -> Any:
    if isinstance(value, str) and is_template(value):
        raise quantity_error(
            'no template stands here: a limit is a number, or a parameter of its pack ("${name}")'
        )
    return value


BothForms: TypeAlias = Literal[tuple(dict.fromkeys((*STRATEGIES, *NAMES)))]  # type: ignore[valid-type]
StrategyName: TypeAlias = Annotated[Strategy, BeforeValidator(_named, json_schema_input_type=BothForms)]
Count: TypeAlias = Annotated[int, Field(ge=0), BeforeValidator(_constant)]
AtLeastOne: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(_constant)]


class LimitSpec(Spec):
    """A rate limit. What its strategy does not use is not looked at."""

    strategy: StrategyName
    """How it counts: none, fixed-window, sliding-window, token-bucket, leaky-bucket, after-n, random, always."""
    requests: Count | None = None
    """How many requests in each window; of after-n, how many in all."""
    tokens: Count | None = None
    """How many tokens in each window, beside the requests: those of the input, and `max_tokens`."""
    concurrent: Count | None = None
    """How many answers may be under way (windows and buckets)."""
    window: Duration = 60.0
    """How long a window is; one minute where nothing is said."""
    burst: AtLeastOne | None = None
    """How many requests a full token bucket lets pass at once; as many as `requests` where nothing is said."""
    queue: Count | None = None
    """How many requests may wait in a leaky bucket; one less than `requests` where nothing is said."""
    probability: Probability | None = None
    """How likely random refuses a request."""
    retry_after: Duration = 1.0
    """What a refusal tells where no time is true: of after-n, random, always and concurrent."""

    @model_validator(mode="after")
    def complete(self) -> LimitSpec:
        if self.strategy in METERED:
            if (self.requests, self.tokens, self.concurrent) == (None, None, None):
                raise _needs(self.strategy, "requests, tokens or concurrent")
            if not self.window:
                raise PydanticCustomError("window", "a window is longer than 0s")
        if self.strategy == "after-n" and self.requests is None:
            raise _needs(self.strategy, "requests: how many it allows")
        if self.strategy == "random" and self.probability is None:
            raise _needs(self.strategy, "probability: how likely it refuses a request")
        return self

    @property
    def limit(self) -> Limit:
        """The limit as it is counted."""
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
        )


def _needs(strategy: Strategy, what: str) -> PydanticCustomError:
    return PydanticCustomError("limit", "{strategy} needs {what}", {"strategy": strategy, "what": what})
