"""Candidates and the objects around them, which non-streaming responses and the chunks of a stream share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import MISSING, Json, JSONDecodeError, JsonObject, Missing, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.reply.reply import (
    Choice,
    Finish,
    Harm,
    Media,
    NativePart,
    Part,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    joined_text,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.generate_request import DEFAULT_MODEL, GenerateRequest
from mockllm.dialects.gemini.grounding import grounding
from mockllm.dialects.gemini.logprobs import body_logprobs
from mockllm.dialects.gemini.media_tokens import Modalities, cached_details, prompt_details
from mockllm.dialects.gemini.models import family

DIALECT: Final = "gemini"

FINISH: Final[Mapping[Finish, str]] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "refusal": "PROHIBITED_CONTENT",
}
"""The finish reasons; a refusal is a text that ends with the reason of a prohibited prompt, since this protocol has
no refusals."""
MALFORMED_CALL: Final = "MALFORMED_FUNCTION_CALL"
"""The finish reason of a response whose call cannot be parsed; the call itself is omitted."""
RATED_CATEGORIES: Final[Mapping[str, tuple[Harm, ...]]] = {
    "HARM_CATEGORY_HATE_SPEECH": ("hate",),
    "HARM_CATEGORY_DANGEROUS_CONTENT": ("violence", "self_harm"),
    "HARM_CATEGORY_HARASSMENT": (),
    "HARM_CATEGORY_SEXUALLY_EXPLICIT": ("sexual",),
}
"""The rated categories, each with the harms that a filter detects in it. The enum numbers follow this order."""
ENUM_NUMBERS: Final = {
    "STOP": 1,
    "MAX_TOKENS": 2,
    "SAFETY": 3,
    "PROHIBITED_CONTENT": 7,
    MALFORMED_CALL: 9,
    **{name: number for number, name in enumerate(RATED_CATEGORIES, 1)},
    "NEGLIGIBLE": 1,
    "HIGH": 4,
    **{name: number for number, name in enumerate(("TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"), 1)},
    "ON_DEMAND": 1,
}
"""The enums' numbers, for clients that request numbers."""
CALL_MESSAGE: Final = "Model generated function call(s)."
_LOWER: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))
NO_LOGPROBS: Final[Mapping[str, Json]] = {}
_AVERAGE: Final[Mapping[str, Json]] = {"avgLogprobs": -0.0173}
"""A constant in place of the average log probability, which tests do not depend on."""


def supported_reply(reply: Reply, *, omit_thinking: bool) -> Reply:
    """Return the reply as this protocol shows it: each call in one chunk, without redacted thinking, other dialects'
    native parts, and empty or declined thoughts. An incomplete call is omitted."""
    plain = all(type(part) is Text for choice in reply.choices for part in choice.parts)
    if plain:
        return reply
    choices = []
    for choice in reply.choices:
        shown = (part for part in choice.parts if not _is_hidden(part, omit_thinking))
        parts = [part.in_one_chunk() if type(part) is ToolCall else part for part in shown]
        if (
            reply.failure is not None
            and parts
            and type(last := parts[-1]) is ToolCall
            and not _has_valid_arguments(last)
        ):
            parts.pop()
        choices.append(replace(choice, parts=tuple(parts)))
    return replace(reply, choices=tuple(choices))


def _is_hidden(part: Part, omit_thinking: bool) -> bool:
    if type(part) is NativePart:
        return part.dialect != DIALECT or type(part.block) is not dict
    return type(part) is Thinking and (omit_thinking or part.redacted or not joined_text(part.chunks))


def _has_valid_arguments(call: ToolCall) -> bool:
    return not isinstance(_arguments(call), Missing)


def _arguments(call: ToolCall) -> Json | Missing:
    """Return a call's arguments as JSON; an empty text is no arguments."""
    text = joined_text(call.chunks)
    if not text.strip():
        return {}
    try:
        return loads(text)
    except JSONDecodeError:
        return MISSING


def is_shown(part: Part) -> bool:
    """Return whether a part is shown; a call is shown only with valid JSON arguments."""
    return type(part) is not ToolCall or _has_valid_arguments(part)


def malformed_call(choice: Choice) -> ToolCall | None:
    """Return the call with invalid arguments, of a choice that ends with its calls."""
    if choice.finish not in ("stop", "tool_calls"):
        return None
    return next((call for call in choice.tool_calls if not _has_valid_arguments(call)), None)


class ThoughtSignature(Struct, frozen=True):
    """The thought signature of a choice, and the part that contains it (None: no part can contain it)."""

    text: str
    at: int | None


class GeminiResponseFields:
    """The fields of a response other than the reply itself."""

    def __init__(self, reply: Reply, request: GenerateRequest, identity: ResponseIdentity) -> None:
        self.model = reply.model or request.model or DEFAULT_MODEL
        self.id = identity.ids.make("", 23)
        self.vertex, self.numbered = request.vertex, request.numbered
        self.created = map_placeholder(_create_time, identity.epoch_second) if self.vertex else None
        self.model_family = family(self.model, vertex=self.vertex)
        self.identity = identity
        self.extras: Mapping[str, Json] = reply.extras.get(DIALECT, {})
        self.counted = reply.usage
        self.logprobs, self.media = request.logprobs, request.media
        self.offers_functions, self.contexts = request.offers_functions, request.retrieved_contexts

    def name(self, enum: str) -> Json:
        """Return an enum's value in the requested form."""
        return ENUM_NUMBERS.get(enum, enum) if self.numbered else enum

    def response(self, candidates: list[JsonObject], usage: JsonObject) -> JsonObject:
        """Return the object of a non-streaming response, or of a chunk. A blocked prompt has no candidates."""
        feedback = self.extras.get("promptFeedback")
        blocked = isinstance(feedback, dict) and "blockReason" in feedback
        result: JsonObject = {} if blocked else {"candidates": candidates}
        result["usageMetadata"] = usage
        self.counted.null_or_remove_usage(result, "usageMetadata")
        result["modelVersion"] = self.model
        if self.created is not None:
            result["createTime"] = self.created
        result["responseId"] = self.id
        own = {key: value for key, value in self.extras.items() if key not in _NESTED_EXTRAS}
        return merged_json(result, own) if own else result

    def content(self, parts: list[Json]) -> JsonObject:
        if not parts:
            return {"role": "model"}
        return {"role": "model", "parts": parts} if self.vertex else {"parts": parts, "role": "model"}

    def candidate(
        self,
        number: int,
        parts: list[Json],
        ended: Choice | None = None,
        *,
        called: bool = False,
        logprobs: Mapping[str, Json] = NO_LOGPROBS,
    ) -> JsonObject:
        """Return a candidate. `ended` is the choice that ends here; None where it continues. `called`: it ends with
        calls, which some families state in a message. `logprobs` are its members about probabilities."""
        call = None if ended is None else malformed_call(ended)
        finish = None if ended is None else ended.finish_value(FINISH) if call is None else MALFORMED_CALL
        result: JsonObject = {"content": self.content(parts)} if parts or finish != "SAFETY" else {}
        if finish is not None:
            result["finishReason"] = self.name(finish)
        result |= logprobs
        if number or self.model_family.index:
            result["index"] = number
        if ended is None:
            return result
        if call is not None:
            result["finishMessage"] = f"Malformed function call: {call.name}({joined_text(call.chunks)})"
        elif called and self.model_family.remarks:
            result["finishMessage"] = CALL_MESSAGE
        if ended.flagged is not None:
            result["safetyRatings"] = self._ratings(ended.flagged)
        sources = grounding(ended, self.contexts)
        if sources is not None:
            result["groundingMetadata"] = sources
        own = self.extras.get("candidates")
        members = own[number] if isinstance(own, list) and number < len(own) else None
        if not isinstance(members, dict):
            return result
        content = {"content": members["content"]} if "content" in members else {}
        return {**result, **merged_json(result, members), **content}

    def body_logprobs(self, choice: Choice) -> Mapping[str, Json]:
        """Return the members of a non-streaming response's candidate about the probabilities of its tokens."""
        requested = NO_LOGPROBS if self.logprobs is None else body_logprobs(choice, self.logprobs)
        has_average = self.model_family.logprobs and visible_output_tokens(self.counted) > 0
        return requested or (_AVERAGE if has_average else NO_LOGPROBS)

    def is_grounded(self, choice: Choice, number: int) -> bool:
        """Return whether a candidate ends with sources: its chunks before the end have an empty object for them."""
        own = self.extras.get("candidates")
        members = own[number] if isinstance(own, list) and number < len(own) else None
        if isinstance(members, dict) and "groundingMetadata" in members:
            return True
        return any(type(part) is Text and bool(part.citations) for part in choice.parts)

    def _ratings(self, harm: Harm) -> list[Json]:
        return [
            {"category": self.name(name), "probability": self.name("HIGH"), "blocked": True}
            if harm in harms
            else {"category": self.name(name), "probability": self.name("NEGLIGIBLE")}
            for name, harms in RATED_CATEGORIES.items()
        ]

    def part(
        self, part: Part, choice: int, index: int, signature: ThoughtSignature | None, text: str | None = None
    ) -> JsonObject:
        """Return a part with its complete content, or with the chunk `text`."""
        if type(part) is NativePart:
            result: JsonObject = dict(part.block)
        elif type(part) is Media:
            result = {"inlineData": {"mimeType": part.mime, "data": part.data}}
        elif type(part) is ToolCall:
            call: JsonObject = {"name": part.name, "args": _arguments(part)}
            if part.id is not None or self.model_family.ids:
                call["id"] = part.id or self.identity.ids.make("", 8, f"{choice}.{index}", alphabet=_LOWER)
            result = {"functionCall": call}
        else:
            result = {"text": _text(part) if text is None else text}
            if type(part) is Thinking:
                result["thought"] = True
        if signature is not None and signature.at == index:
            result["thoughtSignature"] = signature.text
        return result

    def signature(self, choice: Choice, number: int) -> ThoughtSignature | None:
        """Return the signature that a scenario sets for its thinking, or one where the family has signatures."""
        stated = next(
            (part.signature for part in choice.parts if type(part) is Thinking and part.signature), None
        )
        kinds = [type(part) for part in choice.parts]
        at = kinds.index(ToolCall) if ToolCall in kinds else None
        if at is not None:
            signed = self.model_family.signs == "all" or (
                self.model_family.signs == "calls" and self.counted.reasoning > 0
            )
        else:
            at = len(kinds) - 1 - kinds[::-1].index(Text) if Text in kinds else None
            signed = self.counted.reasoning > 0 and (
                self.model_family.signs == "all"
                or (self.model_family.signs == "calls" and self.offers_functions)
            )
        if stated is None and not signed:
            return None
        make = self.identity.ids.make
        rest = (
            make("", 64, f"{number}.{place}") for place in range(3)
        )  # in all 256 characters, which are base64
        return ThoughtSignature(stated or make("EtwD", 60, f"{number}") + "".join(rest), at)

    def usage(self, candidates: int, thoughts: int, stated: int | None = None) -> JsonObject:
        """Return the usage as Google counts: output without thoughts, and no zero counts. `candidates` and `thoughts`
        are the counts so far."""
        counted = self.counted
        result: JsonObject = {
            "promptTokenCount": counted.input,
            "candidatesTokenCount": candidates,
            "totalTokenCount": counted.input + candidates + thoughts if stated is None else stated,
            "cachedContentTokenCount": counted.cache_read,
        }
        if self.vertex:
            result["trafficType"] = self.name("ON_DEMAND")
        result["promptTokensDetails"] = self._details(prompt_details(counted.input, self.media))
        cached = cached_details(counted.cache_read, counted.input, self.media)
        result["cacheTokensDetails"] = self._details(cached)
        if self.model_family.details:
            result["candidatesTokensDetails"] = self._details((("TEXT", candidates),) if candidates else ())
        result["thoughtsTokenCount"] = thoughts
        if self.model_family.tier and not self.vertex:
            result["serviceTier"] = "standard"
        block: JsonObject = merged_json(
            {key: value for key, value in result.items() if value}, self._counts()
        )
        return block

    def early_usage(self, candidates: int, thoughts: int) -> JsonObject:
        """Return the usage before the last chunk."""
        match self.model_family.counts:
            case "nothing":
                return {"trafficType": self.name("ON_DEMAND")} | self._counts()
            case "prompt":
                return self.usage(0, 0)
        return self.usage(candidates, thoughts)

    def _details(self, modalities: Modalities) -> Json:
        return [{"modality": self.name(name), "tokenCount": tokens} for name, tokens in modalities]

    def _counts(self) -> JsonObject:
        """Return the additional counts that a scenario sets."""
        return object_of(self.extras.get("usageMetadata"))


_NESTED_EXTRAS: Final = frozenset({"candidates", "usageMetadata"})
"""The extras that are merged below the top level."""


@lru_cache(maxsize=64)  # the responses of a second share it
def _create_time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def visible_output_tokens(usage: Usage) -> int:
    """Return the output tokens without thoughts."""
    return max(usage.output - usage.reasoning, 0)


def _text(part: Part) -> str:
    if type(part) is Text and part.whole is not None:
        return part.whole
    return joined_text(part.chunks)  # type: ignore[union-attr]
