"""The token counts of a reply that depend on its request: the input, and what a prompt cache has of it."""

from __future__ import annotations

from msgspec.structs import replace

from mockllm.core.prompt_cache.policy import NOTHING_CACHED
from mockllm.core.reply.reply import Reply
from mockllm.engine.plan_context import PlanContext
from mockllm.scenario.language.reply import ReplySpec


def with_input_tokens(reply: Reply, input_tokens: int) -> Reply:
    """Return the reply with another number of input tokens."""
    usage = reply.usage
    if type(input_tokens) is int and usage.input == input_tokens:  # a placeholder is not to be compared
        return reply
    return reply.with_usage(replace(usage, input=input_tokens))


def with_cached_tokens(reply: Reply, context: PlanContext) -> Reply:
    """Return the reply with the tokens that the prompt cache read and wrote, unless its usage states these."""
    cached, spec = context.cached_tokens, context.compiled.spec
    if cached is NOTHING_CACHED or not isinstance(spec, ReplySpec):
        return reply
    stated = spec.usage
    if stated is not None and (stated.cached_tokens, stated.cache_write_tokens) != (None, None):
        return reply
    usage = reply.usage
    read = min(cached.read, usage.input)
    written = min(cached.written, usage.input - read)
    return reply.with_usage(
        replace(
            usage, cache_read=read, cache_write=written, cache_write_long=min(cached.written_long, written)
        )
    )
