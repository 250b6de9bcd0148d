"""The settings of one response: all settings that apply, merged, and resolved."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.rendering.pacing import InputTime
from mockllm.core.values.types import EvaluationContext
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.settings_merge import (
    RULE,
    STEP,
    MergedSettings,
    ResolvedSettings,
    SettingSource,
    chunk_size,
    merge_settings,
    resolve_settings,
)


class EffectiveSettings(Struct, frozen=True, eq=False):
    """The merged settings of a step of a rule and the modifiers that apply, whose ids are `modifier_ids`.

    `resolved` are these, evaluated; None where they depend on the request or a draw. `response_cacheable`: whether
    the response is the same for requests with one key of the response cache, but for ids, time and input tokens.
    `cacheable_by_text`: whether only its templated text differs beside these. `tool_call_chunk_size` is set where
    only its generated tool call differs beside these: it is the size of the chunks of that call's arguments.
    """

    merged: MergedSettings
    resolved: ResolvedSettings | None
    modifier_ids: tuple[str, ...] = ()
    response_cacheable: bool = False
    cacheable_by_text: bool = False
    tool_call_chunk_size: ChunkSize | None = None

    @property
    def may_be_cached(self) -> bool:
        """Whether the response cache may have the response, in any of these ways."""
        return self.response_cacheable or self.cacheable_by_text or self.tool_call_chunk_size is not None


def effective_settings(
    item: CatalogItem | None, compiled: CompiledResponse, modifiers: Sequence[CatalogItem]
) -> EffectiveSettings:
    """Return the effective settings of a response of an item with these modifiers.

    The strongest setting wins, but delays are added, slowdowns multiplied, and faults, `extras` and webhooks joined.
    Settings of a lower layer (`CatalogItem.layer`) have precedence. Within a layer those of the step come first, then
    those of its rule, then those of the modifiers.
    """
    merged = merge_settings(_layered(item, compiled, modifiers))
    ids = tuple(modifier.id for modifier in modifiers)
    if not merged.static:
        return EffectiveSettings(merged, None, ids)
    resolved = resolve_settings(merged, _no_context)
    response_cacheable = isinstance(compiled.spec, ReplySpec) and resolved.deterministic_waits
    response_cacheable = (
        response_cacheable
        and not resolved.faults
        and not resolved.extras
        and not resolved.has_hold_or_webhooks
    )
    response_cacheable = response_cacheable and not isinstance(
        resolved.pace.ttft, InputTime
    )  # its waits depend on the input tokens
    generated = response_cacheable and compiled.generates_tool_call and resolved.unpaced
    return EffectiveSettings(
        merged,
        resolved,
        ids,
        response_cacheable and compiled.static,
        response_cacheable and compiled.templated_text,
        chunk_size(merged, _no_context) if generated else None,
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
        own = [(item.layer, STEP, compiled.settings)]
        if item.settings is not None and item.settings is not compiled.settings:
            own.append((item.layer, RULE, item.settings))
        layered = own + layered
    return [(source, settings) for _, source, settings in sorted(layered, key=lambda entry: entry[0])]


def _no_context(source: SettingSource) -> EvaluationContext:
    raise AssertionError("a constant has no context")  # pragma: no cover - static settings use none
