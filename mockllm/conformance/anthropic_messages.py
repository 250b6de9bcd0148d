"""Decodes recorded responses of Anthropic's messages into replies.

Only the comparison uses it: the decoded reply is encoded again, and both must have the same shape. Content
that only this provider has (server tools, citations) becomes native parts and extras, as in a scenario.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.conformance.shape import SERVER_HEADERS, Protocol, Recording, events_of
from mockllm.core.failure import BY_STATUS, Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.reply.reply import Choice, Finish, NativePart, Part, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.anthropic.messages import MESSAGES

FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "paused",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return Failure(BY_STATUS[status], status)
    if isinstance(body, dict):
        return _from_body(body)
    return _from_stream([(name, loads(data)) for name, data in events_of(body)])


def _from_body(body: dict[str, Json]) -> Reply:
    parts = tuple(_part(block, _block_chunks(block)) for block in body["content"])
    extras: dict[str, Json] = {key: body[key] for key in ("container", "context_management") if key in body}
    return _reply(body, parts, body, body["usage"], extras)


def _from_stream(events: list[tuple[str, dict[str, Json]]]) -> Reply:
    blocks: dict[int, tuple[dict[str, Json], list[str]]] = {}
    message: dict[str, Json] = {}
    last: dict[str, Json] = {}
    for name, data in events:
        match name:
            case "message_start":
                message = data["message"]
            case "content_block_start":
                blocks[data["index"]] = (dict(data["content_block"]), [])
            case "content_block_delta":
                _add_delta(data["delta"], *blocks[data["index"]])
            case "message_delta":
                last = data
    parts = tuple(_part(*blocks[index]) for index in sorted(blocks))
    extras = {key: last[key] for key in ("context_management",) if key in last}
    if "container" in last["delta"]:
        extras["container"] = last["delta"]["container"]
    return _reply(message, parts, last["delta"], {**message["usage"], **last["usage"]}, extras)


def _add_delta(delta: dict[str, Json], block: dict[str, Json], chunks: list[str]) -> None:
    match delta["type"]:
        case "text_delta":
            chunks.append(delta["text"])
        case "thinking_delta":
            chunks.append(delta["thinking"])
        case "input_json_delta":
            chunks.append(delta["partial_json"])
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "citations_delta":
            block.setdefault("citations", []).append(delta["citation"])


def _block_chunks(block: dict[str, Json]) -> list[str]:
    """Return the content of a complete block, as one chunk."""
    match block["type"]:
        case "text":
            return [block["text"]]
        case "thinking":
            return [block["thinking"]] if block["thinking"] else []
        case "tool_use" | "server_tool_use":
            return [dumps(block["input"]).decode()]
    return []


def _part(block: dict[str, Json], chunks: list[str]) -> Part:
    match block["type"]:
        case "text" if not block.get("citations"):
            return Text(tuple(chunks))
        case "text":
            return NativePart("anthropic", {**block, "text": "".join(chunks)})
        case "thinking":
            return Thinking(tuple(chunks), block["signature"])
        case "tool_use":
            return ToolCall(block["name"], tuple(chunk for chunk in chunks if chunk), block["id"])
        case "server_tool_use":
            return NativePart("anthropic", {**block, "input": loads("".join(chunks) or "{}")})
    return NativePart("anthropic", block)


def _reply(
    message: dict[str, Json],
    parts: tuple[Part, ...],
    ending: dict[str, Json],
    counted: dict[str, Json],
    extras: dict[str, Json],
) -> Reply:
    read = counted.get("cache_read_input_tokens") or 0
    written = counted.get("cache_creation_input_tokens") or 0
    thought = (counted.get("output_tokens_details") or {}).get("thinking_tokens", 0)
    if "iterations" in counted:
        extras["usage"] = {"iterations": counted["iterations"]}
    choice = Choice(parts, FINISH[ending["stop_reason"]], ending["stop_sequence"])
    usage = Usage(counted["input_tokens"] + read + written, counted["output_tokens"], read, written, thought)
    return Reply((choice,), usage, message["model"], extras={"anthropic": extras} if extras else {})


def kind(name: str, payload: Json) -> str:
    """Return an event's name, a delta's type."""
    return str(payload["delta"]["type"]) if name == "content_block_delta" else name


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the settings that change a response's form."""
    return {name: body[name] for name in ("model", "stream", "thinking") if name in body}


PROTOCOL = Protocol(
    folder="anthropic-messages",
    dialect=MESSAGES,
    path="/v1/messages",
    decode=decode,
    kind=kind,
    settings=settings,
    untimed=frozenset({"ping"}),
    opaque=frozenset({"$.content[].input", "$.content_block.input"}),
    known_extras=frozenset({"container", "context_management", "usage.iterations"}),
    noise=SERVER_HEADERS.union(
        {
            "anthropic-workspace-id",
            "content-security-policy",
            "retry-after",
            "server-timing",
            "traceresponse",
            "vary",
            "via",
            "x-cloud-trace-context",
            "x-robots-tag",
        }
    ),
)
