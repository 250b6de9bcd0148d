"""Decodes recorded responses of Amazon Bedrock's Converse into replies.

Only the comparison uses it, for two folders: non-streaming and streaming responses. Blocks with citations become
native parts. Members beside the message (the trace of a guardrail) become extras, as in a scenario.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.conformance.shape import Protocol, Recording, body_of
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.reply.reply import Choice, Finish, NativePart, Part, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.bedrock.provider import CONVERSE

FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
}
RESPONSE_MEMBERS = {"metrics", "output", "stopReason", "usage"}
"""The members of a response that a reply produces."""


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    response = recording["response"]
    body = body_of(response)
    if response["status"] != 200:
        return Failure("authentication") if response["status"] == 403 else Failure("bad_request")
    if isinstance(body, dict):
        blocks = [_part(block, None) for block in body["output"]["message"]["content"]]
        return _reply(blocks, body["stopReason"], body["usage"], _extras(body))
    return _streamed(body)


def _reply(parts: list[Part], reason: str, counted: Mapping[str, int], extras: dict[str, Json]) -> Reply:
    read, written = (counted.get(f"cache{name}InputTokens", 0) for name in ("Read", "Write"))
    usage = Usage(counted["inputTokens"] + read + written, counted["outputTokens"], read, written)
    own = {"bedrock": extras} if extras else {}
    return Reply((Choice(tuple(parts), FINISH[reason]),), usage, extras=own)


def _extras(body: Mapping[str, Json]) -> dict[str, Json]:
    return {name: body[name] for name in sorted(body.keys() - RESPONSE_MEMBERS)}


def _part(block: dict[str, Json], chunks: list[str] | None) -> Part:
    """Return the part of a block; `chunks` are those of a stream."""
    match block:
        case {"text": text}:
            return Text(tuple(chunks or [text]))
        case {"toolUse": call}:
            arguments = [dumps(call["input"]).decode()] if chunks is None else chunks
            return ToolCall(call["name"], tuple(arguments), call["toolUseId"])
        case {"reasoningContent": {"reasoningText": thinking}}:
            return Thinking(tuple(chunks or [thinking["text"]]), thinking.get("signature"))
        case {"reasoningContent": {"redactedContent": redacted}}:
            return Thinking((), redacted, redacted=True)
    return NativePart("bedrock", block)


def _streamed(events: list[dict[str, Json]]) -> Reply:
    """Return the reply of a stream's events."""
    opened: dict[int, dict[str, Json]] = {}
    chunks: dict[int, list[str]] = {}
    for event in events:
        index = event.get("contentBlockIndex", 0)
        if "start" in event:
            opened[index] = event["start"]
        for delta in [event["delta"]] if "delta" in event else []:
            if "reasoningContent" in delta:
                _add_reasoning(delta["reasoningContent"], opened.setdefault(index, {}), chunks, index)
                continue
            text = delta["text"] if "text" in delta else delta["toolUse"]["input"]
            opened.setdefault(index, delta)
            chunks.setdefault(index, []).append(text)
    (reason,) = (event["stopReason"] for event in events if "stopReason" in event)
    (metadata,) = (event for event in events if "metrics" in event)
    parts = [_part(opened[index], chunks.get(index, [])) for index in sorted(opened)]
    extras = {name: metadata[name] for name in metadata.keys() - RESPONSE_MEMBERS - {"p"}}
    return _reply(parts, reason, metadata["usage"], extras)


def _add_reasoning(
    delta: Mapping[str, Json], block: dict[str, Json], chunks: dict[int, list[str]], index: int
) -> None:
    """Add a delta to a block of reasoning: a text, the signature at its end, or a redacted content."""
    if "redactedContent" in delta:
        block["reasoningContent"] = delta
        return
    thinking = block.setdefault("reasoningContent", {"reasoningText": {}})["reasoningText"]
    if "text" in delta:
        chunks.setdefault(index, []).append(delta["text"])
    else:
        thinking["signature"] = delta["signature"]


def kind(name: str, payload: Json) -> str:
    """Return the name of an event, which only its frame has: here a member that no other event has."""
    members = ("role", "start", "delta", "stopReason", "metrics")
    return next((member for member in members if member in payload), "contentBlockStop")


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """No setting of a body changes a response's form."""
    return {}


NOISE = frozenset({"connection", "content-length", "date", "transfer-encoding", "via"})
OPAQUE = frozenset({"$.output.message.content[].toolUse.input", "$.trace"})
PROTOCOLS = tuple(
    Protocol(
        folder=folder,
        dialect=CONVERSE,
        path=None,
        decode=decode,
        kind=kind,
        settings=settings,
        opaque=OPAQUE,
        known_extras=frozenset({"trace"}),
        noise=NOISE,
    )
    for folder in ("bedrock-converse", "bedrock-converse-stream")
)
