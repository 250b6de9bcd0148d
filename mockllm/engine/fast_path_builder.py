"""Builds the fast path of a match mask whose candidates leave nothing but counts and limits to decide."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from mockllm.core.prompt_cache.policy import PromptCacheSettings
from mockllm.core.randomness import Ids
from mockllm.core.selection.decision import Candidate
from mockllm.engine.fast_path import FastPath
from mockllm.engine.planner import ResponsePlanner
from mockllm.engine.prompt_caching import min_prompt_bytes
from mockllm.engine.response_cache import CacheableResponse
from mockllm.scenario.catalog import CatalogItem, ResponseSelector
from mockllm.state.engine_state import EngineState


def build_fast_path(
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate],
    planner: ResponsePlanner,
    state: EngineState,
    seed: int,
    *,
    unscaled_time: bool = True,
) -> FastPath | None:
    """Return the fast path of these candidates; None where something is left to decide, or nothing is cacheable.
    `unscaled_time`: whether the time scale is 1; only then does the fast path charge limits."""
    with_limit = [each for each in modifiers if each.limit is not None]
    if not _is_decided_but_for_counts(rules, modifiers, with_limit, planner, unscaled_time=unscaled_time):
        return None
    index, settings_of = rules[0].item_index, planner.effective_settings
    item = planner.catalog.items[index]
    selector = item.selector
    assert selector is not None
    of_modifiers = tuple([each.item_index for each in modifiers])
    all_settings = [settings_of(index, each, n, of_modifiers) for n, each in enumerate(selector.responses)]
    responses = list(map(CacheableResponse.of, selector.responses, all_settings))
    varies = _responses_vary(item, selector)
    prompt_cache_settings = all_settings[0].merged.prompt_cache
    if not any(responses) or any(each.merged.prompt_cache != prompt_cache_settings for each in all_settings):
        return None
    return FastPath(
        item,
        responses,
        selector_by_counts=selector if varies else None,
        count_keys=tuple(candidate.key for candidate in (*modifiers, *rules)),
        planner=planner,
        state=state,
        seed=seed,
        id_seed_prefix=Ids.id_seed_prefix(seed, ""),
        prompt_cache_settings=prompt_cache_settings or PromptCacheSettings(),
        modifiers_with_limit=with_limit,
        min_prompt_bytes=inf if prompt_cache_settings is None else min_prompt_bytes(prompt_cache_settings),
        only_after_decision=state.counts_are_shared and (bool(with_limit) or varies),
    )


def _is_decided_but_for_counts(
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate],
    with_limit: Sequence[Candidate],
    planner: ResponsePlanner,
    *,
    unscaled_time: bool,
) -> bool:
    """Return whether one rule responds to each request with these candidates, so that only counts and the limits of
    `with_limit` are left to decide."""
    if with_limit and not (unscaled_time and all(map(_charges_at_once, with_limit))):
        return False
    if len(rules) != 1:
        return False
    if not all(each.is_unconditional or each in with_limit for each in (*rules, *modifiers)):
        return False
    items = planner.catalog.items
    item = items[rules[0].item_index]
    selector = item.selector
    if selector is None or selector.mode == "choose" or item.known_models_only:
        return False
    return all(items[modifier.item_index].per == "global" for modifier in modifiers)


def _responses_vary(item: CatalogItem, selector: ResponseSelector) -> bool:
    """Return whether a rule's responses vary: by the counts of its scope, a template of a text, or draws."""
    first = selector.responses[0]
    several = selector.mode != "one" or item.per != "global"
    return several or first.templated_text or first.generates_tool_call


def _charges_at_once(modifier: Candidate) -> bool:
    """Return whether a modifier has a limit in the global scope and nothing else to decide. It then has neither a
    draw nor a slot that the response takes until it ends."""
    limit = modifier.limit
    plain = modifier.scope == "" and modifier.guard is None
    plain = plain and not (modifier.has_error or modifier.sets or modifier.load)
    return plain and limit is not None and limit.concurrent is None and limit.strategy != "random"
