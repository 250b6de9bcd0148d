"""The prompts of converse and invoke requests in blocks, and how the service caches them.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html (autumn of 2026). A `cachePoint` of
Converse ends a prefix of tools, system or messages; Claude's body has `cache_control`. Claude's minimums are those
of Anthropic, Nova's is 1,000 tokens. Recorded of Claude Haiku 4.5: 7,351 tokens written, then read, 10 beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import list_of, object_of
from mockllm.core.prompt_cache.form import PromptBlock, PromptForm, tokens_of_parts
from mockllm.core.prompt_cache.policy import BreakpointCache, CachePolicy
from mockllm.core.request.prompt_tokens import TOKENS_PER_MESSAGE
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.anthropic import prompt_form as claude
from mockllm.dialects.bedrock.converse_request import add_turn

CACHE_POINT: Final = "cachePoint"
_NOVA: Final = BreakpointCache(1000)


def prompt_cache_policy(request: Request) -> CachePolicy | None:
    """Return how the prompt of a request is cached; None for models without a cache."""
    model = request.model or ""
    if "claude" in model:
        return claude.cache_policy(model)
    return _NOVA if "nova" in model and request.api == "converse" else None


def _items(request: Request) -> Sequence[Json]:
    return list_of(request.fields.get("messages"))


def _marked(blocks: Sequence[Json]) -> Iterator[tuple[int, dict[str, Json], float | None]]:
    """Yield the blocks that are not a cache point, each with its number and the lifetime of a point right after
    it."""
    for number, (block, after) in enumerate(pairwise([*map(object_of, blocks), {}])):
        if block.get(CACHE_POINT) is None:
            point = after.get(CACHE_POINT)
            lifetime = claude.LIFETIMES.get(str(object_of(point).get("ttl")), claude.LIFETIMES["5m"])
            yield number, block, None if point is None else lifetime


def _blocks_before_turns(fields: Mapping[str, Json]) -> Iterator[PromptBlock]:
    for number, tool, lifetime in _marked(list_of(object_of(fields.get("toolConfig")).get("tools"))):
        spec = object_of(tool.get("toolSpec"))
        words = (
            f"{spec.get('name')} {spec.get('description')} {object_of(spec.get('inputSchema')).get('json')}"
        )
        yield PromptBlock(
            f"toolConfig.tools[{number}] ({spec.get('name')})", dumps(tool), estimate(words), lifetime
        )
    for number, block, lifetime in _marked(list_of(fields.get("system"))):
        text = block.get("text")
        tokens = estimate(text) if type(text) is str else 0
        yield PromptBlock(f"system[{number}]", dumps(block), tokens, lifetime)


def _turn(item: Json, number: int) -> Iterator[PromptBlock]:
    turn = object_of(item)
    role = turn.get("role")
    for place, block, lifetime in _marked(list_of(turn.get("content"))):
        tokens = tokens_of_parts({"role": role, "content": [block]}, add_turn) + (
            0 if place else TOKENS_PER_MESSAGE
        )
        yield PromptBlock(
            f"messages[{number}].content[{place}] ({role})", dumps([role, block]), tokens, lifetime
        )


def _options(fields: Mapping[str, Json]) -> bytes:
    return dumps(object_of(fields.get("toolConfig")).get("toolChoice"))


CONVERSE_PROMPT: Final = PromptForm(
    _blocks_before_turns, _turn, items=_items, options=_options, breakpoint_bytes=CACHE_POINT.encode()
)
INVOKE_PROMPT: Final = PromptForm(
    claude.PROMPT_FORM.blocks_before_turns,
    claude.PROMPT_FORM.turn,
    items=_items,
    lifetime_of_final_breakpoint=claude.PROMPT_FORM.lifetime_of_final_breakpoint,
    options=claude.PROMPT_FORM.options,
    breakpoint_bytes=claude.PROMPT_FORM.breakpoint_bytes,
)
"""Of Claude's own bodies: other models have no cache in this call."""
