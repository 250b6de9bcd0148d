"""What a recorded answer of Google's generateContent says, in neutral words: the way back from the wire.

For the comparison only, of four folders: Gemini's API and Vertex AI, whole and streamed. What has no neutral
word (code, its results) comes back as a native part; what stands beside the parts (grounding, further counts)
as extras, which is how a scenario would write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.reply.reply import Call, Choice, Finish, NativePart, Part, Reply, Text, Thinking, Usage
from mockllm.dialects.gemini import GENERATE, VERTEX
from tests.conformance.shape import Protocol, Recording, events_of

FINISH: dict[Json, Finish] = {
    "MAX_TOKENS": "length",
    2: "length",
    "SAFETY": "content_filter",
    "MODEL_ARMOR": "content_filter",
}
OURS = {"content", "finishReason", "index", "avgLogprobs", "finishMessage"}
"""The members of a candidate that a reply makes by itself."""
OF_ALL = {"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"}
"""The members of an answer that a reply makes by itself."""
COUNTS = {"toolUsePromptTokenCount", "toolUsePromptTokensDetails"}
"""The counts of usage that a reply does not have."""


def said(recording: Recording) -> Reply | Failure:
    """The reply, or the failure, that a recording holds."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return _failure(status, body["error"])
    if isinstance(body, dict):
        return _reply([body])
    return _reply(body if isinstance(body, list) else [loads(data) for _, data in events_of(body)])


def _failure(status: int, error: Mapping[str, Any]) -> Failure:
    reasons = {detail.get("reason") for detail in error.get("details", ())}
    if "API_KEY_INVALID" in reasons:
        return Failure("authentication")
    if status == 404:
        return Failure("model_not_found")
    if status == 429 and not error.get("details"):
        return Failure("overloaded", status)
    return Failure.of_status(status)


def _reply(chunks: list[dict[str, Any]]) -> Reply:
    said: dict[int, list[dict[str, Any]]] = {}
    for chunk in chunks:
        for candidate in chunk.get("candidates", ()):
            said.setdefault(candidate.get("index", 0), []).append(candidate)
    made = [_choice(said[number], streamed=len(chunks) > 1) for number in sorted(said)]
    counted: dict[str, Any] = next(
        (chunk["usageMetadata"] for chunk in reversed(chunks) if "usageMetadata" in chunk), {}
    )
    extras: dict[str, Any] = {key: chunk[key] for chunk in chunks for key in chunk.keys() - OF_ALL}
    if any(own for _, own in made):
        extras["candidates"] = [own for _, own in made]
    if more := {key: counted[key] for key in sorted(counted.keys() & COUNTS)}:
        extras["usageMetadata"] = more
    thoughts = counted.get("thoughtsTokenCount", 0)
    usage = Usage(
        counted.get("promptTokenCount", 0),
        counted.get("candidatesTokenCount", 0) + thoughts,
        counted.get("cachedContentTokenCount", 0),
        0,
        thoughts,
    )
    return Reply(tuple(choice for choice, _ in made), usage, extras={"gemini": extras} if extras else {})


def _choice(said: list[dict[str, Any]], *, streamed: bool) -> tuple[Choice, dict[str, Any]]:
    """A choice out of its candidates, and what else stands in the last of them."""
    spoken: list[tuple[type, Any, list[str]]] = []
    for candidate in said:
        for part in candidate.get("content", {}).get("parts", ()):
            _hear(part, spoken, ending=streamed and "finishReason" in candidate)
    last = said[-1]
    own = {key: value for key, value in last.items() if key not in OURS}
    if "finishMessage" in last and last.get("finishReason") != "STOP":
        own["finishMessage"] = last["finishMessage"]
    if spoken and len(said) > 1 and "parts" not in last.get("content", {"parts": []}):
        spoken[-1][2].append("")  # the end of a text that says nothing, not even that
        own["content"] = last["content"]
    parts = tuple(_part(*each) for each in spoken)
    return Choice(parts, FINISH.get(last.get("finishReason"), "stop")), own


def _hear(part: dict[str, Any], spoken: list[tuple[type, Any, list[str]]], *, ending: bool) -> None:
    """Adds what a part says; the empty text of a last chunk says nothing."""
    if "functionCall" in part:
        call = part["functionCall"]
        spoken.append((Call, call["name"], [dumps(call["args"]).decode()]))
    elif "text" not in part:
        spoken.append((NativePart, part, []))
    elif part["text"] or not ending:
        kind = Thinking if part.get("thought") else Text
        if not spoken or spoken[-1][0] is not kind:
            spoken.append((kind, None, []))
        spoken[-1][2].append(part["text"])


def _part(kind: type, what: Any, pieces: list[str]) -> Part:
    if kind is NativePart:
        return NativePart("gemini", what)
    if kind is Call:
        return Call(what, tuple(pieces))
    return Thinking(tuple(pieces)) if kind is Thinking else Text(tuple(pieces))


def kind(name: str, payload: Json) -> str:
    """A chunk by what it is there for."""
    if "error" in payload:
        return "error"
    for candidate in payload.get("candidates", ()):
        if "finishReason" in candidate:
            return "finish"
        for part in candidate.get("content", {}).get("parts", ()):
            if "text" in part:
                return "thought" if part.get("thought") else "text"
            return str(next(key for key in part if key != "thoughtSignature"))
    return "other"


def lane(payload: Json) -> str | None:
    """The number of the candidate."""
    candidates = payload.get("candidates")
    return str(candidates[0].get("index", 0)) if candidates else None


def asked(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Nothing in a body changes the form of what is said."""
    return {}


def protocol(folder: str) -> Protocol:
    return Protocol(
        folder=folder,
        dialect=GENERATE if folder.startswith("gemini") else VERTEX,
        path=None,
        said=said,
        kind=kind,
        lane=lane,
        asked=asked,
        sent={"x-goog-api-key": "x"},
        opaque=frozenset({"$.candidates[].content.parts[].functionCall.args"}),
        noise=frozenset(
            {
                "alt-svc",
                "content-encoding",
                "content-length",
                "date",
                "server",
                "server-timing",
                "transfer-encoding",
                "vary",
                "x-content-type-options",
                "x-frame-options",
                "x-xss-protection",
            }
        ),
    )


PROTOCOLS = (
    protocol("gemini-generateContent"),
    protocol("gemini-streamGenerateContent"),
    protocol("vertex-generateContent"),
    protocol("vertex-streamGenerateContent"),
)
