"""Warnings about required states that no rule and no modifier sets: what requires them never applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from mockllm.scenario.diagnostics import scalar_text, suggestion
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.match_lint import Warnings

StateTexts: TypeAlias = Mapping[str, frozenset[str]]
"""The values of states by name, as YAML writes them."""
_UNSET: Final = "null"


def set_states(specs: Iterable[RuleSpec | ModifierSpec]) -> StateTexts:
    """Return the values to which rules and modifiers set states. Each state may be unset."""
    found: dict[str, set[str]] = {}
    for spec in specs:
        for name, value in (spec.sets_state or {}).items():
            found.setdefault(name, {_UNSET}).add(scalar_text(value))
    return {name: frozenset(values) for name, values in found.items()}


def unset_states(spec: RuleSpec | ModifierSpec, known: StateTexts) -> Warnings:
    """Warn about required states that have none of the required values. `known` is from `set_states`."""
    for name, required in (spec.requires_state or {}).items():
        wanted = [scalar_text(value) for value in (required if isinstance(required, list) else [required])]
        if known.get(name, frozenset({_UNSET})).intersection(wanted):
            continue
        place = ("requires_state", name)
        if name not in known:
            yield place, f'no rule sets the state "{name}"{suggestion(name, sorted(known))}'
        else:
            values = sorted(known[name] - {_UNSET})
            yield place, f'no rule sets the state "{name}" to "{wanted[0]}"{suggestion(wanted[0], values)}'
