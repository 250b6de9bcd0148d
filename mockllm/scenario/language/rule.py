"""`rules` and `modifiers`: when, and what."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Probability
from mockllm.scenario.diagnostics import either, nearest
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.error import Error
from mockllm.scenario.language.guards import DuringSpec, RequiredStates, SetStates
from mockllm.scenario.language.limit import LimitSpec
from mockllm.scenario.language.load import LoadSpec
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.reply import Branch, ResponseSpec, Step
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.validation_errors import found_text

PER = r"^(global|api_key|conversation|ip|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+)$"
SCOPES = ("global", "api_key", "conversation", "ip")


def _per(value: str) -> str:
    if re.match(PER, value) is None:
        expected = either((*SCOPES, "header:NAME"))
        raise quantity_error(f"expected {expected}, found {found_text(value)}" + _near(value))
    return value


def _near(value: str) -> str:
    near = nearest(value, SCOPES)
    return f'; did you mean "{near}"?' if near else ""


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
    """When a rule or modifier whose match holds is left out all the same."""

    name: str | None = None
    """Its name, unique in the file; shown in `x-mockllm-rule`, the log and explanations."""
    match: Match = Field(default_factory=Match)
    """What is asked of the request; without it, every request will do."""
    chance: Probability | None = None
    """How likely it is to answer: `5%` or 0.05."""
    times: Annotated[int, Field(ge=0)] | None = None
    """How many answers it gives in all."""
    skip: Annotated[int, Field(ge=0)] | None = None
    """How many turns it passes over first."""
    every: Annotated[int, Field(ge=1)] | None = None
    """Only each Nth turn: the Nth, the 2Nth …"""
    per: Per = "global"
    """Whose counts: global, api_key, conversation, ip, or header:NAME."""
    during: DuringSpec | None = None
    """Only in a window of time, from the first try of its scope."""
    requires_state: RequiredStates | None = None
    """Only where these states, by name, have these values; null is unset."""
    sets_state: SetStates | None = None
    """The states, by name, that its answer sets; null takes one away."""
    priority: int = 0
    """Higher goes first, inside its layer."""
    enabled: bool = True
    """Off where false; a condition on the pack's parameters is settled when the file is loaded."""
    replaces: str | None = None
    """The id of a rule or modifier whose place this takes: `default:made`."""


class RuleSpec(Guarded, ResponseSpec):
    """The first rule that matches and answers, answers."""

    fallback: bool = False
    """Stands behind every ordinary rule of every layer."""
    sequence: Annotated[list[Step], Field(min_length=1)] | None = None
    """Answers in turn."""
    then: Literal["repeat_last", "cycle", "fall_through", "error"] | None = None
    """What comes after the last step."""
    choose: Annotated[list[Branch], Field(min_length=1)] | None = None
    """One of these, by weight."""

    @field_validator("then")
    @classmethod
    def after_a_sequence(cls, then: str, info: ValidationInfo) -> str:
        if info.data.get("sequence", ...) is None:
            raise quantity_error("then belongs to a sequence, and there is none")
        return then


class ModifierSpec(Guarded, Settings):
    """Every modifier that matches applies to whatever answers."""

    error: Error | None = None
    """Stands in place of whatever would have answered."""
    limit: LimitSpec | None = None
    """How much of what a key may use: what is too much is answered with the provider's 429."""
    load: LoadSpec | None = None
    """What becomes of an answer by how many others are under way."""
    literal: bool = False
    """Texts are taken as they are: `{{` means nothing."""
