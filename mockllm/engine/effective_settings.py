"""How an answer is sent: what all settings that apply to it come to.

Apart from the plans that are made by it: a way is found once for a step and its modifiers.
"""

from __future__ import annotations

from msgspec import Struct

from mockllm.core.values.types import Context
from mockllm.scenario.catalog import Saying
from mockllm.scenario.language.reply import ReplyWord
from mockllm.scenario.settings_merge import Owner, Sending, Sent, settle


class Way(Struct, frozen=True, eq=False):
    """How an answer is sent: the settings that won, for a step of a rule and the modifiers that apply, these
    by their ids. `sent` is what the settings come to, where that is known beforehand; `same`: whether the
    answer is the same each time but for ids, time and input tokens."""

    sending: Sending
    sent: Sent | None
    modifiers: tuple[str, ...] = ()
    same: bool = False


def way(sending: Sending, saying: Saying, modifiers: tuple[str, ...]) -> Way:
    """The way to send this with these settings."""
    if not sending.static:
        return Way(sending, None, modifiers)
    sent = settle(sending, _no_context)
    same = saying.static and isinstance(saying.word, ReplyWord) and sent.steady and not sent.faults
    return Way(sending, sent, modifiers, same)


def _no_context(owner: Owner) -> Context:
    raise AssertionError("a constant has no context")  # pragma: no cover - static settings ask for none
