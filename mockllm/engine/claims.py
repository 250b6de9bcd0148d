"""From a request and a catalog to a claim: who could answer, in order, up to the first that surely does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockllm.core.claim import Candidate, Claim, Validation
from mockllm.core.failure import Failure
from mockllm.core.request import Request
from mockllm.core.scopes import scope_of
from mockllm.dialects.dialect import Dialect
from mockllm.scenario.catalog import Catalog, Item


class Verdicts:
    """What each validation says of a request, asked at most once."""

    __slots__ = ("_dialect", "_request", "_said")

    def __init__(self, dialect: Dialect | None, request: Request) -> None:
        self._dialect = dialect
        self._request = request
        self._said: dict[Validation, Failure | None] = {"off": None}

    def failure(self, validation: Validation) -> Failure | None:
        if self._dialect is None:
            return None
        if validation not in self._said:
            check = self._dialect.check if validation == "strict" else self._dialect.unreadable
            self._said[validation] = check(self._request)
        return self._said[validation]

    def invalid(self, validation: Validation) -> bool:
        return self.failure(validation) is not None


def claim(catalog: Catalog, request: Request, seed: int, invalid: Callable[[Validation], bool]) -> Claim:
    """The claim of a request. Rules are looked at only until one has no guard: what stands behind it can
    never be reached."""
    items = catalog.items
    hits = catalog.index.hits(request)
    rules: list[Candidate] = []
    for number in catalog.index.among(hits, request, 0, catalog.rules):
        rules.append(_candidate(number, items[number], request))
        if items[number].guard is None:
            break
    modifiers: Sequence[Candidate] = ()
    if catalog.rules < len(items):
        behind = catalog.index.among(hits, request, catalog.rules, len(items))
        modifiers = [_candidate(number, items[number], request) for number in behind]
    return Claim(request.session or "", seed, rules, modifiers, invalid)


def _candidate(number: int, item: Item, request: Request) -> Candidate:
    return Candidate(
        number,
        item.key,
        item.id,
        "" if item.per == "global" else scope_of(item.per, request),
        item.guard,
        item.validation,
        item.error is not None,
    )
