"""Decodes recorded responses of Google's generateContent into replies.

Only the comparison uses it, for four folders: Gemini's API and Vertex AI, non-streaming and streaming. Parts
without a neutral form (code, its results) become native parts. Members beside the parts (grounding, further
counts) become extras, as in a scenario.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.conformance.shape import Protocol, Recording, events_of
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.reply.reply import Choice, Finish, NativePart, Part, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.gemini.generate import GENERATE, VERTEX_GENERATE

FINISH: dict[Json, Finish] = {
    "MAX_TOKENS": "length",
    2: "length",
    "SAFETY": "content_filter",
    "MODEL_ARMOR": "content_filter",
}
CANDIDATE_MEMBERS = {"content", "finishReason", "index", "avgLogprobs", "logprobsResult", "finishMessage"}
"""The members of a candidate that a reply produces."""
RESPONSE_MEMBERS = {"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"}
"""The members of a response that a reply produces."""
COUNTS = {"toolUsePromptTokenCount", "toolUsePromptTokensDetails"}
"""The counts of usage that a reply does not have."""

KNOWN_EXTRAS = frozenset(
    {
        "candidates.citationMetadata",
        "candidates.content",
        "candidates.finishMessage",
        "candidates.groundingMetadata",
        "candidates.safetyRatings",
        "candidates.urlContextMetadata",
        "promptFeedback",
        *(f"usageMetadata.{name}" for name in COUNTS),
    }
)
"""The fields that a tool, a setting or a block adds to a response."""


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return _failure(status, body["error"])
    if isinstance(body, dict):
        return _reply([body])
    return _reply(body if isinstance(body, list) else [loads(data) for _, data in events_of(body)])


def _failure(status: int, error: Mapping[str, Json]) -> Failure:
    reasons = {detail.get("reason") for detail in error.get("details", ())}
    if "API_KEY_INVALID" in reasons:
        return Failure("authentication")
    if status == 404:
        return Failure("model_not_found")
    if status == 429 and not error.get("details"):
        return Failure("overloaded", status)
    return Failure.of_status(status)


def _reply(chunks: list[dict[str, Json]]) -> Reply:
    candidates: dict[int, list[dict[str, Json]]] = {}
    for chunk in chunks:
        for candidate in chunk.get("candidates", ()):
            candidates.setdefault(candidate.get("index", 0), []).append(candidate)
    choices = [_choice(candidates[number], streamed=len(chunks) > 1) for number in sorted(candidates)]
    counted: dict[str, Json] = next(
        (chunk["usageMetadata"] for chunk in reversed(chunks) if "usageMetadata" in chunk), {}
    )
    extras: dict[str, Json] = {key: chunk[key] for chunk in chunks for key in chunk.keys() - RESPONSE_MEMBERS}
    if any(own for _, own in choices):
        extras["candidates"] = [own for _, own in choices]
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
    return Reply(tuple(choice for choice, _ in choices), usage, extras={"gemini": extras} if extras else {})


def _choice(candidates: list[dict[str, Json]], *, streamed: bool) -> tuple[Choice, dict[str, Json]]:
    """Return a choice of its candidates, and all further members of the last one."""
    open_parts: list[tuple[type, Json, list[str]]] = []
    for candidate in candidates:
        for part in candidate.get("content", {}).get("parts", ()):
            _add_part(part, open_parts, ending=streamed and "finishReason" in candidate)
    last = candidates[-1]
    own = {key: value for key, value in last.items() if key not in CANDIDATE_MEMBERS}
    if "finishMessage" in last and last.get("finishReason") != "STOP":
        own["finishMessage"] = last["finishMessage"]
    if open_parts and len(candidates) > 1 and "parts" not in last.get("content", {"parts": []}):
        open_parts[-1][2].append("")  # the last chunk of a text without any parts
        own["content"] = last["content"]
    parts = tuple(_part(*item) for item in open_parts)
    return Choice(parts, FINISH.get(last.get("finishReason"), "stop")), own


def _add_part(part: dict[str, Json], open_parts: list[tuple[type, Json, list[str]]], *, ending: bool) -> None:
    """Add the content of a part; the empty text of a last chunk adds nothing."""
    if "functionCall" in part:
        call = part["functionCall"]
        open_parts.append((ToolCall, call["name"], [dumps(call["args"]).decode()]))
    elif "text" not in part:
        open_parts.append((NativePart, part, []))
    elif part["text"] or not ending:
        kind = Thinking if part.get("thought") else Text
        if not open_parts or open_parts[-1][0] is not kind:
            open_parts.append((kind, None, []))
        open_parts[-1][2].append(part["text"])


def _part(kind: type, value: Json, chunks: list[str]) -> Part:
    if kind is NativePart:
        return NativePart("gemini", value)
    if kind is ToolCall:
        return ToolCall(value, tuple(chunks))
    return Thinking(tuple(chunks)) if kind is Thinking else Text(tuple(chunks))


def kind(name: str, payload: Json) -> str:
    """Return the purpose of a chunk."""
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


def choice_key(payload: Json) -> str | None:
    """Return the number of the candidate."""
    candidates = payload.get("candidates")
    return str(candidates[0].get("index", 0)) if candidates else None


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the settings that change a response's form: whether it has probabilities."""
    config = body.get("generationConfig")
    fields = config if isinstance(config, dict) else {}
    requested = {name: fields[name] for name in ("responseLogprobs", "logprobs") if name in fields}
    return {"generationConfig": requested} if requested else {}


def protocol(folder: str) -> Protocol:
    return Protocol(
        folder=folder,
        dialect=GENERATE if folder.startswith("gemini") else VERTEX_GENERATE,
        path=None,
        decode=decode,
        kind=kind,
        choice_key=choice_key,
        settings=settings,
        sent={"x-goog-api-key": "x"},
        known_extras=KNOWN_EXTRAS,
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
