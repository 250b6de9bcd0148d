"""Mistral's classifiers: /v1/moderations, /v1/classifications, and both for conversations.

From the types of the `mistralai` package (3.7: `ModerationResponse`, `ClassificationResponse`), and the categories of
its `ModerationLLMV1CategoryThresholds`. There is no recording of these calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from itertools import islice
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.messages import Role
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.classified_texts import are_long, read_texts
from mockllm.dialects.openai.request_fields import NEUTRAL_ROLES, ModelRequest
from mockllm.dialects.openai.validators import (
    check_fields,
    check_readable,
    check_required,
    missing_parameter,
    refuse,
    string,
)
from mockllm.dialects.vendors.errors import VendorCall, head

MAX_INPUTS: Final = 2048
"""The most inputs of one request that are classified: a bound of this server."""
CATEGORIES: Final[Mapping[str, str]] = {
    "sexual": r"porn\w*|nude\w*|sexual\w*|erotic\w*",
    "hate_and_discrimination": r"hate (?:all|those|these)|subhumans?|vermin|idiots?|morons?",
    "violence_and_threats": r"kill\w*|murder\w*|stab\w*|shoot\w*|attack\w*|bombs?",
    "dangerous_and_criminal_content": r"bombs?|explosives?|meth|cocaine|counterfeit|steal",
    "selfharm": r"suicid\w*|self-harm|(?:kill|hurt|cut) myself",
    "health": r"diagnos\w*|symptoms?|medication",
    "financial": r"invest\w*|stocks?|loans?",
    "law": r"lawsuits?|sue|lawyers?",
    "pii": r"passport number|social security number|[\w.]{1,64}@[\w.]{1,255}\.\w+",
}
"""The categories in the order of the response, each with the pattern that flags it."""


@cache  # compiling takes milliseconds, which the first request of another call would wait
def _flags() -> Mapping[str, re.Pattern[str]]:
    return {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in CATEGORIES.items()}


TARGET: Final = "label"
LABELS: Final = ("positive", "negative")
"""The only target of a classification, and its labels. Those of a real classifier come from its training."""


def _fraction(name: str, text: str) -> float:
    digest = blake2b(f"{name}|{text}".encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32


class ClassifierRequest(ModelRequest):
    """A request with texts (`input`, in older clients `inputs`); each is a message of the user."""

    api = "moderations"
    evaluates = True

    @property
    def input_value(self) -> Json:
        return self.fields.get("input", self.fields.get("inputs"))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The classified texts, one for each result."""
        input_value = [self.input_value] if type(self.input_value) is str else self.input_value
        entries = input_value[:MAX_INPUTS] if type(input_value) is list else ()
        return tuple(entry for entry in entries if type(entry) is str)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return tuple(Message("user", (TextPart(text),)) for text in self.texts)

    @property
    def planning_takes_long(self) -> bool:
        return are_long(self.texts)


class ConversationClassifierRequest(ClassifierRequest):
    """A request with a conversation, or with several: the last message of each is classified."""

    api = "chat_moderations"

    @cached_property
    def conversations(self) -> tuple[tuple[Message, ...], ...]:
        input_value = (
            self.input_value
            if type(self.input_value) is list
            else [object_of(self.input_value).get("messages")]
        )
        if any(type(entry) is dict and "messages" in entry for entry in input_value):
            input_value = [entry["messages"] for entry in objects(input_value) if "messages" in entry]
        if all(type(entry) is dict for entry in input_value):
            input_value = [input_value]
        turns = (tuple(map(_turn, objects(entry))) for entry in input_value[:MAX_INPUTS])
        return tuple(conversation for conversation in turns if conversation)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(conversation[-1].text for conversation in self.conversations)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        turns = (turn for conversation in self.conversations for turn in conversation)
        return tuple(islice(turns, MAX_INPUTS))


def _turn(entry: dict[str, Json]) -> Message:
    role, content = entry.get("role"), entry.get("content")
    parts = [content] if type(content) is str else [text_of(part.get("text")) for part in objects(content)]
    known: Role = NEUTRAL_ROLES.get(role, "tool") if type(role) is str else "user"
    return Message(known, tuple(TextPart(part) for part in parts if part is not None))


class TextClassificationRequest(ClassifierRequest):
    api = "classifications"


class ConversationClassificationRequest(ConversationClassifierRequest):
    api = "chat_classifications"


def _moderated(text: str) -> dict[str, Json]:
    """Return the result for a text: its number is high where a word flags the category, else small."""
    flags = {name: flag.search(text) is not None for name, flag in _flags().items()}
    scores = {
        name: 0.75 + _fraction(name, text) / 5 if flagged else _fraction(name, text) / 1000
        for name, flagged in flags.items()
    }
    return {"categories": flags, "category_scores": scores}


class MistralModerations(VendorCall, OpenAiCall):
    """POST /v1/moderations."""

    api = "moderations"
    request_class: type[ClassifierRequest] = ClassifierRequest
    model = "mistral-moderation-latest"
    """The model where the request names none."""

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, ClassifierRequest)
        failure = check_readable(request) or check_required(request.fields, "model")
        if failure is not None:
            return failure
        if request.input_value is None:
            return missing_parameter("input")
        if not request.texts:
            return refuse("The input has no text to classify.", "input")
        return check_fields(request.fields, {"model": string})

    result = staticmethod(_moderated)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, ClassifierRequest)
        body = {
            "id": identity.ids.make("mod-" if "moderations" in self.api else "", 32, "id"),
            "model": request.model or self.model,
            "results": [self.result(text) for text in read_texts(request.texts)],
        }
        response_head = head(self.vendor, identity, "application/json")
        return Plan(response_head, (EventStep(dumps(body), 0, "body"),))


class ChatModerations(MistralModerations):
    """POST /v1/chat/moderations: a result for the last message of each conversation."""

    api = "chat_moderations"
    request_class = ConversationClassifierRequest


class Classifications(MistralModerations):
    """POST /v1/classifications."""

    api = "classifications"
    request_class: type[ClassifierRequest] = TextClassificationRequest
    model = "mistral-classifier-latest"

    def result(self, text: str) -> dict[str, Json]:
        share = _fraction(TARGET, text)
        return {TARGET: {"scores": dict(zip(LABELS, (share, 1 - share), strict=True))}}


class ChatClassifications(Classifications):
    """POST /v1/chat/classifications."""

    api = "chat_classifications"
    request_class = ConversationClassificationRequest
