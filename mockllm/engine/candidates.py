"""Finds the candidates of a request: rules in order up to and including the first without a guard, and modifiers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import scope_of
from mockllm.core.selection.decision import Candidate, DecisionInputs
from mockllm.core.time_scale import ScenarioClock
from mockllm.engine.assessment import RequestAssessment, limit_cost
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.override_headers import Override
from mockllm.engine.websocket_handshake import SERVED_HANDSHAKE_API
from mockllm.scenario.catalog import Catalog, CompiledResponse
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import ReplySpec

MAX_CACHED_MATCHES: Final = 10_000
"""The most combinations of rules and modifiers that are cached."""
RulesAndModifiers = tuple[Sequence[Candidate], Sequence[Candidate]]


class CandidateFinder:
    """Finds the candidates in one catalog."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self._items = catalog.items
        self._index = catalog.index
        self._rule_count = catalog.rule_count
        self._has_load = any(item.load is not None for item in catalog.items)
        self._own_response_validation = catalog.own_response_validation
        self._seed = seed
        self._unscoped: dict[int, Candidate] = {}
        """The candidates with an empty scope. Those of items with another scope are copied for each request."""
        self._known: BoundedCache[RulesAndModifiers] = BoundedCache(MAX_CACHED_MATCHES)
        """The candidates by the match masks that determine them; most requests match one of a few sets of rules."""

    def candidates_of_mask(self, mask: int, request: Request) -> RulesAndModifiers | None:
        """Return the candidates, rules and modifiers, that all requests with this match mask have, with the scopes of
        this request. Return None where the mask does not determine them. A WebSocket's handshake may have fewer."""
        return self._find_candidates(mask, request) if self._index.is_exact(mask) else None

    def decision_inputs_of(
        self,
        request: Request,
        mask: int,
        assessment: RequestAssessment,
        override: Override,
        clock: ScenarioClock,
    ) -> DecisionInputs:
        """Return what the decision on a request depends on. The rules end with the first one without a guard: no
        later rule can respond. A header may name the only rule."""
        if request.method == "GET" and request.api == SERVED_HANDSHAKE_API:
            # a dialect serves this WebSocket; its messages have methods such as `WS response.create`
            rules, modifiers = self._of_handshake(mask, request)
        else:
            rules, modifiers = self._known.get(mask) or self._find_candidates(mask, request)
        if override.item_index is not None:
            rules = [self.candidate(override.item_index, request)]
        if self._has_load and not rules and not _uses_model(request):
            modifiers = [self._without_load(modifier) for modifier in modifiers]
        return DecisionInputs(
            request.session or "",
            self._seed if override.seed is None else override.seed,
            rules,
            modifiers,
            assessment.fails,
            assessment.has_unknown_model,
            clock.time(request.monotonic),
            partial(limit_cost, request),
            "strict" if request.generates else self._own_response_validation,
            assessment.compute_continuous_batch_work,
            clock.scale,
        )

    def _find_candidates(self, mask: int, request: Request) -> RulesAndModifiers:
        """Return the candidates among rules and modifiers. Most requests share a few combinations."""
        index = self._index
        rules = self._reachable(index.matching(mask, request, 0, self._rule_count), request)
        modifiers = self._modifiers(mask, request)
        if index.is_exact(mask) and all(not found.scope for found in (*rules, *modifiers)):
            self._known.put(mask, (rules, modifiers))
        return rules, modifiers

    def _of_handshake(self, mask: int, request: Request) -> RulesAndModifiers:
        """Return the candidates for the handshake of a WebSocket. A reply is for the messages after the handshake.
        One with `user_speech` (when the user of a realtime session speaks) is for the handshake: its times count from
        there."""
        for_handshake = (
            item_index
            for item_index in self._index.matching(mask, request, 0, self._rule_count)
            if not self._replies_only_to_messages(item_index)
        )
        return self._reachable(for_handshake, request), self._modifiers(mask, request)

    def _modifiers(self, mask: int, request: Request) -> list[Candidate]:
        found = self._index.matching(mask, request, self._rule_count, len(self._items))
        return [self.candidate(item_index, request) for item_index in found]

    def _without_load(self, modifier: Candidate) -> Candidate:
        """Return a modifier whose load does not count the request, unless its match names the call."""
        if modifier.load is None or self._items[modifier.item_index].names_calls:
            return modifier
        return replace(modifier, load=None)

    def _replies_only_to_messages(self, item_index: int) -> bool:
        """Return whether all responses of a rule are for the messages of a WebSocket, not for its handshake."""
        selector = self._items[item_index].selector
        return selector is not None and all(map(_replies_to_messages, selector.responses))

    def _reachable(self, item_indexes: Iterator[int], request: Request) -> list[Candidate]:
        """Return the candidates up to and including the first without a guard."""
        rules: list[Candidate] = []
        for item_index in item_indexes:
            rules.append(self.candidate(item_index, request))
            if rules[-1].guard is None:
                break
        return rules

    def candidate(self, item_index: int, request: Request) -> Candidate:
        """Return a rule or modifier as a candidate for this request."""
        item = self._items[item_index]
        candidate = self._unscoped.get(item_index)
        if candidate is None:
            candidate = self._unscoped[item_index] = Candidate(
                item_index=item_index,
                key=item.key,
                random_key=item.id,
                scope="",
                guard=item.guard,
                validation=item.validation,
                has_error=item.error is not None,
                known_models_only=item.known_models_only,
                sets=item.sets,
                limit=item.limit,
                load=item.load,
                max_responses=item.max_responses,
                needs_counts=item.needs_counts,  # more than the tries, which each item has
            )
        return candidate if item.per == "global" else replace(candidate, scope=scope_of(item.per, request))


def _uses_model(request: Request) -> bool:
    """Return whether a model makes the response, also without a rule: it generates, makes media, or evaluates its
    input (vectors, ranks, labels)."""
    return request.generates or request.makes_media or request.evaluates


def _replies_to_messages(compiled: CompiledResponse) -> bool:
    """Return whether a response is for the messages of a WebSocket, not for its handshake: a reply or a recording."""
    spec = compiled.spec
    if isinstance(spec, ReplySpec):
        return spec.user_speech is None  # its times begin with the handshake
    return isinstance(spec, ReplaySpec) and spec.messages is None  # with messages, it is a recorded WebSocket
