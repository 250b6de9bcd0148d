"""The model of a whole scenario file, from which the JSON Schema is generated.

Files are read rule by rule (`scenario.typed_entries`), so that disabled rules are never typed.
"""

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
    """The version of the scenario language."""
    use: list[str | UseSpec] = Field(default_factory=list)
    """Packs whose rules follow this folder's own rules."""
    enabled: bool | dict[str, JsonCondition] = True
    """Whether the whole file is used; a condition on the pack's parameters."""
    validation: Validation = "strict"
    """How requests are checked before this file's rules respond: strict, lenient, off."""
    models: Models = "any"
    """The models for which this file's rules respond: any, or only known ones (strict)."""
    rules: list[RuleSpec] = Field(default_factory=list)
    """The first rule that matches and whose guards allow it selects the response."""
    modifiers: list[ModifierSpec] = Field(default_factory=list)
    """Every modifier that matches changes the response of the selected rule."""
    examples: list[ExampleSpec] = Field(default_factory=list)
    """Requests and the expected responses, run by `mockllm test`."""
