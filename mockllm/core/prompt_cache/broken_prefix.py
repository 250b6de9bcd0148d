"""Finds where a prompt of a conversation differs from the one before it, so that the cache is lost from there on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from msgspec import Struct

from mockllm.core.prompt_cache.form import PromptForm
from mockllm.core.prompt_cache.prefix import PromptPrefixes, block_name
from mockllm.core.request.request import Request

MIN_LOST: Final = 1024
"""Tokens: a client that loses fewer is not reported. Agents replace reminders at the end of a prompt on purpose."""


class SentPrompt(NamedTuple):
    """The stored data of a prompt. It has the hashes of the blocks, the number of blocks before the turns, and the
    tokens that the next prompt can read."""

    blocks: Sequence[bytes]
    count_before_turns: int
    readable_tokens: int


def sent_prompt(prefixes: PromptPrefixes, readable_tokens: int) -> SentPrompt:
    """Return the stored data of a prompt with these prefixes."""
    return SentPrompt(prefixes.block_digests(), prefixes.count_before_turns, readable_tokens)


class BrokenPrefix(Struct, frozen=True):
    """The first block that differs from the prompt before, and how many tokens are not read because of that."""

    block: str
    lost: int


def broken_prefix(
    before: SentPrompt, request: Request, form: PromptForm, prefixes: PromptPrefixes
) -> BrokenPrefix | None:
    """Return where a prompt breaks the prefix of the one before; None where it begins with that, or loses little."""
    number = first_change(before.blocks, prefixes.block_digests())
    if number is None:
        return None
    lost = before.readable_tokens - prefixes.tokens_before(number)
    if lost < MIN_LOST:
        return None
    name = block_name(request, form, number)
    missing = prefixes.count_before_turns <= number < before.count_before_turns
    return BrokenPrefix(f"the blocks before {name}" if missing else name, lost)


def first_change(before: Sequence[bytes], after: Sequence[bytes]) -> int | None:
    """Return the number of the first block of a prompt that another prompt does not begin with; None if it begins
    with all."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    return None if same == len(before) else same
