"""Guards with a form of their own: windows in time, and named states."""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.quantities.types import quantity_error
from mockllm.core.selection.time_window import TimeWindow
from mockllm.core.templates.template import is_template
from mockllm.core.values.types import Duration
from mockllm.scenario.language.base import Spec


class DuringSpec(Spec):
    """A window in time, from the first try of its scope."""

    start: Duration = Field(0.0, alias="from")
    """When it begins; at once where nothing is said."""
    to: Duration | None = None
    """When it ends; never where nothing is said."""
    every: Duration | None = None
    """Again and again, so long after each other."""

    @model_validator(mode="after")
    def in_order(self) -> DuringSpec:
        end = self.to if self.to is not None else self.every
        if end is not None and end <= self.start:
            raise PydanticCustomError("during", "it ends before it begins")
        if self.every is not None and self.to is not None and self.to > self.every:
            raise PydanticCustomError("during", "it ends after the next one has begun: to is more than every")
        if not self.model_fields_set:
            raise PydanticCustomError("during", "a window has a from, a to or an every")
        return self

    @property
    def during(self) -> TimeWindow:
        """The window as it is reckoned with."""
        return TimeWindow(self.start, inf if self.to is None else self.to, self.every)


def _constant(value: Any) -> Any:
    if isinstance(value, str) and is_template(value):
        raise quantity_error("no template stands here: a state has a constant value")
    return value


StateName: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
StateValue: TypeAlias = Annotated[str | int | float | bool | None, BeforeValidator(_constant)]
RequiredStates: TypeAlias = dict[StateName, StateValue | Annotated[list[StateValue], Field(min_length=1)]]
"""By name; of several values any will do, and null is unset."""
SetStates: TypeAlias = dict[StateName, StateValue]
