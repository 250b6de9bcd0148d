"""Merges the settings of a step, a rule and the modifiers that apply.

Merging compares keys, not values, so that only settings in effect are evaluated, and one merge serves every
request with the same items. Each setting has a source. A template in a modifier reads that modifier's
parameters and regex groups, and its draws are separate from those of settings from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.faults import Fault
from mockllm.core.prompt_cache.policy import PromptCacheSettings
from mockllm.core.quantities.parse import ChunkSize, Distribution
from mockllm.core.rendering.extra_fields import ExtraFields, parse_path
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import Hold
from mockllm.core.reply.chunking import DEFAULT_CHUNK_SIZE
from mockllm.core.values.types import EvaluationContext, Expression, evaluate, is_static
from mockllm.scenario.language.settings import ExtraFieldsSpec, PromptCacheSpec, Settings, ThenPostSpec

PACE_GROUPS = {
    "ttft": "ttft",
    "itl": "speed",
    "tokens_per_second": "speed",
    "chunk_size": "chunk_size",
    "jitter": "jitter",
    "whole": "whole",
    "queued": "queued",
    "in_progress": "in_progress",
    "finalizing": "finalizing",
    "queued_polls": "queued_polls",
    "in_progress_polls": "in_progress_polls",
}
"""The keys of a pace, each with its group: of a group, the first setting with one of its keys is used."""

SettingSource: TypeAlias = int
"""Where a setting comes from. It is negative for RESPONSE, RULE and NO_SOURCE, else the index of a modifier among
those that apply."""
RESPONSE: Final[SettingSource] = -1
"""The selected response, which is a step or the rule's only response; or what the request overrides."""
RULE: Final[SettingSource] = -2
"""The rule of the selected response, where the rule has settings of all its responses."""
NO_SOURCE: Final[SettingSource] = -3
"""The source of a constant: it makes no difference, because nothing is evaluated."""
ContextOf: TypeAlias = Callable[[SettingSource], EvaluationContext]
T = TypeVar("T")


class MergedSettings(Struct, frozen=True):
    """The settings in effect, not yet evaluated, each with its source."""

    delays: tuple[tuple[SettingSource, float], ...] = ()
    pace: tuple[tuple[str, SettingSource, object], ...] = ()
    """Keys, their sources and their values. A value has the type of the field of `Pacing` that its key sets; `whole`
    sets `body_takes_stream_time`."""
    slowdowns: tuple[tuple[SettingSource, float], ...] = ()
    headers: tuple[tuple[str, SettingSource, str | None], ...] = ()
    stream: bool | None = None
    faults: tuple[tuple[SettingSource, Fault], ...] = ()
    static: bool = True
    extras: tuple[ExtraFields, ...] = ()
    hold: Hold | None = None
    webhook_specs: tuple[tuple[SettingSource, ThenPostSpec], ...] = ()
    prompt_cache: PromptCacheSettings | None = None
    """The provider's prompt cache; None where it is off."""


def merge_settings(settings: Sequence[tuple[SettingSource, Settings]]) -> MergedSettings:
    """Return one setting out of many, the strongest first. Delays, slowdowns, faults, `extras` and webhooks are those
    of all settings. Any other key, also of `headers` and `pace`, is that of the first setting that has it."""
    headers: dict[str, tuple[str, SettingSource, str | None]] = {}
    for source, setting in settings:
        for name, value in (setting.headers or {}).items():
            headers.setdefault(name.lower(), (name, source, value))
    paces = [(source, setting.pace) for source, setting in settings if setting.pace is not None]
    pace: dict[str, tuple[str, SettingSource, object]] = {}
    for source, spec in paces:
        for key, group in PACE_GROUPS.items():
            if (value := getattr(spec, key)) is not None:
                pace.setdefault(group, (key, source, value))
    with_sources = (
        _with_sources((source, setting.delay) for source, setting in settings),
        tuple((key, _evaluation_source(source, value), value) for key, source, value in pace.values()),
        _with_sources((source, spec.slowdown) for source, spec in paces),
        tuple((name, _evaluation_source(source, value), value) for name, source, value in headers.values()),
    )
    faults = _with_sources(
        (source, getattr(fault, name))
        for source, setting in settings
        for fault in setting.faults or ()
        for name in fault.model_fields_set
    )
    webhook_specs = _with_sources((source, setting.then_post) for source, setting in settings)
    hold = next((setting.hold for _, setting in settings if setting.hold is not None), None)
    return MergedSettings(
        *with_sources,
        next((setting.stream for _, setting in settings if setting.stream is not None), None),
        faults,
        is_static(with_sources) and is_static(faults) and is_static(webhook_specs),
        tuple(extra_fields(extra) for _, setting in settings for extra in setting.extras or ()),
        None if hold is None else Hold(hold.name, hold.at_most),
        webhook_specs,
        _prompt_cache(next((setting.cache for _, setting in settings if setting.cache is not None), None)),
    )


def _with_sources(values: Iterable[tuple[SettingSource, T | None]]) -> tuple[tuple[SettingSource, T], ...]:
    """Return the values that are set, each with the source in whose context it is evaluated."""
    return tuple((_evaluation_source(source, value), value) for source, value in values if value is not None)


def _prompt_cache(setting: bool | PromptCacheSpec | None) -> PromptCacheSettings | None:
    if isinstance(setting, PromptCacheSpec):
        return PromptCacheSettings(setting.minimum, setting.ttl)
    return PromptCacheSettings() if setting else None


def extra_fields(spec: ExtraFieldsSpec) -> ExtraFields:
    """Return the compiled form of an entry of `extras`."""
    place = parse_path(spec.at)
    assert place is not None, "the model has checked it"
    return ExtraFields(spec.fields, place, frozenset(spec.events or ()), tuple(spec.without))


def _evaluation_source(source: SettingSource, value: object) -> SettingSource:
    return NO_SOURCE if is_static(value) else source


class ResolvedSettings(Struct, frozen=True):
    """The merged settings, evaluated for one response; times in seconds. `unpaced`: the pace adds no waits; `delay`
    is none of the pace's. `deterministic_waits`: no wait is drawn, so that two responses have the same waits."""

    delay: float
    pace: Pacing
    headers: tuple[tuple[str, str | None], ...]
    """Headers by name; None removes one."""
    faults: tuple[Fault, ...]
    unpaced: bool
    deterministic_waits: bool
    max_wait: float = inf
    """The maximum of every wait, for a factor or speed that the request chose."""
    extras: tuple[ExtraFields, ...] = ()
    hold: Hold | None = None
    webhook_specs: tuple[ThenPostSpec, ...] = ()

    @property
    def has_hold_or_webhooks(self) -> bool:
        """Whether the response has a `hold` or a `then_post`."""
        return self.hold is not None or bool(self.webhook_specs)

    def timed(self, ttft: float | None, itl: float | None) -> ResolvedSettings:
        """Return the settings with other seconds to the first token and between two tokens; None leaves them."""
        pace = self.pace if ttft is None else replace(self.pace, ttft=ttft)
        if itl is not None:
            pace = replace(pace, itl=None, tokens_per_second=1 / itl if itl else None)
        return replace(self, pace=pace, unpaced=False)

    def slower(self, factor: float) -> ResolvedSettings:
        """Return the settings with the pace's `slowdown` multiplied by a factor."""
        return replace(self, pace=replace(self.pace, slowdown=self.pace.slowdown * factor), unpaced=False)


def resolve_settings(merged: MergedSettings, context_of: ContextOf) -> ResolvedSettings:
    """Return the settings evaluated for one response. Each value has its own place for draws."""
    pace = {key: _value(value, context_of, source, key) for key, source, value in merged.pace}
    slowdown = 1.0
    for source, factor in merged.slowdowns:
        slowdown *= _value(factor, context_of, source, "slowdown")
    body_takes_stream_time = pace.pop("whole", "as_streamed") == "as_streamed"
    pacing = replace(Pacing(slowdown=slowdown, body_takes_stream_time=body_takes_stream_time), **pace)
    waits = (pacing.ttft, pacing.itl, pacing.tokens_per_second, pacing.jitter)
    return ResolvedSettings(
        sum(_value(delay, context_of, source, "delay") for source, delay in merged.delays),
        pacing,
        tuple(
            (name, None if value is None else str(_value(value, context_of, source, "headers")))
            for name, source, value in merged.headers
        ),
        tuple(_value(fault, context_of, source, "faults") for source, fault in merged.faults),
        unpaced=not any(waits) and slowdown == 1,
        deterministic_waits=merged.static and not pacing.jitter and not isinstance(pacing.itl, Distribution),
        max_wait=_longest(merged, context_of),
        extras=merged.extras,
        hold=merged.hold,
        webhook_specs=tuple(
            _value(spec, context_of, source, "then_post") for source, spec in merged.webhook_specs
        ),
    )


def _longest(merged: MergedSettings, context_of: ContextOf) -> float:
    """Return the maximum of a wait for factors and speeds that the request chose. A wait itself was bounded when it
    was evaluated."""
    speeds = [(source, value) for key, source, value in merged.pace if key == "tokens_per_second"]
    chosen = [source for source, value in (*merged.slowdowns, *speeds) if isinstance(value, Expression)]
    return min((context_of(source).max_wait for source in chosen), default=inf)


def chunk_size(merged: MergedSettings, context_of: ContextOf) -> ChunkSize:
    """Return the chunk size of texts, which is needed before the reply exists."""
    for key, source, value in merged.pace:
        if key == "chunk_size":
            size = _value(value, context_of, source, key)
            assert isinstance(size, ChunkSize)
            return size
    return DEFAULT_CHUNK_SIZE


def _value(value: T, context_of: ContextOf, source: SettingSource, place: str) -> T:
    """Return a setting evaluated in the context of its source."""
    if source == NO_SOURCE:
        return value
    return evaluate(value, context_of(source).at(f"rule.{place}" if source == RULE else place))
