"""Seed tokens: the seed that reproduces a response in a fresh session.

A response depends on the seed and on its position. The position is the number of requests in its scope, and the
tries and responses of its rule and modifiers. A request to a fresh session is at the first position. For any other
position the token has the position after the seed. `7@41,r0:3:2,m1:40:40` is seed 7 and the 42nd request. The first
of the matching rules is at its 4th try and 3rd response, and so on for a modifier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from mockllm.core.selection.decision import Decision, DecisionInputs, SelectedCandidate

_SEED: Final = re.compile(r"(-?[0-9]{1,19})(?:@([0-9]{1,15})((?:,[rm][0-9]{1,5}:[0-9]{1,15}:[0-9]{1,15})*))?")
_COUNTS: Final = re.compile(r",([rm])([0-9]+):([0-9]+):([0-9]+)")


class SeedPosition(NamedTuple):
    """The position of a response. `counts` are the tries and responses before it, by kind (`r` or `m`) and number
    among the matching rules or modifiers. An absent one with a guard is not selected. An absent modifier without a
    guard is at its first try, and so is the first rule."""

    number: int
    counts: Mapping[tuple[str, int], tuple[int, int]]


def seed_token(seed: int, inputs: DecisionInputs, decision: Decision) -> str:
    """Return the seed, with the position unless it is the first one. A guard of what is selected, or a blocked rule
    before the selected one, needs the position, too."""
    counts = _counts(inputs, decision)
    return f"{seed}@{decision.request_number}{counts}" if counts or decision.request_number else str(seed)


def unguarded_seed_token(seed: int, number: int, tries: int, eligible_tries: int) -> str:
    """Return the token of a response of a rule without a guard. `seed_token` writes the same, but leaves out counts
    that are zero, and has those of modifiers, on which no such response depends. Each eligible try has a response."""
    return f"{seed}@{number},r0:{tries}:{eligible_tries}" if number else str(seed)


def token_of(seed_token: str, id_seed: bytes) -> str:
    """Return the seed token of a response: of its id seed, if the response has no draws and guards. It is empty if
    the engine decided nothing."""
    if seed_token or not id_seed:
        return seed_token
    seed_and_scope, number, _ = id_seed.decode().rsplit("|", 2)  # a scope may contain bars
    seed = seed_and_scope.partition("|")[0]
    return f"{seed}@{number}" if number != "0" else seed


def read_seed_token(text: str) -> tuple[int, SeedPosition | None] | None:
    """Return the seed and the position in a token; None if the text is no token."""
    match = _SEED.fullmatch(text)
    if match is None:
        return None
    if match[2] is None:
        return int(match[1]), None
    counts = {
        (kind, int(index)): (int(tries), int(responses))
        for kind, index, tries, responses in _COUNTS.findall(match[3])
    }
    return int(match[1]), SeedPosition(int(match[2]), counts)


def decision_at(decision: Decision, inputs: DecisionInputs, position: SeedPosition) -> Decision:
    """Return the decision at that position, with the present admission by limits and loads."""
    if decision.admission is not None and decision.admission.refused_by is not None:
        return decision
    rule = _rule(inputs, position)
    modifiers = [
        SelectedCandidate(candidate, *position.counts.get(("m", number), (0, 0)))
        for number, candidate in enumerate(inputs.modifiers)
        if candidate.guard is None or ("m", number) in position.counts
    ]
    moved = replace(
        decision, selected_rule=rule, selected_modifiers=modifiers, request_number=position.number
    )
    if any(selected.candidate.has_error for selected in modifiers):
        return replace(moved, outcome="modifier")
    if inputs.fails_validation(rule.candidate if rule else None):
        return replace(moved, outcome="invalid")
    return replace(moved, outcome="rule" if rule else "no_rule")


def _rule(inputs: DecisionInputs, position: SeedPosition) -> SelectedCandidate | None:
    for number, candidate in enumerate(inputs.rules):
        if ("r", number) in position.counts:
            return SelectedCandidate(candidate, *position.counts["r", number])
    first = inputs.rules[0] if inputs.rules else None
    return SelectedCandidate(first, 0, 0) if first is not None and first.guard is None else None


def _counts(inputs: DecisionInputs, decision: Decision) -> str:
    """Return the counts of rule and modifiers, except those without a guard that are at their first try."""
    rule, counts = decision.selected_rule, ""
    if rule is not None:
        number = inputs.rules.index(rule.candidate)
        if number or rule.candidate.guard is not None or rule.tries or rule.earlier_responses:
            counts = f",r{number}:{rule.tries}:{rule.earlier_responses}"
    for selected in decision.selected_modifiers:
        if selected.candidate.guard is not None or selected.tries or selected.earlier_responses:
            number = inputs.modifiers.index(selected.candidate)
            counts += f",m{number}:{selected.tries}:{selected.earlier_responses}"
    return counts
