"""A scenario file as a whole. It is read rule by rule (`scenario.entries`), so that what is disabled is never
typed; this model is its shape for the JSON Schema."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mockllm.core.selection.decision import Models, Validation
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.conditions import JsonCondition
from mockllm.scenario.language.examples import ExampleSpec
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.language.use import UseSpec


class ScenarioFile(Spec):
    """A scenario file: rules, modifiers, and examples that test them."""

    mockllm: Literal[1] = 1
    """The language's version."""
    use: list[str | UseSpec] = Field(default_factory=list)
    """Packs whose rules stand behind this folder's own."""
    enabled: bool | dict[str, JsonCondition] = True
    """Whether the whole file counts; a condition on the pack's parameters."""
    validation: Validation = "strict"
    """How requests are checked before this file's rules answer: strict, lenient, off."""
    models: Models = "any"
    """Which models this file's rules answer: any, or known ones alone (strict)."""
    rules: list[RuleSpec] = Field(default_factory=list)
    """The first rule that matches and answers, answers."""
    modifiers: list[ModifierSpec] = Field(default_factory=list)
    """Every modifier that matches applies to whatever answers."""
    examples: list[ExampleSpec] = Field(default_factory=list)
    """Requests and what must come back, run by `mockllm test`."""
