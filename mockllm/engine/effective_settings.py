"""The settings of one response: all settings that apply, merged."""

from __future__ import annotations

from msgspec import Struct

from mockllm.core.rendering.pacing import InputTime
from mockllm.core.values.types import Context
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.settings_merge import MergedSettings, Owner, ResolvedSettings, resolve_settings


class EffectiveSettings(Struct, frozen=True, eq=False):
    """The merged settings of a step of a rule and the modifiers that apply, whose ids are `modifiers`.

    `sent` are the evaluated settings, None where they depend on the request or a draw. `cacheable`: whether the
    response is the same each time but for ids, time and input tokens.
    """

    sending: MergedSettings
    sent: ResolvedSettings | None
    modifiers: tuple[str, ...] = ()
    cacheable: bool = False


def effective_settings(
    sending: MergedSettings, response: CompiledResponse, modifiers: tuple[str, ...]
) -> EffectiveSettings:
    """Return the effective settings of a response with these merged settings."""
    if not sending.static:
        return EffectiveSettings(sending, None, modifiers)
    sent = resolve_settings(sending, _no_context)
    same = response.static and isinstance(response.spec, ReplySpec) and sent.steady and not sent.faults
    counts = isinstance(sent.pace.ttft, InputTime)  # its waits depend on the input tokens
    return EffectiveSettings(sending, sent, modifiers, same and not counts)


def _no_context(owner: Owner) -> Context:
    raise AssertionError("a constant has no context")  # pragma: no cover - static settings use none
