"""Candidates and what stands around them: what a whole answer and the chunks of a stream share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import MISSING, Json, JSONDecodeError, Missing, loads
from mockllm.core.rendering.placeholders import derive
from mockllm.core.reply.reply import (
    Call,
    Choice,
    ContentChunk,
    Finish,
    Harm,
    Media,
    NativePart,
    Part,
    Reply,
    Text,
    Thinking,
    Usage,
    joined_text,
)
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.gemini.grounding import grounding
from mockllm.dialects.gemini.model_families import DEFAULT_MODEL, GeminiFamily, family

Block: TypeAlias = dict[str, Any]

DIALECT: Final = "gemini"

FINISH: Final[Mapping[Finish, str]] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "refusal": "PROHIBITED_CONTENT",
}
"""This protocol has no word for a refusal: it is a text that ends for what was asked."""
MALFORMED: Final = "MALFORMED_FUNCTION_CALL"
"""How an answer ends whose call nobody can read: the call itself is not said."""
RATED: Final[Mapping[str, tuple[Harm, ...]]] = {
    "HARM_CATEGORY_HATE_SPEECH": ("hate",),
    "HARM_CATEGORY_DANGEROUS_CONTENT": ("violence", "self_harm"),
    "HARM_CATEGORY_HARASSMENT": (),
    "HARM_CATEGORY_SEXUALLY_EXPLICIT": ("sexual",),
}
"""What is rated, and what is found where a filter has found it. They are numbered as they stand here."""
NUMBERS: Final = {
    "STOP": 1,
    "MAX_TOKENS": 2,
    "SAFETY": 3,
    "PROHIBITED_CONTENT": 7,
    MALFORMED: 9,
    **{name: number for number, name in enumerate(RATED, 1)},
    "NEGLIGIBLE": 1,
    "HIGH": 4,
    "TEXT": 1,
    "ON_DEMAND": 1,
}
"""The enums' numbers, for clients that want them."""
CALLED: Final = "Model generated function call(s)."
_LOWER: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))
_AVERAGE: Final = -0.0173
"""A constant in place of the average log probability, which nobody tests."""


def supported_reply(reply: Reply, *, omit_thinking: bool) -> Reply:
    """What this protocol says of a reply: calls in one piece each, neither redacted thinking nor other
    dialects' own blocks, nor thoughts that are empty or declined. A call that broke off is not said at all."""
    plain = all(type(part) is Text for choice in reply.choices for part in choice.parts)
    if plain:
        return reply
    choices = []
    for choice in reply.choices:
        parts = [_sayable(part) for part in choice.parts if not _hidden(part, omit_thinking)]
        if reply.broken is not None and parts and type(last := parts[-1]) is Call and not _closed(last):
            parts.pop()
        choices.append(replace(choice, parts=tuple(parts)))
    return replace(reply, choices=tuple(choices))


def _hidden(part: Part, omit_thinking: bool) -> bool:
    if type(part) is NativePart:
        return part.dialect != DIALECT or type(part.block) is not dict
    return type(part) is Thinking and (omit_thinking or part.redacted or not joined_text(part.chunks))


def _sayable(part: Part) -> Part:
    """A call's pieces as one, behind the waits between them."""
    if type(part) is not Call or (len(part.chunks) == 1 and type(part.chunks[0]) is str):
        return part
    others: list[ContentChunk] = [piece for piece in part.chunks if type(piece) is not str]
    return replace(part, chunks=(*others, joined_text(part.chunks)))


def _closed(call: Call) -> bool:
    return not isinstance(_arguments(call), Missing)


def _arguments(call: Call) -> Json | Missing:
    """A call's arguments as JSON; nothing said is no arguments."""
    text = joined_text(call.chunks)
    if not text.strip():
        return {}
    try:
        return loads(text)
    except JSONDecodeError:
        return MISSING


def is_said(part: Part) -> bool:
    """Whether it is said: a call is only with arguments that are JSON."""
    return type(part) is not Call or _closed(part)


def unreadable(choice: Choice) -> Call | None:
    """The call that nobody can read, of a choice that was to end with its calls."""
    if choice.finish not in ("stop", "tool_calls"):
        return None
    return next((call for call in choice.calls if not _closed(call)), None)


def finish_of(choice: Choice) -> str:
    """Why it ended, in this protocol's words."""
    return MALFORMED if unreadable(choice) is not None else FINISH[choice.finish]


class ThoughtSignature(Struct, frozen=True):
    """The thought signature of a choice, and the part that carries it (None: there is none that could)."""

    text: str
    at: int | None


class GeminiResponseFields(Struct):
    """What an answer says beside the reply itself."""

    model: str
    id: str
    created: str | None
    vertex: bool
    numbered: bool
    family: GeminiFamily
    stamp: ResponseIdentity
    extras: Mapping[str, Json]
    counted: Usage

    def name(self, enum: str) -> Json:
        """An enum's value as it was asked for."""
        return NUMBERS[enum] if self.numbered else enum

    def answer(self, candidates: list[Block], usage: Block) -> Block:
        """A whole answer's object, or a chunk's. A prompt that was blocked has no candidates."""
        feedback = self.extras.get("promptFeedback")
        blocked = isinstance(feedback, dict) and "blockReason" in feedback
        made: Block = {} if blocked else {"candidates": candidates}
        made["usageMetadata"] = usage
        self.counted.tell(made, "usageMetadata")
        made["modelVersion"] = self.model
        if self.created is not None:
            made["createTime"] = self.created
        made["responseId"] = self.id
        made.update({key: value for key, value in self.extras.items() if key not in _PLACED})
        return made

    def content(self, parts: list[Json]) -> Block:
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
        logprobs: bool = False,
    ) -> Block:
        """`ended`: what ends here; None where it goes on. `called`: it ends with calls, which some families
        remark."""
        finish = None if ended is None else finish_of(ended)
        made: Block = {"content": self.content(parts)} if parts or finish != "SAFETY" else {}
        if finish is not None:
            made["finishReason"] = self.name(finish)
        if logprobs:
            made["avgLogprobs"] = _AVERAGE
        if number or self.family.index:
            made["index"] = number
        if ended is None:
            return made
        call = unreadable(ended)
        if call is not None:
            made["finishMessage"] = f"Malformed function call: {call.name}({joined_text(call.chunks)})"
        elif called and self.family.remarks:
            made["finishMessage"] = CALLED
        if ended.flagged is not None:
            made["safetyRatings"] = self._ratings(ended.flagged)
        found = grounding(ended)
        if found is not None:
            made["groundingMetadata"] = found
        return made | self._own(number)

    def _ratings(self, found: Harm) -> list[Json]:
        return [
            {"category": self.name(name), "probability": self.name("HIGH"), "blocked": True}
            if found in harms
            else {"category": self.name(name), "probability": self.name("NEGLIGIBLE")}
            for name, harms in RATED.items()
        ]

    def _own(self, number: int) -> Block:
        """What a scenario adds to a candidate."""
        own = self.extras.get("candidates")
        found = own[number] if isinstance(own, list) and number < len(own) else None
        return found if isinstance(found, dict) else {}

    def part(
        self, part: Part, choice: int, index: int, seal: ThoughtSignature | None, text: str | None = None
    ) -> Block:
        """A part with all that it says, or with the piece `text` of it."""
        if type(part) is NativePart:
            made: Block = dict(part.block)
        elif type(part) is Media:
            made = {"inlineData": {"mimeType": part.mime, "data": part.data}}
        elif type(part) is Call:
            call: Block = {"name": part.name, "args": _arguments(part)}
            if part.id is not None or self.family.ids:
                call["id"] = part.id or self.stamp.ids.make("", 8, f"{choice}.{index}", alphabet=_LOWER)
            made = {"functionCall": call}
        else:
            made = {"text": _text(part) if text is None else text}
            if type(part) is Thinking:
                made["thought"] = True
        if seal is not None and seal.at == index:
            made["thoughtSignature"] = seal.text
        return made

    def seal(self, choice: Choice, number: int, usage: Usage) -> ThoughtSignature | None:
        """The signature that a scenario gave its thinking, or one where the family has one."""
        given = next(
            (part.signature for part in choice.parts if type(part) is Thinking and part.signature), None
        )
        kinds = [type(part) for part in choice.parts]
        at = kinds.index(Call) if Call in kinds else None
        if at is not None:
            signed = self.family.signs == "all" or (self.family.signs == "calls" and usage.reasoning > 0)
        else:
            at = len(kinds) - 1 - kinds[::-1].index(Text) if Text in kinds else None
            signed = self.family.signs == "all" and usage.reasoning > 0
        return ThoughtSignature(given or self._signature(number), at) if given or signed else None

    def _signature(self, number: int) -> str:
        """256 characters that decode as base64."""
        make = self.stamp.ids.make
        return make("EtwD", 60, f"{number}") + "".join(
            make("", 64, f"{number}.{place}") for place in range(3)
        )

    def usage(self, counted: Usage, candidates: int, thoughts: int) -> Block:
        """Tokens as Google counts: what was said without thoughts, nothing that is zero. `candidates` and
        `thoughts` are those so far."""
        made: Block = {
            "promptTokenCount": counted.input,
            "candidatesTokenCount": candidates,
            "totalTokenCount": counted.input + candidates + thoughts
            if counted.stated is None
            else counted.stated,
            "cachedContentTokenCount": counted.cached_read,
        }
        if self.vertex:
            made["trafficType"] = self.name("ON_DEMAND")
        made["promptTokensDetails"] = self._details(counted.input)
        made["cacheTokensDetails"] = self._details(counted.cached_read)
        if self.family.details:
            made["candidatesTokensDetails"] = self._details(candidates)
        made["thoughtsTokenCount"] = thoughts
        if not self.vertex:
            made["serviceTier"] = "standard"
        return {key: value for key, value in made.items() if value} | self._counts()

    def early(self, counted: Usage, candidates: int, thoughts: int) -> Block:
        """The usage before the last chunk."""
        counted = replace(counted, stated=None)
        match self.family.counts:
            case "nothing":
                return {"trafficType": self.name("ON_DEMAND")} | self._counts()
            case "prompt":
                return self.usage(counted, 0, 0)
        return self.usage(counted, candidates, thoughts)

    def _details(self, count: int) -> Json:
        return [{"modality": self.name("TEXT"), "tokenCount": count}] if count else None

    def _counts(self) -> Block:
        """Further counts that a scenario wants."""
        own = self.extras.get("usageMetadata")
        return own if isinstance(own, dict) else {}


_PLACED: Final = frozenset({"candidates", "usageMetadata"})
"""The extras that are merged deeper than at the top."""


def response_fields(reply: Reply, request: GenerateRequest, stamp: ResponseIdentity) -> GeminiResponseFields:
    model = reply.model or request.model or DEFAULT_MODEL
    return GeminiResponseFields(
        model=model,
        id=stamp.ids.make("", 23),
        created=derive(_create_time, stamp.second) if request.vertex else None,
        vertex=request.vertex,
        numbered=request.numbered,
        family=family(model, vertex=request.vertex),
        stamp=stamp,
        extras=reply.extras.get(DIALECT, {}),
        counted=reply.usage,
    )


@lru_cache(maxsize=64)
def _create_time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def said_tokens(usage: Usage) -> int:
    """The tokens of what is said, thoughts left out."""
    return max(usage.output - usage.reasoning, 0)


def _text(part: Part) -> str:
    if type(part) is Text and part.whole is not None:
        return part.whole
    return joined_text(part.chunks)  # type: ignore[union-attr]
