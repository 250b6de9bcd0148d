"""Plans with the waits of a pace: streams, and non-streaming responses that take as long as a stream."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from mockllm.core.rendering.encoder import TimedChunk, has_pauses, timed_chunks
from mockllm.core.rendering.pacing import chunk_waits, paced, paced_body
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Reply
from mockllm.engine.plan_context import PlanContext, with_max_wait
from mockllm.engine.response_cache import EncodedStream, tokens_by_chunk
from mockllm.scenario.settings_merge import ResolvedSettings


def paced_stream(
    context: PlanContext, stream: EncodedStream, reply: Reply, resolved: ResolvedSettings
) -> Plan:
    """Return the plan of a stream with the waits between its chunks."""
    if resolved.unpaced:
        return stream.plan
    chunk_tokens = _chunk_tokens(stream.chunks, resolved, stream.chunk_tokens)
    waits = chunk_waits(resolved.pace, chunk_tokens, context.randomness.random("pace"), reply.usage)
    plan = paced(stream.plan, waits, resolved.pace.slowdown)
    return plan if resolved.max_wait == inf else with_max_wait(plan, resolved.max_wait)


def paced_as_streamed(context: PlanContext, plan: Plan, reply: Reply, resolved: ResolvedSettings) -> Plan:
    """Return a non-streaming plan that waits as long as the stream of its reply lasts."""
    if resolved.unpaced and not has_pauses(reply):
        return plan
    chunks, after = timed_chunks(reply)
    if resolved.unpaced:
        total = sum(chunk.pause or 0.0 for chunk in chunks) + after
    else:
        random = context.randomness.random("pace")
        waits = chunk_waits(resolved.pace, _chunk_tokens(chunks, resolved), random, reply.usage)
        slowdown = resolved.pace.slowdown
        waits = [
            wait if chunk.pause is None else chunk.pause * slowdown
            for chunk, wait in zip(chunks, waits, strict=True)
        ]
        total = sum(min(wait, resolved.max_wait) for wait in (*waits, after * slowdown))
    return paced_body(plan, total)


def _chunk_tokens(
    chunks: Sequence[TimedChunk], resolved: ResolvedSettings, known: Sequence[float] | None = None
) -> Sequence[float]:
    """Return the tokens of each chunk, where pacing depends on tokens."""
    if not resolved.pace.tokens_per_second:
        return [1] * len(chunks)
    return tokens_by_chunk(chunks) if known is None else known
