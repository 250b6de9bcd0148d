"""The prompt of a messages request in blocks, and how this provider caches it.

Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching (autumn of 2026). Tools, system and
messages come in this order. A breakpoint is a `cache_control` on a block, or at the top level for the last block. At
most four count, each finds entries up to 20 blocks back, and an entry lasts 5 minutes or 1 hour from its last use. A
change of `tool_choice` or `thinking` does not affect the cache of tools and system. The minimum by model is that
page's table as LiteLLM's documentation repeats it. Recordings of 2024 to 2026 (the tests of pydantic-ai, ellmer and
dd-trace) agree. The next request reads what one wrote, and 2 to 4 tokens follow the last breakpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import list_of
from mockllm.core.prompt_cache.form import PromptBlock, PromptForm, tokens_of_parts
from mockllm.core.prompt_cache.policy import BreakpointCache, CachePolicy
from mockllm.core.request.prompt_tokens import TOKENS_PER_MESSAGE
from mockllm.core.request.request import Request
from mockllm.core.text_cache import text_cache
from mockllm.core.tokens import estimate
from mockllm.dialects.anthropic.messages_request import add_turn

CACHE_CONTROL: Final = "cache_control"
LIFETIMES: Final = {"5m": 300.0, "1h": 3600.0}
"""Seconds by `ttl`."""
MAX_BREAKPOINTS: Final = 4
LOOKBACK: Final = 20
"""Blocks, the breakpoint's own included."""

_MINIMUMS: Final = (
    ("*haiku-4-5*", 4096),
    ("*opus-4-[56]*", 4096),
    ("*opus-4-7*", 2048),
    ("*haiku-3*", 2048),
    ("*3-haiku*", 2048),
    ("*3-5-haiku*", 2048),
    ("*opus-5*", 512),
    ("*fable-5*", 512),
    ("*mythos-5*", 512),
    ("*", 1024),
)
"""The least number of tokens of a cached prefix, by model."""


@text_cache(256)  # clients repeat a few models
def cache_policy(model: str) -> CachePolicy:
    """Return how prompts for a model are cached; for any name of a Claude, also on another platform."""
    minimum = next(minimum for glob, minimum in _MINIMUMS if fnmatchcase(model, glob))
    return BreakpointCache(minimum, LOOKBACK, MAX_BREAKPOINTS)


def prompt_cache_policy(request: Request) -> CachePolicy | None:
    """Return how the prompt of a request is cached."""
    return cache_policy(request.model or "")


def breakpoints(fields: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield the path and the value of each breakpoint in the order of the prompt. A block in a tool's result comes
    before the result. The last breakpoint is that of the body itself."""
    parts: list[tuple[str, Json]] = [
        *((f"tools.{number}.", tool) for number, tool in enumerate(list_of(fields.get("tools")))),
        *((f"system.{number}.", block) for number, block in enumerate(list_of(fields.get("system")))),
    ]
    for number, turn in enumerate(list_of(fields.get("messages"))):
        for place, block in enumerate(list_of(turn.get("content")) if isinstance(turn, dict) else ()):
            path = f"messages.{number}.content.{place}."
            if isinstance(block, dict) and block.get("type") == "tool_result":
                inner = list_of(block.get("content"))
                parts += ((f"{path}content.{index}.", each) for index, each in enumerate(inner))
            parts.append((path, block))
    for path, part in (*parts, ("", fields)):
        if isinstance(part, dict) and isinstance(part.get(CACHE_CONTROL), dict):
            yield f"{path}{CACHE_CONTROL}", part[CACHE_CONTROL]


def breakpoint_lifetime_of(block: Json) -> float | None:
    """Return the seconds for which the prefix up to a block is cached; None for a block without a breakpoint."""
    breakpoint = block.get(CACHE_CONTROL) if isinstance(block, dict) else None
    if not isinstance(breakpoint, dict):
        return None
    ttl = breakpoint.get("ttl")
    return LIFETIMES.get(ttl, LIFETIMES["5m"]) if isinstance(ttl, str) else LIFETIMES["5m"]


def _turn(item: Json, number: int) -> Iterator[PromptBlock]:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        return
    role, content = item["role"], item.get("content")
    blocks: list[Json] = [{"type": "text", "text": content}] if isinstance(content, str) else []
    blocks = content if isinstance(content, list) else blocks
    for place, block in enumerate(blocks):
        tokens = tokens_of_parts({"role": role, "content": [block]}, add_turn) + (
            0 if place else TOKENS_PER_MESSAGE
        )
        name = f"messages[{number}].content[{place}] ({role})"
        yield PromptBlock(name, dumps(role) + _content(block), tokens, _lifetime(block))


def _blocks_before_turns(fields: Mapping[str, Json]) -> Iterator[PromptBlock]:
    tools, system = fields.get("tools"), fields.get("system")
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict):
            described = f"{tool.get('name')} {tool.get('description')} {tool.get('input_schema')}"
            tokens = estimate(described) + (0 if number else TOOL_INSTRUCTIONS)
            yield PromptBlock(
                f"tools[{number}] ({tool.get('name')})", _content(tool), tokens, breakpoint_lifetime_of(tool)
            )
    if isinstance(system, str):
        yield PromptBlock("system", _content({"type": "text", "text": system}), estimate(system))
    for number, block in enumerate(system if isinstance(system, list) else ()):
        if isinstance(block, dict) and isinstance(block.get("text"), str):
            name = f"system[{number}]"
            yield PromptBlock(name, _content(block), estimate(block["text"]), breakpoint_lifetime_of(block))


TOOL_INSTRUCTIONS: Final = 313
"""The tokens of the instructions for tool calls with the tool choices that have the fewest."""


def _options(fields: Mapping[str, Json]) -> bytes:
    return dumps([fields.get("tool_choice"), fields.get("thinking")])


def _content(block: Json) -> bytes:
    """Return a block without its breakpoints, also those in the result of a tool."""
    if not isinstance(block, dict):
        return dumps(block)
    if CACHE_CONTROL in block:
        block = {name: value for name, value in block.items() if name != CACHE_CONTROL}
    inner = block.get("content")
    if isinstance(inner, list) and any(isinstance(entry, dict) and CACHE_CONTROL in entry for entry in inner):
        block = {**block, "content": [_unmarked(entry) for entry in inner]}
    return dumps(block)


def _unmarked(entry: Json) -> Json:
    return (
        {name: value for name, value in entry.items() if name != CACHE_CONTROL}
        if isinstance(entry, dict)
        else entry
    )


def _lifetime(block: Json) -> float | None:
    """Return the lifetime of a block's breakpoint, or of the last breakpoint in the result of a tool."""
    own = breakpoint_lifetime_of(block)
    inner = block.get("content") if own is None and isinstance(block, dict) else None
    lifetimes = [breakpoint_lifetime_of(entry) for entry in inner] if isinstance(inner, list) else []
    return next((lifetime for lifetime in reversed(lifetimes) if lifetime is not None), own)


PROMPT_FORM: Final = PromptForm(
    _blocks_before_turns,
    _turn,
    lifetime_of_final_breakpoint=breakpoint_lifetime_of,
    options=_options,
    breakpoint_bytes=CACHE_CONTROL.encode(),
)
