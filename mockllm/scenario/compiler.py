"""From typed rules and modifiers to a catalog: everything that can be settled before a request, is.

Written as generators that pause between items, so that a reload can compile in slices on the event loop.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import accumulate
from typing import Any, TypeAlias, TypeVar

from msgspec.structs import replace

from mockllm.core.matching.conditions import Equals, Exists
from mockllm.core.matching.matchers import AllMatcher, Field, FieldMatcher, Matcher
from mockllm.core.matching.rule_index import RuleIndex
from mockllm.core.selection.decision import Guard
from mockllm.core.values.types import is_static
from mockllm.scenario.catalog import Catalog, CatalogItem, CompiledResponse, ResponseSelector
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.generated_text import SentencesText
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.proxy import ProxySpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec, ReplySpec
from mockllm.scenario.language.rule import Guarded, ModifierSpec, RuleSpec
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.matchers import matcher
from mockllm.scenario.typed_entries import TypedEntry

T = TypeVar("T")
GENERATING = FieldMatcher(Field("generates"), Equals(True))
SPOKEN = FieldMatcher(Field("dialect"), Exists(True))


def compile_catalog(
    entries: Sequence[TypedEntry], old: Catalog | None = None
) -> Generator[None, None, Catalog]:
    """The catalog of these entries, in their order (`entries.ordered`); pauses after each item. Items of the
    old catalog that are still the same are taken over."""
    known = {} if old is None else {item.key: item for item in old.items}
    items: list[CatalogItem] = []
    rules = 0
    for entry in entries:
        kept = known.get(entry.key)
        items.append(
            _moved(kept, entry)
            if kept is not None and kept.digest == entry.digest
            else compile_item(entry.typed())
        )
        rules += entry.kind == "rule"
        yield
    index = yield from RuleIndex.in_slices([item.matcher for item in items])
    models = dict.fromkeys(model for item in items[:rules] for model in item.models)
    files = len({entry.file for entry in entries})
    uses = any(entry.layer > 0 for entry in entries)
    strict = rules > 0 and all(item.known_models for item in items[:rules])
    return Catalog(tuple(items), rules, index, tuple(models), files, strict, uses)


def finished(steps: Generator[None, None, T]) -> T:
    """What comes of small steps, at once and without pauses."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def _moved(item: CatalogItem, entry: TypedEntry) -> CatalogItem:
    """An item that only stands elsewhere now."""
    if (item.where, item.layer) == (entry.where, entry.layer):
        return item
    return replace(item, where=entry.where, layer=entry.layer)


def compile_item(entry: TypedEntry) -> CatalogItem:
    """One rule or modifier."""
    word = entry.spec
    facts: dict[str, Any] = {
        "id": entry.id,
        "where": entry.where,
        "key": entry.key,
        "digest": entry.digest,
        "layer": entry.layer,
        "matcher": sees(word),
        "per": word.per,
        "validation": entry.validation,
        "known_models": entry.models == "strict",
        "params": entry.params,
        "captures": _names(word.match, {"regex", "tool_result"}),
        "models": tuple(_literals(word.match.model)),
        "paths": tuple(_literals(word.match.path)),
        "settings": word,
        "sets": word.sets_state or None,
    }
    if isinstance(word, ModifierSpec):
        error = None if word.error is None else compile_response(word.error, word, entry)
        limit = None if word.limit is None else word.limit.limit
        load = None if word.load is None else word.load.load
        return CatalogItem(guard=_guard(word), error=error, limit=limit, load=load, **facts)
    answers = _answers(word, entry)
    return CatalogItem(guard=_guard(word, answers.most), answers=answers, **facts)


def sees(word: RuleSpec | ModifierSpec) -> Matcher:
    """The requests that a rule or modifier is for: those that its match asks for, and of them generating calls
    only for a rule that names no path and no api, provider calls only for a modifier that names no path."""
    made = matcher(word.match)
    if isinstance(word, ModifierSpec):
        return made if _asks(word.match, {"path"}) else AllMatcher((SPOKEN, made))
    return made if _asks(word.match, {"path", "api"}) else AllMatcher((GENERATING, made))


def _guard(word: Guarded, total: int | None = None) -> Guard | None:
    times = total if word.times is None else word.times if total is None else min(word.times, total)
    during = None if word.during is None else word.during.during
    requires = word.requires_state or None
    if (word.chance, times, word.skip, word.every, during, requires) == (None,) * 6:
        return None
    return Guard(word.chance, times, word.skip or 0, word.every or 1, during, requires)


def _answers(word: RuleSpec, entry: TypedEntry) -> ResponseSelector:
    if word.sequence is not None:
        sayings = tuple(compile_response(_said(step), step, entry) for step in word.sequence)
        bounds = tuple(accumulate(step.times for step in word.sequence))
        return ResponseSelector(sayings, "sequence", bounds, word.then or "repeat_last")
    if word.choose is not None:
        sayings = tuple(compile_response(_said(branch), branch, entry) for branch in word.choose)
        return ResponseSelector(sayings, "choose", tuple(accumulate(branch.weight for branch in word.choose)))
    return ResponseSelector((compile_response(_said(word), word, entry),))


CompiledSettings: TypeAlias = ReplySpec | ErrorSpec | HttpSpec | ReplaySpec | ProxySpec


def _said(word: Any) -> CompiledSettings:
    said = (word.reply, word.error, word.http, word.replay, word.proxy)
    found: CompiledSettings = next(each for each in said if each is not None)
    return found


def compile_response(word: CompiledSettings, settings: Settings, entry: TypedEntry) -> CompiledResponse:
    """One thing to say, with what is known of it beforehand."""
    static = is_static(word) and not any(isinstance(each, SentencesText) for each in _words(word))
    reply = word if isinstance(word, ReplySpec) else None
    usage = reply.usage if reply is not None else None
    fixed = usage is not None and usage.input_tokens is not None
    whole = fixed and usage is not None and usage.output_tokens is not None
    blind = (
        static
        and entry.validation == "off"
        and whole
        and settings.stream is not None
        and reply is not None
        and reply.model is not None
    )
    return CompiledResponse(word, settings, static, entry.files, fixed, blind)


def _words(tree: object) -> Iterable[Spec]:
    """Every mapping of the language in a tree, in no order."""
    left = [tree]
    while left:
        each = left.pop()
        kind = type(each)
        if kind is str or each is None or kind is bool or kind is int:
            continue  # most of what there is: asking for a Word's class costs more than all else here
        if kind is list or kind is tuple:
            left += each  # type: ignore[arg-type]
        elif kind is dict:
            left += each.values()  # type: ignore[attr-defined]
        elif isinstance(each, Spec):
            yield each
            left += each.__dict__.values()


def _asks(match: Match, names: set[str]) -> bool:
    """Whether a match asks for one of these words, itself or in its `all` and `any`."""
    return bool(names & match.model_fields_set) or any(
        _asks(part, names) for part in (*(match.all or ()), *(match.any or ()))
    )


def _names(match: Match, names: set[str]) -> bool:
    """Whether any part of a match uses one of these words."""
    return any(names & word.model_fields_set for word in _words(match))


def _literals(condition: object) -> Iterable[str]:
    """The texts that a condition on a name spells out."""
    if isinstance(condition, str):
        if not set("*?[") & set(condition):
            yield condition
    elif isinstance(condition, list):
        for each in condition:
            yield from _literals(each)
    elif isinstance(condition, Spec):
        yield from _literals(getattr(condition, "equals", None))
