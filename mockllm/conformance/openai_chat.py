"""Decodes recorded responses of OpenAI's chat completions into replies.

Only the comparison uses it. Content without a neutral form (citations, legacy function calls) becomes a
native part, as in a scenario.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.conformance.shape import SERVER_HEADERS, Protocol, Recording, events_of
from mockllm.core.failure import BY_STATUS, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.reply.reply import Choice, Finish, NativePart, Part, Refusal, Reply, Text, ToolCall, Usage
from mockllm.dialects.openai.chat.dialect import CHAT

FINISH: dict[str | None, Finish] = {
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
}
ERROR_NAMES = {"invalid_api_key": "authentication", "model_not_found": "model_not_found"}


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return failure(status, body["error"])
    if isinstance(body, dict):
        choices = tuple(
            Choice(_message_parts(choice["message"]), finish_of(choice)) for choice in body["choices"]
        )
        return Reply(choices, _usage(body["usage"]))
    chunks = [loads(data) for _, data in events_of(body) if data != "[DONE]"]
    return _from_stream([chunk for chunk in chunks if chunk.get("choices") is not None])


def failure(status: int, error: dict[str, Json]) -> Failure:
    """Return the failure of a recorded error of OpenAI."""
    named = ERROR_NAMES.get(error["code"], BY_STATUS[status])
    return Failure(named, status, fields={name: error[name] for name in ("param", "code")})


def finish_of(choice: Mapping[str, Json]) -> Finish:
    return FINISH.get(choice.get("finish_reason"), "stop")


def _usage(counted: Json) -> Usage:
    if not counted:
        return Usage(0, 0)
    return Usage(counted["prompt_tokens"], counted["completion_tokens"])


def _message_parts(message: dict[str, Json]) -> tuple[Part, ...]:
    parts: list[Part] = []
    if message.get("content") is not None:
        parts.append(Text((message["content"],)))
    if message.get("refusal") is not None:
        parts.append(Refusal((message["refusal"],)))
    for call in message.get("tool_calls", ()):
        body = call[call["type"]]
        parts.append(ToolCall(body["name"], (body.get("arguments", body.get("input")),), call["id"]))
    own = {key: message[key] for key in ("annotations", "function_call") if message.get(key)}
    if "function_call" in own:
        own["content"] = None
    return (*parts, NativePart("openai", own)) if own else tuple(parts)


def _from_stream(chunks: list[dict[str, Json]]) -> Reply:
    choice_parts: dict[int, list[tuple[type, str, str, list[str]]]] = {}
    finish: dict[int, Finish] = {}
    counted: Json = None
    for chunk in chunks:
        counted = chunk.get("usage") or counted
        for choice in chunk["choices"]:
            parts = choice_parts.setdefault(choice["index"], [])
            _add_delta(choice["delta"], parts)
            if choice["finish_reason"] is not None:
                finish[choice["index"]] = finish_of(choice)
    choices = tuple(
        Choice(tuple(_part(*part) for part in parts), finish[number])
        for number, parts in sorted(choice_parts.items())
    )
    moderated = [{"moderation": chunk["moderation"]} for chunk in chunks if "moderation" in chunk]
    return Reply(choices, _usage(counted), extras={"openai": moderated[0]} if moderated else {})


def _add_delta(delta: dict[str, Json], parts: list[tuple[type, str, str, list[str]]]) -> None:
    """Add the content of a delta; the empty texts of a first chunk add nothing."""
    for key, part_type in (("content", Text), ("refusal", Refusal)):
        text = delta.get(key)
        if text is not None and not ("role" in delta and text == ""):
            if not parts or parts[-1][0] is not part_type:
                parts.append((part_type, "", "", []))
            parts[-1][3].append(text)
    for call in delta.get("tool_calls", ()):
        if call.get("id"):
            parts.append((ToolCall, call["function"]["name"], call["id"], []))
        arguments = call["function"].get("arguments")
        if arguments:
            parts[-1][3].append(arguments)


def _part(kind: type, name: str, id: str, chunks: list[str]) -> Part:
    if kind is ToolCall:
        return ToolCall(name, tuple(chunks), id)
    return Refusal(tuple(chunks)) if kind is Refusal else Text(tuple(chunks))


def kind(name: str, payload: Json) -> str:
    """Return the purpose of a chunk."""
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


def choice_key(payload: Json) -> str | None:
    """Return the number of the choice."""
    choices = payload.get("choices") if isinstance(payload, dict) else None
    return str(choices[0]["index"]) if choices else None


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the settings that change a response's form."""
    names = ("model", "stream", "stream_options", "service_tier", "n", "logprobs", "top_logprobs")
    result = {name: body[name] for name in names if name in body}
    if body.get("tools"):
        result["tools"] = [{"type": tool["type"], tool["type"]: {"name": "x"}} for tool in body["tools"]]
    choice = body.get("tool_choice")
    if choice is not None:
        named = isinstance(choice, dict) and "function" in choice
        result["tool_choice"] = {"type": "function", "function": {"name": "x"}} if named else choice
    return result


PROTOCOL = Protocol(
    folder="openai-chat",
    dialect=CHAT,
    path="/v1/chat/completions",
    decode=decode,
    kind=kind,
    choice_key=choice_key,
    settings=settings,
    known_extras=frozenset({"moderation"}),
    noise=SERVER_HEADERS.union(
        {
            "access-control-allow-origin",
            "access-control-expose-headers",
            "cache-control",
            "openai-model",
            "x-content-type-options",
            "x-openai-proxy-wasm",
        }
    ),
)
