"""What a recorded answer of OpenAI's chat completions says, in neutral words: the way back from the wire.

For the comparison only. What has no neutral word (citations, legacy function calls) comes back as a native
part, which is how a scenario would write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockllm.core.failure import BY_STATUS, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.reply.reply import Call, Choice, Finish, NativePart, Part, Refusal, Reply, Text, Usage
from mockllm.dialects.openai import CHAT
from tests.conformance.shape import Protocol, Recording, events_of

FINISH: dict[str | None, Finish] = {
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
}
NAMED = {"invalid_api_key": "authentication", "model_not_found": "model_not_found"}


def said(recording: Recording) -> Reply | Failure:
    """The reply, or the failure, that a recording holds."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        error = body["error"]
        named = NAMED.get(error["code"], BY_STATUS[status])
        return Failure(named, status, fields={name: error[name] for name in ("param", "code")})
    if isinstance(body, dict):
        choices = tuple(Choice(_whole(choice["message"]), _finish(choice)) for choice in body["choices"])
        return Reply(choices, _usage(body["usage"]))
    chunks = [loads(data) for _, data in events_of(body) if data != "[DONE]"]
    return _streamed([chunk for chunk in chunks if chunk.get("choices") is not None])


def _finish(choice: Mapping[str, Any]) -> Finish:
    return FINISH.get(choice.get("finish_reason"), "stop")


def _usage(counted: Json) -> Usage:
    if not counted:
        return Usage(0, 0)
    return Usage(counted["prompt_tokens"], counted["completion_tokens"])


def _whole(message: dict[str, Any]) -> tuple[Part, ...]:
    parts: list[Part] = []
    if message.get("content") is not None:
        parts.append(Text((message["content"],)))
    if message.get("refusal") is not None:
        parts.append(Refusal((message["refusal"],)))
    for call in message.get("tool_calls", ()):
        spoken = call[call["type"]]
        parts.append(Call(spoken["name"], (spoken.get("arguments", spoken.get("input")),), call["id"]))
    own = {key: message[key] for key in ("annotations", "function_call") if message.get(key)}
    if "function_call" in own:
        own["content"] = None
    return (*parts, NativePart("openai", own)) if own else tuple(parts)


def _streamed(chunks: list[dict[str, Any]]) -> Reply:
    spoken: dict[int, list[tuple[type, str, str, list[str]]]] = {}
    finish: dict[int, Finish] = {}
    counted: Json = None
    for chunk in chunks:
        counted = chunk.get("usage") or counted
        for choice in chunk["choices"]:
            parts = spoken.setdefault(choice["index"], [])
            _hear(choice["delta"], parts)
            if choice["finish_reason"] is not None:
                finish[choice["index"]] = _finish(choice)
    choices = tuple(
        Choice(tuple(_part(*part) for part in parts), finish[number])
        for number, parts in sorted(spoken.items())
    )
    moderated = [{"moderation": chunk["moderation"]} for chunk in chunks if "moderation" in chunk]
    return Reply(choices, _usage(counted), extras={"openai": moderated[0]} if moderated else {})


def _hear(delta: dict[str, Any], parts: list[tuple[type, str, str, list[str]]]) -> None:
    """Adds what a delta says; the empty texts of a first chunk say nothing."""
    for key, made in (("content", Text), ("refusal", Refusal)):
        text = delta.get(key)
        if text is not None and not ("role" in delta and text == ""):
            if not parts or parts[-1][0] is not made:
                parts.append((made, "", "", []))
            parts[-1][3].append(text)
    for call in delta.get("tool_calls", ()):
        if call.get("id"):
            parts.append((Call, call["function"]["name"], call["id"], []))
        arguments = call["function"].get("arguments")
        if arguments:
            parts[-1][3].append(arguments)


def _part(kind: type, name: str, id: str, pieces: list[str]) -> Part:
    if kind is Call:
        return Call(name, tuple(pieces), id)
    return Refusal(tuple(pieces)) if kind is Refusal else Text(tuple(pieces))


def kind(name: str, payload: Json) -> str:
    """A chunk by what it is there for."""
    if not isinstance(payload, dict):
        return "done"
    if "error" in payload or not payload["choices"]:
        return "error" if "error" in payload else "usage" if payload.get("usage") else "other"
    choice = payload["choices"][0]
    delta = choice["delta"]
    if choice["finish_reason"] is not None:
        return "finish"
    if "role" in delta:
        return "role and call" if "tool_calls" in delta else "role"
    if "tool_calls" in delta:
        return "call" if delta["tool_calls"][0].get("id") else "arguments"
    return "refusal" if "refusal" in delta else "content"


def lane(payload: Json) -> str | None:
    """The number of the choice."""
    choices = payload.get("choices") if isinstance(payload, dict) else None
    return str(choices[0]["index"]) if choices else None


def asked(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """The settings that change an answer's form."""
    kept = ("model", "stream", "stream_options", "service_tier", "n", "logprobs")
    made = {name: body[name] for name in kept if name in body}
    if body.get("tools"):
        made["tools"] = [{"type": tool["type"], tool["type"]: {"name": "x"}} for tool in body["tools"]]
    choice = body.get("tool_choice")
    if choice is not None:
        named = isinstance(choice, dict) and "function" in choice
        made["tool_choice"] = {"type": "function", "function": {"name": "x"}} if named else choice
    return made


PROTOCOL = Protocol(
    folder="openai-chat",
    dialect=CHAT,
    path="/v1/chat/completions",
    said=said,
    kind=kind,
    lane=lane,
    asked=asked,
    noise=frozenset(
        {
            "access-control-allow-origin",
            "access-control-expose-headers",
            "alt-svc",
            "cache-control",
            "cf-cache-status",
            "cf-ray",
            "connection",
            "content-encoding",
            "content-length",
            "date",
            "openai-model",
            "server",
            "strict-transport-security",
            "transfer-encoding",
            "x-content-type-options",
            "x-envoy-upstream-service-time",
            "x-openai-proxy-wasm",
        }
    ),
)
