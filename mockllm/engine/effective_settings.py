"""The settings of one response: all settings that apply, merged, and resolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.rendering.pacing import InputTime
from mockllm.core.values.types import EvaluationContext
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.settings_merge import (
    RESPONSE,
    RULE,
    MergedSettings,
    ResolvedSettings,
    SettingSource,
    chunk_size,
    merge_settings,
    resolve_settings,
)

CachedBy: TypeAlias = Literal["key", "text", "tool_call"]


class EffectiveSettings(Struct, frozen=True, eq=False):
    """The merged settings of a response of a rule and the modifiers that apply, whose ids are `modifier_ids`.

    `resolved` are these, evaluated; None where they depend on the request or a draw. `cached_by` is what selects
    a response in the response cache: the key alone, or also the templated text or the generated tool call. None where
    the cache cannot have the response. Ids, time and input tokens may always differ. `tool_call_chunk_size` is the
    size of the chunks of a generated call's arguments, where it is cached. `header_names` are the names of the
    headers in lower case: these headers replace those of limits.
    """

    merged: MergedSettings
    resolved: ResolvedSettings | None
    modifier_ids: tuple[str, ...] = ()
    cached_by: CachedBy | None = None
    tool_call_chunk_size: ChunkSize | None = None
    header_names: frozenset[str] = frozenset()


def effective_settings(
    item: CatalogItem | None, compiled: CompiledResponse, modifiers: Sequence[CatalogItem]
) -> EffectiveSettings:
    """Return the effective settings of a response of an item with these modifiers.

    The setting with the highest precedence counts, but delays are added, slowdowns multiplied, and faults, `extras`
    and webhooks joined. Settings of a lower layer (`CatalogItem.layer`) have precedence. Within a layer those of the
    response come first, then those of its rule, then those of the modifiers.
    """
    merged = merge_settings(_layered(item, compiled, modifiers))
    ids = tuple(modifier.id for modifier in modifiers)
    resolved = resolve_settings(merged, _no_context) if merged.static else None
    cached_by = None if resolved is None else _cached_by(compiled, resolved)
    size = chunk_size(merged, _no_context) if cached_by == "tool_call" else None
    header_names = frozenset(name.lower() for name, _, _ in merged.headers or ())
    return EffectiveSettings(merged, resolved, ids, cached_by, size, header_names)


def _cached_by(compiled: CompiledResponse, resolved: ResolvedSettings) -> CachedBy | None:
    if not _is_same_for_all(compiled, resolved):
        return None
    if compiled.static:
        return "key"
    if compiled.templated_text:
        return "text"
    return "tool_call" if compiled.generates_tool_call and resolved.unpaced else None


def _is_same_for_all(compiled: CompiledResponse, resolved: ResolvedSettings) -> bool:
    """Return whether the settings have the same effect on a reply to each request."""
    return (
        isinstance(compiled.spec, ReplySpec)
        and resolved.deterministic_waits
        and not resolved.faults
        and not resolved.extras
        and not resolved.has_hold_or_webhooks
        and not isinstance(resolved.pace.ttft, InputTime)  # its waits depend on the input tokens
    )


def _layered(
    item: CatalogItem | None, compiled: CompiledResponse, modifiers: Sequence[CatalogItem]
) -> list[tuple[SettingSource, Settings]]:
    """Return the settings of all these with their sources, the strongest first."""
    layered = [
        (modifier.layer, number, modifier.settings)
        for number, modifier in enumerate(modifiers)
        if modifier.settings is not None
    ]
    if item is not None and item.selector is not None:
        of_rule = [(item.layer, RESPONSE, compiled.settings)]
        if item.settings is not None and item.settings is not compiled.settings:
            of_rule.append((item.layer, RULE, item.settings))
        layered = of_rule + layered
    return [(source, settings) for _, source, settings in sorted(layered, key=lambda entry: entry[0])]


def _no_context(source: SettingSource) -> EvaluationContext:
    raise AssertionError("a constant has no context")  # pragma: no cover - static settings use none
