"""POST /v1/moderations: a table of words decides what is flagged, so that a test can choose the result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.messages import MediaPart, MessagePart
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.classified_texts import are_long, read_texts
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.validators import (
    array,
    check_fields,
    check_readable,
    check_required,
    string,
    text_or,
    wrong_type,
)

DEFAULT_MODEL: Final = "omni-moderation-latest"
SNAPSHOTS: Final = {
    "text-moderation-latest": "text-moderation-007",
    "text-moderation-stable": "text-moderation-007",
}
MAX_INPUTS: Final = 2048
"""The maximum number of inputs of one request, the same as for embeddings."""
DIGITS: Final = b"0123456789" * 25 + b"012345"

CATEGORIES: Final[Mapping[str, str]] = {
    "harassment": r"idiots?|morons?|stupid|losers?|pathetic",
    "harassment/threatening": r"(?:kill|hurt|shoot|beat) (?:you|him|her|them)",
    "sexual": r"porn\w*|nude\w*|sexual\w*|erotic\w*",
    "hate": r"hate (?:all|those|these)|subhumans?|vermin",
    "hate/threatening": r"exterminate|(?:kill|hang|burn) (?:all|those|these)",
    "illicit": r"meth|cocaine|counterfeit|steal|shoplift\w*",
    "illicit/violent": r"bombs?|explosives?|grenades?",
    "self-harm/intent": r"(?:kill|hurt|cut) myself|end my life",
    "self-harm/instructions": r"how to (?:kill|hurt|cut) (?:my|your|one)self",
    "self-harm": r"suicid\w*|self-harm|(?:kill|hurt|cut) myself",
    "sexual/minors": r"(?:porn\w*|sexual\w*|nude\w*)\W+(?:\w+\W+){0,3}(?:child\w*|minors?)",
    "violence": r"kill\w*|murder\w*|stab\w*|shoot\w*|attack\w*|bombs?",
    "violence/graphic": r"gore|beheading|dismember\w*|blood-soaked",
}
"""The categories in the order of the response, each with the pattern that flags it."""


@cache  # compiling takes milliseconds, which the first request of another call would wait
def _flags() -> Mapping[str, re.Pattern[str]]:
    return {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in CATEGORIES.items()}


IMAGE_CATEGORIES: Final = frozenset(
    {"sexual", "self-harm/intent", "self-harm/instructions", "self-harm", "violence", "violence/graphic"}
)
"""The categories that apply to images."""
NOT_IN_TEXT_MODELS: Final = frozenset({"illicit", "illicit/violent"})
"""Categories that the text-only models do not have."""


class ModerationsRequest(Request):
    """A moderation request; its inputs are messages of the user, one for each result."""

    dialect = "openai"
    api = "moderations"
    evaluates = True
    documented_fields = frozenset({"input", "model"})

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """One message for each text; one message for all parts of a mixed input."""
        value = self.fields.get("input")
        if type(value) is str:
            return (Message("user", (TextPart(value),)),)
        if type(value) is not list:
            return ()
        inputs = value[:MAX_INPUTS]
        parts = tuple(part for entry in inputs if (part := _part(entry)) is not None)
        if any(type(entry) is dict for entry in inputs):
            return (Message("user", parts),) if parts else ()
        return tuple(Message("user", (part,)) for part in parts)

    @property
    def planning_takes_long(self) -> bool:
        return are_long([message.text for message in self.messages])


def _part(entry: Json) -> MessagePart | None:
    if type(entry) is str:
        return TextPart(entry)
    fields = object_of(entry)
    if type(fields.get("text")) is str:
        return TextPart(fields["text"])
    return MediaPart("image") if fields.get("type") == "image_url" else None


def _check_part(entry: Json, path: str) -> Failure | None:
    expected = "one of a string or a part of type 'text' or 'image_url'"
    return wrong_type(entry, path, expected) if _part(entry) is None else None


_check_input: Final = text_or(list, array(_check_part, "parts", max_length=MAX_INPUTS), "array")


def check(request: Request) -> Failure | None:
    body = request.fields
    error = check_readable(request) or check_required(body, "input") or _check_input(body["input"], "input")
    return error or check_fields(body, {"model": string})


def moderate(messages: Sequence[Message], *, text_only: bool = False) -> list[dict[str, Json]]:
    """Return the result for each message, by the characters that are read of its text."""
    texts = read_texts([message.text for message in messages])
    return [_moderated(message, text, text_only) for message, text in zip(messages, texts, strict=True)]


def _moderated(message: Message, text: str, text_only: bool) -> dict[str, Json]:
    """Return the result for one message. The score is high where a word flags the category, else small and
    derived from the text."""
    has_image = any(type(part) is MediaPart for part in message.parts)
    has_text = any(type(part) is TextPart for part in message.parts)
    categories: dict[str, Json] = {}
    scores: dict[str, Json] = {}
    applied_types: dict[str, Json] = {}
    for name, flag in _flags().items():
        if text_only and name in NOT_IN_TEXT_MODELS:
            continue
        flagged = flag.search(text) is not None
        digest = blake2b(f"{name}|{text}".encode("utf-8", "surrogatepass"), digest_size=4).digest()
        fraction = int.from_bytes(digest, "big") / 2**32
        categories[name] = flagged
        scores[name] = 0.75 + fraction / 5 if flagged else fraction / 1000
        applied_types[name] = ["text"] * has_text + ["image"] * (has_image and name in IMAGE_CATEGORIES)
    result = {"flagged": any(categories.values()), "categories": categories, "category_scores": scores}
    return result if text_only else {**result, "category_applied_input_types": applied_types}


class Moderations(OpenAiCall):
    """A result for each text, or for all the parts of a mixed input."""

    api = "moderations"
    request_class = ModerationsRequest

    check = staticmethod(check)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        model = request.model or DEFAULT_MODEL
        text_only = model.startswith("text-moderation")
        body = {
            "id": identity.ids.make("modr-", 4, alphabet=DIGITS),
            "model": SNAPSHOTS.get(model, model),
            "results": moderate(request.messages, text_only=text_only),
        }
        return body_plan(body, identity)
