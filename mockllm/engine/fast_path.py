"""The short way of a request whose hits say everything: one rule without a guard, modifiers without one, and an
answer that is kept.

Apart from the long way (claims, state, exchange), which makes the objects that deciding needs; here nothing is
left to decide. Both give the same answers and the same counts: what a lane cannot do, it leaves to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockllm.core.randomness import Ids
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Candidate
from mockllm.engine.effective_settings import Way
from mockllm.engine.planned_response import Answer, unknown_fields
from mockllm.engine.response_cache import ALL, Keep, asked_for
from mockllm.scenario.catalog import Item, Saying
from mockllm.state import State


class Lane:
    """What the requests of one set of hits have in common."""

    __slots__ = ("_checked", "_keys", "_saying", "_shared", "_state", "_stem", "_strict", "_way")

    def __init__(
        self, item: Item, saying: Saying, way: Way, keys: Sequence[str], state: State, seed: int
    ) -> None:
        self._saying = saying
        self._way = way
        self._keys = keys
        self._state = state
        self._shared = state.shared
        self._stem = Ids.stem(seed, "")
        self._checked = item.validation != "off"
        self._strict = item.validation == "strict"

    def answer(self, request: Request, keep: Keep) -> Answer | None:
        """The answer, counted; None (and nothing counted) where the request is invalid or nothing is kept."""
        if not request.generates:
            return None
        dialect = request.outcome.dialect
        if self._checked and (dialect.check if self._strict else dialect.unreadable)(request) is not None:
            return None
        kept = keep.kept.get(asked_for(self._way, dialect, self._saying, request))
        if kept is None or not (kept.holes is ALL or kept.fits(request)):
            return None
        session = request.session
        if session is None:
            number = self._shared.tally("", self._keys)
        else:
            number = self._state.tally(session, self._keys)
        answer = kept.alike(b"%b%d|" % (self._stem, number), request)
        if self._strict and request.unknown:
            return answer._replace(notes=(*answer.notes, *unknown_fields(request)), like=None)
        return answer


def lane(
    items: Sequence[Item],
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate],
    way: Callable[[Saying], Way],
    state: State,
    seed: int,
) -> Lane | None:
    """The lane of these candidates; None where something is left to decide, or an answer is never the same."""
    if len(rules) != 1 or not all(each.decided for each in (*rules, *modifiers)):
        return None
    item = items[rules[0].item]
    if item.answers is None or item.answers.how != "one" or item.known_models:
        return None
    saying = item.answers.sayings[0]
    found = way(saying)
    keys = tuple(each.key for each in (*modifiers, *rules))
    return Lane(item, saying, found, keys, state, seed) if found.same else None
