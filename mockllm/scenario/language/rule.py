"""`rules` and `modifiers`, and their guards with several keys: windows in time and named states."""

import re
from math import inf
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mockllm.core.quantities.types import quantity_error
from mockllm.core.selection.guards import TimeWindow
from mockllm.core.templates.template import is_template
from mockllm.core.values.types import Duration, Probability
from mockllm.scenario.diagnostics import nearest, quoted_choice
from mockllm.scenario.language.admission import LimitSpec, LoadSpec
from mockllm.scenario.language.base import Late, Spec
from mockllm.scenario.language.error import Error
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.reply import BranchOrReply, ResponseSpec, StepOrReply
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.validation_errors import describe_value


class DuringSpec(Spec):
    """A window in time, from the first try of the rule or modifier in its scope."""

    start: Duration = Field(0.0, alias="from")
    """Start of the window; at once by default."""
    to: Duration | None = None
    """End of the window; never by default."""
    every: Duration | None = None
    """Repeats the window; the time from one start to the next."""

    @model_validator(mode="after")
    def in_order(self) -> Self:
        end = self.to if self.to is not None else self.every
        if end is not None and end <= self.start:
            raise PydanticCustomError("during", "the window ends before it begins")
        if self.every is not None and self.to is not None and self.to > self.every:
            raise PydanticCustomError(
                "during", "the window ends after the next one has begun: to is more than every"
            )
        if not self.model_fields_set:
            raise PydanticCustomError("during", "a window has a from, a to or an every")
        return self

    @property
    def during(self) -> TimeWindow:
        """The window as the core's type."""
        return TimeWindow(self.start, inf if self.to is None else self.to, self.every)


def _constant(value: object) -> object:
    if isinstance(value, str) and is_template(value):
        raise quantity_error("a template is not allowed here: the value of a state is a constant")
    return value


StateName: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
StateConstant: TypeAlias = Annotated[str | int | float | bool | None, BeforeValidator(_constant)]
RequiredStates: TypeAlias = dict[
    StateName, StateConstant | Annotated[list[StateConstant], Field(min_length=1)]
]
"""States by name. One of several values is enough; null means unset."""
SetStates: TypeAlias = dict[StateName, StateConstant]


PER = r"^(global|api_key|conversation|ip|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+)$"
SCOPES = ("global", "api_key", "conversation", "ip")


def _per(value: str) -> str:
    if re.match(PER, value) is None:
        expected = quoted_choice((*SCOPES, "header:NAME"))
        near = nearest(value, SCOPES)
        hint = f'; did you mean "{near}"?' if near else ""
        raise quantity_error(f"expected {expected}, found {describe_value(value)}{hint}")
    return value


Per = Annotated[
    str,
    AfterValidator(_per),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(SCOPES)},
                {"type": "string", "pattern": PER, "examples": ["header:x-user"]},
            ]
        }
    ),
]


class Guarded(Spec):
    """The match of a rule or modifier, and the guards that can leave it out although it matches."""

    name: str | None = None
    """The name, unique in the file; shown in `x-mockllm-rule`, the log and explanations."""
    match: Late[Match] = Field(default_factory=Match)
    """Conditions on the request; without them, every request matches."""
    chance: Probability | None = None
    """The probability that it applies: `5%` or 0.05."""
    times: Annotated[int, Field(ge=0)] | None = None
    """The maximum number of responses in all."""
    skip: Annotated[int, Field(ge=0)] | None = None
    """The number of turns to skip first."""
    every: Annotated[int, Field(ge=1)] | None = None
    """Only each Nth turn: the Nth, the 2Nth …"""
    per: Per = "global"
    """The scope of the counts: global, api_key, conversation, ip, or header:NAME."""
    during: Late[DuringSpec] | None = None
    """Applies only in a window of time, from the first try of the rule or modifier in its scope."""
    requires_state: RequiredStates | None = None
    """Applies only if these states, by name, have these values; null means unset."""
    sets_state: SetStates | None = None
    """The states, by name, that the response sets; null removes one."""
    priority: int = 0
    """A higher number goes first, inside the layer."""
    enabled: bool = True
    """Off if false; a condition on the pack's parameters is evaluated when the file is loaded."""
    replaces: str | None = None
    """The id of the rule or modifier that this one replaces, in the same place: `default:made`."""


class RuleSpec(Guarded, ResponseSpec):
    """A rule. The first rule that matches and whose guards allow it selects the response."""

    fallback: bool = False
    """Put the rule after every ordinary rule of every layer."""
    sequence: Annotated[list[StepOrReply], Field(min_length=1)] | None = None
    """Responses in turn."""
    then: Literal["repeat_last", "cycle", "fall_through", "error"] | None = None
    """What happens after the last step."""
    choose: Annotated[list[BranchOrReply], Field(min_length=1)] | None = None
    """One of these responses, drawn by weight."""
    sticky: bool = False
    """With `choose`: draw once for each scope (`per`), so that a user always gets the same branch."""

    @field_validator("then")
    @classmethod
    def after_a_sequence(cls, then: str, info: ValidationInfo) -> str:
        if info.data.get("sequence", ...) is None:
            raise quantity_error("then belongs to a sequence, and this rule has none")
        return then

    @field_validator("sticky")
    @classmethod
    def with_choose(cls, sticky: bool, info: ValidationInfo) -> bool:
        if info.data.get("choose", ...) is None:
            raise quantity_error("sticky belongs to choose, and this rule has none")
        return sticky


class ModifierSpec(Guarded, Settings):
    """A modifier. Every modifier that matches changes the response of the selected rule."""

    error: Error | None = None
    """An error that replaces the response of the selected rule."""
    limit: Late[LimitSpec] | None = None
    """A rate limit for each key; a request beyond the limit gets the provider's 429."""
    load: Late[LoadSpec] | None = None
    """Slows, queues or refuses responses by the number of responses in flight."""
    literal: bool = False
    """Use texts as they are: `{{` starts no template."""
