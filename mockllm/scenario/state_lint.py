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
MAX_SUGGESTED: Final = 100
"""The most names, or values of a state, of which a warning suggests one: it compares all of them."""


def set_states(settings: Iterable[object]) -> StateTexts:
    """Return the values to which the settings `sets_state` of rules and modifiers set states. Each state may be
    unset. A setting of a disabled entry may have any form."""
    found: dict[str, set[str]] = {}
    for states in settings:
        for name, value in states.items() if isinstance(states, dict) else ():
            found.setdefault(name, {_UNSET}).add(_text(value))
    return {name: frozenset(values) for name, values in found.items()}


def _text(value: object) -> str:
    """Return a value as YAML writes it; equal numbers have one text."""
    return scalar_text(int(value) if isinstance(value, float) and value.is_integer() else value)


def unset_states(spec: RuleSpec | ModifierSpec, known: StateTexts) -> Warnings:
    """Warn about required states that have none of the required values. `known` is from `set_states`."""
    for name, required in (spec.requires_state or {}).items():
        wanted = [_text(value) for value in (required if isinstance(required, list) else [required])]
        if known.get(name, frozenset({_UNSET})).intersection(wanted):
            continue
        place = ("requires_state", name)
        if name not in known:
            names = sorted(known) if len(known) <= MAX_SUGGESTED else ()
            yield place, f'no rule sets the state "{name}"{suggestion(name, names)}'
        else:
            values = sorted(known[name] - {_UNSET}) if len(known[name]) <= MAX_SUGGESTED else ()
            yield place, f'no rule sets the state "{name}" to "{wanted[0]}"{suggestion(wanted[0], values)}'
