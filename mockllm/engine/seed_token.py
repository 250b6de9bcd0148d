"""The seed that would give an answer again, in a session where nothing has happened yet.

An answer depends on the seed and on its place: its scope's number of requests, and how often its rule and the
modifiers that applied had been tried and had answered. A request to a fresh session is at the beginning, so
where an answer was not, the place is told behind the seed: `7@41,r0:3:2,m1:40:40` is seed 7, the 42nd request,
the first of the rules that match at its 4th try and 3rd answer, and so on for a modifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from mockllm.core.selection.decision import Decision, MatchResult, Selected

_SEED: Final = re.compile(r"(-?[0-9]{1,19})(?:@([0-9]{1,15})((?:,[rm][0-9]{1,5}:[0-9]{1,15}:[0-9]{1,15})*))?")
_TURN: Final = re.compile(r",([rm])([0-9]+):([0-9]+):([0-9]+)")


class SeedPosition(NamedTuple):
    """Where an answer stood. `turns` are the tries and answers before it, by kind (`r` or `m`) and number among
    the claim's rules or modifiers; those that are not told had none."""

    number: int
    turns: Mapping[tuple[str, int], tuple[int, int]]


def told(seed: int, claim: MatchResult, settled: Decision) -> str:
    """The seed, and the place where it was not the beginning."""
    said = "".join(_turns(claim, settled))
    return f"{seed}@{settled.number}{said}" if said or settled.number else str(seed)


def told_of(root: bytes) -> str:
    """The same of an answer for which nothing was drawn or decided, by what its ids are hashed behind."""
    stem, number, _ = root.decode().rsplit("|", 2)  # a scope may hold bars
    seed = stem.partition("|")[0]
    return f"{seed}@{number}" if number != "0" else seed


def read(text: str) -> tuple[int, SeedPosition | None] | None:
    """The seed and the place in what was told; None where it is neither."""
    found = _SEED.fullmatch(text)
    if found is None:
        return None
    if found[2] is None:
        return int(found[1]), None
    turns = {
        (kind, int(index)): (int(tries), int(given)) for kind, index, tries, given in _TURN.findall(found[3])
    }
    return int(found[1]), SeedPosition(int(found[2]), turns)


def put(settled: Decision, claim: MatchResult, place: SeedPosition) -> Decision:
    """What would have been settled at that place. What limits and loads say is of now."""
    if settled.bounds is not None and settled.bounds.by is not None:
        return settled
    rule = _rule(claim, place)
    modifiers = [
        Selected(candidate, *place.turns.get(("m", number), (0, 0)))
        for number, candidate in enumerate(claim.modifiers)
        if candidate.guard is None or ("m", number) in place.turns
    ]
    said = replace(settled, rule=rule, modifiers=modifiers, number=place.number)
    if any(turn.candidate.error for turn in modifiers):
        return replace(said, outcome="modifier")
    if claim.refused(rule.candidate if rule else None):
        return replace(said, outcome="invalid")
    return replace(said, outcome="rule" if rule else "miss")


def _rule(claim: MatchResult, place: SeedPosition) -> Selected | None:
    for number, candidate in enumerate(claim.rules):
        if ("r", number) in place.turns:
            return Selected(candidate, *place.turns["r", number])
    first = claim.rules[0] if claim.rules else None
    return Selected(first, 0, 0) if first is not None and first.guard is None else None


def _turns(claim: MatchResult, settled: Decision) -> Iterator[str]:
    """What is to be told of the rule and the modifiers: of one without a guard that was at its beginning,
    nothing, for that it applies is plain."""
    rule = settled.rule
    if rule is not None:
        number = len(settled.refused)
        if number or rule.candidate.guard is not None or rule.tries or rule.responses:
            yield f",r{number}:{rule.tries}:{rule.responses}"
    for turn in settled.modifiers:
        if turn.candidate.guard is not None or turn.tries or turn.responses:
            yield f",m{claim.modifiers.index(turn.candidate)}:{turn.tries}:{turn.responses}"
