"""Checks of how a client uses its provider's prompt cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from mockllm.core.prompt_cache.broken_prefix import broken_prefix, sent_prompt
from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.observed_request import ObservedRequest

_Conversation: TypeAlias = tuple[str | None, str | None, str | None, str]
"""Provider, call, model and first user message: requests of a conversation share them."""


def cache_lost(history: ClientHistory) -> Iterator[Evidence]:
    last: dict[_Conversation, ObservedRequest] = {}
    for observed in history.requests:
        if observed.status >= 400 or observed.prompt is None:
            continue
        request = observed.request
        key = (request.provider, request.api, request.model, request.conversation_start[1])
        earlier = last.get(key)
        last[key] = observed
        if earlier is not None:
            yield from _broken(earlier, observed)


def _broken(earlier: ObservedRequest, observed: ObservedRequest) -> Iterator[Evidence]:
    """Yield the evidence that a request changes the beginning of the conversation, while that is cached."""
    before, now = earlier.prompt, observed.prompt
    if before is None or now is None or observed.started - earlier.started > before.found.lifetime:
        return
    sent = sent_prompt(before.prefixes, before.found.readable_tokens)
    broken = broken_prefix(sent, observed.request, now.form, now.prefixes)
    if broken is not None:
        lost = f"{broken.lost} tokens are not read from the cache"
        message = f"#{observed.id} changes {broken.block}, which #{earlier.id} had sent otherwise: {lost}"
        yield Evidence(message, (earlier, observed))
