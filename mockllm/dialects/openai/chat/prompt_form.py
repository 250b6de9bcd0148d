"""The prompt of a chat completions request in blocks: tools, the schema of the response, messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.prompt_cache.form import PromptBlock, PromptForm
from mockllm.core.request.prompt_tokens import TOKENS_PER_MESSAGE, estimate_parts
from mockllm.core.tokens import estimate
from mockllm.dialects.openai.chat.request import MEDIA
from mockllm.dialects.openai.prompt_cache import (
    PROMPT_CACHE_BREAKPOINT,
    breakpoint_lifetime_of,
    lifetime_of_final_breakpoint,
    without_breakpoint,
)
from mockllm.dialects.openai.request_fields import content_parts


def _blocks_before_turns(fields: Mapping[str, Json]) -> Iterator[PromptBlock]:
    for field in ("tools", "functions"):
        for number, tool in enumerate(objects(fields.get(field))):
            function = object_of(tool.get("function", tool.get("custom", tool)))
            words = f"{function.get('name')} {function.get('description')} {function.get('parameters')}"
            name = f"{field}[{number}] ({function.get('name', tool.get('type'))})"
            yield PromptBlock(name, dumps(tool), estimate(words))
    if fields.get("response_format") is not None:
        yield PromptBlock("response_format", dumps(fields["response_format"]), 0)


def _turn(item: Json, number: int) -> Iterator[PromptBlock]:
    if type(item) is not dict:
        return
    role, content = item.get("role"), item.get("content")
    written, place = dumps(role), f"messages[{number}]"
    parts: list[Json] = content if type(content) is list else [] if content is None else [content]
    added = TOKENS_PER_MESSAGE
    for part_number, part in enumerate(parts):
        tokens = added + estimate_parts(tuple(content_parts([part], MEDIA)))
        added = 0
        name = f"{place}.content[{part_number}] ({role})" if type(content) is list else f"{place} ({role})"
        if type(part) is dict:
            yield PromptBlock(
                name, written + dumps(without_breakpoint(part)), tokens, breakpoint_lifetime_of(part)
            )
        else:
            yield PromptBlock(name, written + dumps({"type": "text", "text": part}), tokens)
    rest = {key: value for key, value in item.items() if key not in ("role", "content")}
    if rest:
        words = "".join(str(object_of(call.get("function"))) for call in objects(item.get("tool_calls")))
        yield PromptBlock(f"{place} ({role})", written + dumps(rest), added + estimate(words))


PROMPT_FORM: Final = PromptForm(
    _blocks_before_turns,
    _turn,
    lifetime_of_final_breakpoint=lifetime_of_final_breakpoint,
    breakpoint_bytes=PROMPT_CACHE_BREAKPOINT.encode(),
)
