"""`load` on a modifier: how a server that many ask at once becomes slower, lets wait, and turns away."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.selection.load import Load
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.limit import AtLeastOne, Count


class LoadSpec(Spec):
    """A server under load. Counted are the answers under way that the modifier applies to, by its `per`."""

    concurrency: AtLeastOne | None = None
    """So many answers are said at full speed."""
    slowdown: Annotated[float, Field(ge=1)] = 2.0
    """With twice as many every wait is so many times as long, and evenly in between and beyond."""
    max_inflight: AtLeastOne | None = None
    """So many are under way at most; who comes then gets `overloaded` (503, Anthropic's 529)."""
    queue: Count = 0
    """So many wait first, in their order, until one has ended."""

    @model_validator(mode="after")
    def complete(self) -> LoadSpec:
        if self.concurrency is None and self.max_inflight is None:
            raise PydanticCustomError("load", "a load needs concurrency or max_inflight")
        if self.queue and self.max_inflight is None:
            raise PydanticCustomError("load", "nobody waits in a queue without max_inflight")
        return self

    @property
    def load(self) -> Load:
        """The load as it is reckoned with."""
        return Load(self.concurrency, self.slowdown, self.max_inflight, self.queue)
