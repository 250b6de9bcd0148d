"""From a request and a catalog to a claim: who could answer, in order, up to the first that surely does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.core.request.scope_keys import scope_of
from mockllm.core.selection.decision import Candidate, MatchResult, Validation
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.registry import knows
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.scenario.catalog import Catalog, ResponseSelector

KNOWN: Final = 10_000
"""How many combinations of rules and modifiers are remembered."""


class RequestValidation:
    """What each validation says of a request, asked at most once; whether its model is known, `models` being
    those that the rules name; and what it takes of a limit."""

    __slots__ = ("_dialect", "_models", "_request", "_said")

    def __init__(self, dialect: Dialect | None, request: Request, models: Sequence[str] = ()) -> None:
        self._dialect = dialect
        self._request = request
        self._models = models
        self._said: dict[Validation, Failure | None] = {"off": None}

    def failure(self, validation: Validation) -> Failure | None:
        if self._dialect is None:
            return None
        if validation not in self._said:
            check = self._dialect.check if validation == "strict" else self._dialect.check_readable
            self._said[validation] = check(self._request)
        return self._said[validation]

    def invalid(self, validation: Validation) -> bool:
        return self.failure(validation) is not None

    def unknown(self) -> bool:
        model = self._request.model
        return self._dialect is not None and model is not None and not self._knows(model)

    def tokens(self) -> int:
        """What the request takes of a limit, before anybody knows the answer: its input, and the most that it
        lets the answer have."""
        return self._request.input_tokens + (self._request.sampling.max_tokens or 0)

    def _knows(self, model: str) -> bool:
        return model in self._models or knows(self._request.provider, model)


class CandidateFinder:
    """Makes the claims on one catalog."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self._items = catalog.items
        self._index = catalog.index
        self._rules = catalog.rules
        self._seed = seed
        self._global: dict[int, Candidate] = {}
        """The candidates that are the same for every request."""
        self._known: BoundedCache[tuple[Sequence[Candidate], Sequence[Candidate]]] = BoundedCache(KNOWN)
        """The candidates by the hits that decide them."""

    def known(self, hits: int) -> tuple[Sequence[Candidate], Sequence[Candidate]] | None:
        """The rules and modifiers of every request with these hits, once that is found out."""
        return self._known.get(hits)

    def match(self, request: Request, hits: int, verdicts: RequestValidation) -> MatchResult:
        """The claim of a request. Rules are looked at only until one has no guard: what stands behind it can
        never be reached."""
        known = self._known.get(hits)
        rules, modifiers = self._found(hits, request) if known is None else known
        session = request.session or ""
        return MatchResult(
            session,
            self._seed,
            rules,
            modifiers,
            verdicts.invalid,
            verdicts.unknown,
            request.now,
            verdicts.tokens,
        )

    def _found(self, hits: int, request: Request) -> tuple[Sequence[Candidate], Sequence[Candidate]]:
        """The candidates among rules and modifiers; for most requests they are the same few."""
        index, first, end = self._index, self._rules, len(self._items)
        rules = self._reached(index.among(hits, request, 0, first), request)
        modifiers = [self.candidate(number, request) for number in index.among(hits, request, first, end)]
        if index.decided(hits) and all(each.item in self._global for each in (*rules, *modifiers)):
            self._known.put(hits, (rules, modifiers))
        return rules, modifiers

    def _reached(self, numbers: Iterator[int], request: Request) -> list[Candidate]:
        """The candidates up to the first that has no guard."""
        rules: list[Candidate] = []
        for number in numbers:
            rules.append(self.candidate(number, request))
            if rules[-1].guard is None:
                break
        return rules

    def candidate(self, number: int, request: Request) -> Candidate:
        """A rule or modifier, as one that matches this request."""
        known = self._global.get(number)
        if known is not None:
            return known
        item = self._items[number]
        whose = "" if item.per == "global" else scope_of(item.per, request)
        made = Candidate(
            number,
            item.key,
            item.id,
            whose,
            item.guard,
            item.validation,
            item.error is not None,
            item.known_models,
            item.sets,
            item.limit,
            item.load,
            _lasts(item.answers) if item.sets else None,
        )
        if item.per == "global":
            self._global[number] = made
        return made


def _lasts(answers: ResponseSelector | None) -> int | None:
    """How many answers a rule has that says a miss behind its last."""
    ends = answers is not None and answers.mode == "sequence" and answers.then == "error"
    return int(answers.cumulative[-1]) if answers is not None and ends else None
