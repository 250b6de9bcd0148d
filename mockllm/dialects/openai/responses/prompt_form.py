"""The prompt of a responses request in blocks: tools, instructions, input items, also those of earlier responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.prompt_cache.form import PromptBlock, PromptForm, tokens_of_parts
from mockllm.core.request.prompt_tokens import TOKENS_PER_MESSAGE, estimate_parts
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.openai.prompt_cache import (
    PROMPT_CACHE_BREAKPOINT,
    breakpoint_lifetime_of,
    lifetime_of_final_breakpoint,
    without_breakpoint,
)
from mockllm.dialects.openai.request_fields import content_parts
from mockllm.dialects.openai.responses.request import MEDIA, InputRequest, add_turn

_OWN: Final = frozenset({"id", "status"})
"""Members of an item that are not part of the prompt: a client sends them back, or not."""


def _items(request: Request) -> Sequence[Json]:
    return request.items if isinstance(request, InputRequest) else ()


def _blocks_before_turns(fields: Mapping[str, Json]) -> Iterator[PromptBlock]:
    for number, tool in enumerate(objects(fields.get("tools"))):
        words = f"{tool.get('name')} {tool.get('description')} {tool.get('parameters')}"
        yield PromptBlock(
            f"tools[{number}] ({tool.get('name', tool.get('type'))})", dumps(tool), estimate(words)
        )
    text_format = object_of(fields.get("text")).get("format")
    if text_format is not None:
        yield PromptBlock("text.format", dumps(text_format), 0)
    instructions = fields.get("instructions")
    if type(instructions) is str:
        yield PromptBlock("instructions", dumps(instructions), TOKENS_PER_MESSAGE + estimate(instructions))


def _turn(turn: Json, number: int) -> Iterator[PromptBlock]:
    item = object_of(turn)
    content, role = item.get("content"), item.get("role")
    if item.get("type", "message") != "message" or type(content) is not list:
        read = {name: value for name, value in item.items() if name not in _OWN}
        if item.get("type") == "message":
            del read["type"]
        name = f"input[{number}] ({role or item.get('type')})"
        yield PromptBlock(name, dumps(read), TOKENS_PER_MESSAGE + tokens_of_parts(item, add_turn))
        return
    for place, part in enumerate(objects(content)):
        tokens = (0 if place else TOKENS_PER_MESSAGE) + estimate_parts(tuple(content_parts([part], MEDIA)))
        name = f"input[{number}].content[{place}] ({role})"
        yield PromptBlock(name, dumps(role) + dumps(_read(part)), tokens, breakpoint_lifetime_of(part))


def _read(part: Mapping[str, Json]) -> Json:
    """Return a part as the model reads it: annotations and probabilities of a text are for clients."""
    return {
        name: value
        for name, value in without_breakpoint(part).items()
        if name not in ("annotations", "logprobs")
    }


PROMPT_FORM: Final = PromptForm(
    _blocks_before_turns,
    _turn,
    items=_items,
    lifetime_of_final_breakpoint=lifetime_of_final_breakpoint,
    breakpoint_bytes=PROMPT_CACHE_BREAKPOINT.encode(),
)
