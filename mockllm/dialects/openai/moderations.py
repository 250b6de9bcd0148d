"""POST /v1/moderations: what is flagged is what a table of words says, so that a test can choose it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, pretty
from mockllm.core.lazy import lazy
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import MediaPart, Message, Part, Request, TextPart
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.check import check_readable
from mockllm.dialects.openai.errors import error_plan
from mockllm.dialects.openai.headers import PLAIN_HEAD, head
from mockllm.dialects.openai.request_helpers import object_of, text_of
from mockllm.dialects.openai.validators import length, missing, string, wrong_type

DEFAULT_MODEL: Final = "omni-moderation-latest"
SNAPSHOTS: Final = {
    "text-moderation-latest": "text-moderation-007",
    "text-moderation-stable": "text-moderation-007",
}
MOST: Final = 2048
"""How many inputs one request may have: as many as may be embedded at once."""
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
"""The categories in the order in which they are told, each with what flags it."""
_FLAGS: Final = {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in CATEGORIES.items()}
OF_IMAGES: Final = frozenset(
    {"sexual", "self-harm/intent", "self-harm/instructions", "self-harm", "violence", "violence/graphic"}
)
"""The categories in which an image is looked at."""
NOT_OF_TEXT: Final = frozenset({"illicit", "illicit/violent"})
"""Categories that the models of text alone do not have."""


class ModerationsRequest(Request):
    """What is to be judged, as messages of the user: one for each result."""

    dialect = "openai"
    api = "moderations"

    @lazy
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @lazy
    def messages(self) -> tuple[Message, ...]:
        """Texts are judged one by one; the parts of a mixed input together."""
        given = self.fields.get("input")
        if type(given) is str:
            return (Message("user", (TextPart(given),)),)
        if type(given) is not list:
            return ()
        given = given[:MOST]
        parts = tuple(part for each in given if (part := _part(each)) is not None)
        if any(type(each) is dict for each in given):
            return (Message("user", parts),) if parts else ()
        return tuple(Message("user", (part,)) for part in parts)


def _part(entry: Json) -> Part | None:
    if type(entry) is str:
        return TextPart(entry)
    said = object_of(entry)
    if type(said.get("text")) is str:
        return TextPart(said["text"])
    return MediaPart("image") if said.get("type") == "image_url" else None


def check(request: Request) -> Failure | None:
    """The first thing that is wrong with the body."""
    wrong = check_readable(request)
    if wrong is not None:
        return wrong
    body = request.fields
    given = body.get("input")
    if given is None:
        return missing("input")
    if type(given) not in (str, list):
        return wrong_type(given, "input", "one of a string or array")
    wrong = length(given, "input", 0, MOST) if type(given) is list else None
    if wrong is not None:
        return wrong
    for number, each in enumerate(given if type(given) is list else ()):
        if _part(each) is None:
            return wrong_type(
                each, f"input[{number}]", "one of a string or a part of type 'text' or 'image_url'"
            )
    return string(body["model"], "model") if body.get("model") is not None else None


def judged(message: Message, *, text_only: bool) -> dict[str, Json]:
    """The result for one message. Where a word flags it a score is high; else it is small, and its own."""
    image = any(type(part) is MediaPart for part in message.parts)
    written = any(type(part) is TextPart for part in message.parts)
    categories: dict[str, Json] = {}
    scores: dict[str, Json] = {}
    looked: dict[str, Json] = {}
    for name, flag in _FLAGS.items():
        if text_only and name in NOT_OF_TEXT:
            continue
        flagged = flag.search(message.text) is not None
        digest = blake2b(f"{name}|{message.text}".encode("utf-8", "surrogatepass"), digest_size=4).digest()
        grain = int.from_bytes(digest, "big") / 2**32
        categories[name] = flagged
        scores[name] = 0.75 + grain / 5 if flagged else grain / 1000
        looked[name] = ["text"] * written + ["image"] * (image and name in OF_IMAGES)
    made = {"flagged": any(categories.values()), "categories": categories, "category_scores": scores}
    return made if text_only else {**made, "category_applied_input_types": looked}


class Moderations:
    """A result for each text, or for all the parts of a mixed input."""

    name = "openai"
    api = "moderations"
    generates = False
    request = ModerationsRequest

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        model = request.model or DEFAULT_MODEL
        text_only = model.startswith("text-moderation")
        body = {
            "id": stamp.ids.make("modr-", 4, alphabet=DIGITS),
            "model": SNAPSHOTS.get(model, model),
            "results": [judged(message, text_only=text_only) for message in request.messages],
        }
        return Plan(head(200, PLAIN_HEAD, stamp), (EventStep(pretty(body) + b"\n", 0, "body"),))
