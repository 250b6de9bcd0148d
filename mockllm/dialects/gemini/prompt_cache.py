"""The prompt of a generateContent request in blocks, and how this provider caches it implicitly.

Source: https://ai.google.dev/gemini-api/docs/caching (autumn of 2026): implicit caches of Gemini 2.5 and later, with
a minimum by model. It states no lifetime. Philipp Schmid of Google DeepMind named "a few minutes"
(https://simonwillison.net/2025/May/9/gemini-implicit-caching/): here five. Recorded counts (92, 220, 594 and 1,122)
are multiples of nothing, and some are below the documented minimum, which is used here. The tokens that a request
reads from a client's cached content are counted by `GenerateRequest.cached_tokens`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of
from mockllm.core.prompt_cache.form import PromptBlock, PromptForm, tokens_of_parts
from mockllm.core.prompt_cache.policy import AutomaticPrefixCache, CachePolicy
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.gemini.generate_request import MESSAGE_TOKENS, GenerateRequest, add_turn, list_of

_LIFETIME: Final = 300.0
_MINIMUMS: Final = (("*gemini-1*", None), ("*gemini-2.0*", None), ("*pro*", 4096), ("*", 1024))
"""The least number of tokens by model; None for models without implicit caches."""


def prompt_cache_policy(request: Request) -> CachePolicy | None:
    """Return how the prompt of a request is cached."""
    if isinstance(request, GenerateRequest) and request.cached is not None:
        return None
    minimum = next(least for glob, least in _MINIMUMS if fnmatchcase(request.model or "", glob))
    return None if minimum is None else AutomaticPrefixCache(minimum, 1, _LIFETIME)


def _items(request: Request) -> Sequence[Json]:
    assert isinstance(request, GenerateRequest)
    divided = request.divided_body
    if divided is not None and not request.snake_case:  # `add_turn` reads the names in camelCase
        return divided.items
    return list_of(request.message.get("contents"))


def _blocks_before_turns(fields: Mapping[str, Json]) -> Iterator[PromptBlock]:
    for number, entry in enumerate(list_of(fields.get("tools"))):
        tool = object_of(entry)
        functions = list_of(tool.get("functionDeclarations", tool.get("function_declarations")))
        words = " ".join(
            f"{function.get('name')} {function.get('description')} {function.get('parameters')}"
            for function in map(object_of, functions)
        )
        yield PromptBlock(f"tools[{number}]", dumps(entry), estimate(words))
    system = fields.get("systemInstruction", fields.get("system_instruction"))
    if system is not None:
        parts = [object_of(part).get("text") for part in list_of(object_of(system).get("parts"))]
        words = system if type(system) is str else "\n".join(part for part in parts if type(part) is str)
        yield PromptBlock("systemInstruction", dumps(system), estimate(words))


def _turn(item: Json, number: int) -> Iterator[PromptBlock]:
    content = object_of(item)
    role = content.get("role")
    for place, part in enumerate(list_of(content.get("parts"))):
        tokens = tokens_of_parts({"role": role, "parts": [part]}, add_turn)
        name = f"contents[{number}].parts[{place}] ({role})"
        yield PromptBlock(name, dumps([role, part]), tokens + (0 if place else MESSAGE_TOKENS))


PROMPT_FORM: Final = PromptForm(_blocks_before_turns, _turn, items=_items)
