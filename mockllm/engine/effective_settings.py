"""How an answer is sent: what all settings that apply to it come to.

Apart from the plans that are made by it: a way is found once for a step and its modifiers.
"""

from __future__ import annotations

from msgspec import Struct

from mockllm.core.values.types import Context
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.settings_merge import MergedSettings, Owner, ResolvedSettings, resolve_settings


class EffectiveSettings(Struct, frozen=True, eq=False):
    """How an answer is sent: the settings that won, for a step of a rule and the modifiers that apply, these
    by their ids. `sent` is what the settings come to, where that is known beforehand; `same`: whether the
    answer is the same each time but for ids, time and input tokens."""

    sending: MergedSettings
    sent: ResolvedSettings | None
    modifiers: tuple[str, ...] = ()
    cacheable: bool = False


def effective_settings(
    sending: MergedSettings, saying: CompiledResponse, modifiers: tuple[str, ...]
) -> EffectiveSettings:
    """The way to send this with these settings."""
    if not sending.static:
        return EffectiveSettings(sending, None, modifiers)
    sent = resolve_settings(sending, _no_context)
    same = saying.static and isinstance(saying.spec, ReplySpec) and sent.steady and not sent.faults
    return EffectiveSettings(sending, sent, modifiers, same)


def _no_context(owner: Owner) -> Context:
    raise AssertionError("a constant has no context")  # pragma: no cover - static settings ask for none
