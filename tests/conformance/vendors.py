"""What a recorded answer of a vendor that speaks OpenAI's protocol says, in neutral words. For the comparison
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mockllm.core.failure import BY_STATUS, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.reply.reply import Call, Choice, Finish, Part, Reply, Text, Thinking, Usage
from mockllm.dialects.registry import generating_dialect
from tests.conformance import openai_responses
from tests.conformance.openai_chat import asked, lane
from tests.conformance.shape import Protocol, Recording, events_of

FINISH: dict[str | None, Finish] = {
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
}
THOUGHTS = ("reasoning_content", "reasoning")


def said(recording: Recording) -> Reply | Failure:
    """The reply, or the failure, that a recording holds."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return refused(status, body)
    if isinstance(body, dict):
        choices = tuple(Choice(_whole(choice["message"]), _finish(choice)) for choice in body["choices"])
        return Reply(choices, _usage(body["usage"]))
    chunks = [loads(data) for _, data in events_of(body) if data.startswith("{")]
    asked = (recording["request"]["body"] or {}).get("model")
    answered = next((chunk["model"] for chunk in chunks if chunk.get("model")), asked)
    return replace(_streamed(chunks), model=None if answered == asked else answered)


def refused(status: int, body: Mapping[str, Any]) -> Failure:
    """The failure by its status; xAI has one status for keys and for all else."""
    key = isinstance(body.get("error"), str) and "API key" in body["error"]
    return Failure("authentication" if key else BY_STATUS[status], status)


def _finish(choice: Mapping[str, Any]) -> Finish:
    return FINISH.get(choice.get("finish_reason"), "stop")


def _usage(counted: Json) -> Usage:
    if not counted:
        return Usage(0, 0)
    cached = (counted.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    reasoning = (counted.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    return Usage(
        counted["prompt_tokens"], counted["completion_tokens"], cached_read=cached, reasoning=reasoning
    )


def _thought(said: Mapping[str, Any]) -> str:
    return next((said[name] for name in THOUGHTS if said.get(name)), "")


def _whole(message: dict[str, Any]) -> tuple[Part, ...]:
    parts: list[Part] = []
    if _thought(message):
        parts.append(Thinking((_thought(message),)))
    if message.get("content"):
        parts.append(Text((message["content"],)))
    calls = [(call["function"], call["id"]) for call in message.get("tool_calls") or ()]
    return (*parts, *(Call(said["name"], (said["arguments"],), id) for said, id in calls))


def _streamed(chunks: list[dict[str, Any]]) -> Reply:
    parts: list[tuple[type, str, list[str]]] = []
    finish: Finish | None = None
    counted: Json = None
    broken: Failure | None = None
    for chunk in chunks:
        counted = chunk.get("usage") or counted
        if "error" in chunk:
            own = {name: value for name, value in chunk["error"].items() if name not in ("message", "type")}
            broken = Failure("bad_request", fields=own)
        for choice in chunk.get("choices", ()):
            _hear(choice["delta"], parts, ended=bool(choice.get("finish_reason")))
            finish = _finish(choice) if choice.get("finish_reason") else finish
    made = tuple(_part(*part) for part in parts)
    unfinished = finish is None and broken is None
    return Reply((Choice(made, finish or "stop"),), _usage(counted), broken=broken, unfinished=unfinished)


def _hear(delta: dict[str, Any], parts: list[tuple[type, str, list[str]]], *, ended: bool) -> None:
    """Adds what a delta says; the empty texts beside other members say nothing."""
    text = str(delta.get("content") or "")
    alone = delta == {"content": ""} and not ended
    for made, piece in ((Thinking, _thought(delta)), (Text, text)):
        if piece or (made is Text and alone):
            if not parts or parts[-1][0] is not made:
                parts.append((made, "", []))
            parts[-1][2].append(piece)
    for call in delta.get("tool_calls") or ():
        if call.get("id") and not _goes_on(call, parts):
            parts.append((Call, call["function"]["name"], []))
        if call["function"].get("arguments"):
            parts[-1][2].append(call["function"]["arguments"])


def _goes_on(call: Mapping[str, Any], parts: list[tuple[type, str, list[str]]]) -> bool:
    """Whether a call is a piece of the last one, all of whose members are said again."""
    last = parts[-1] if parts else (Text, "", [])
    return last[:2] == (Call, call["function"]["name"]) and not "".join(last[2])


def _part(kind: type, name: str, pieces: list[str]) -> Part:
    return Call(name, tuple(pieces)) if kind is Call else kind(tuple(pieces))


def kind(name: str, payload: Json) -> str:
    """A chunk by what it is there for."""
    if not isinstance(payload, dict):
        return "done" if payload == "[DONE]" else "comment"
    if "error" in payload:
        return "error"
    choice = payload["choices"][0] if payload.get("choices") else {}
    if choice.get("finish_reason") is not None:
        return "finish"
    delta = choice.get("delta", {})
    if payload.get("usage"):
        return "usage"
    if delta.get("tool_calls"):
        return "call" if delta["tool_calls"][0].get("id") else "arguments"
    if _thought(delta):
        return "thought"
    if delta.get("content") or delta.keys() == {"content"}:
        return "content"
    return "role" if delta else "other"


NOISE = frozenset(
    {
        "access-control-allow-credentials",
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
        "etag",
        "permissions-policy",
        "referrer-policy",
        "retry-after",
        "server",
        "strict-transport-security",
        "traceparent",
        "transfer-encoding",
        "vary",
        "via",
        "x-amz-cf-id",
        "x-amz-cf-pop",
        "x-amzn-trace-id",
        "x-build-commit",
        "x-build-time",
        "x-cache",
        "x-cloud-trace-context",
        "x-content-type-options",
        "x-data-retention",
        "x-envoy-upstream-service-time",
        "x-frame-options",
        "x-kong-proxy-latency",
        "x-kong-response-latency",
        "x-kong-upstream-latency",
        "x-max-retry-attempts-reached",
        "x-metrics-e2e-ms",
        "x-metrics-mean-itl-ms",
        "x-metrics-ttft-ms",
    }
)


def chat(folder: str, vendor: str, *, path: str | None = None, more: tuple[str, ...] = ()) -> Protocol:
    dialect = generating_dialect(vendor, "chat")
    assert dialect is not None
    return Protocol(
        folder=folder,
        dialect=dialect,
        more=more,
        path=path,
        said=said,
        kind=kind,
        lane=lane,
        asked=asked,
        untimed=frozenset({"comment"}),
        noise=NOISE,
        before=f"/{vendor}",
    )


def _responses_said(recording: Recording) -> Reply | Failure:
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return refused(status, body)
    if isinstance(body, dict):
        for item in body["output"]:
            if item["type"] == "reasoning" and not item["summary"]:
                item["summary"] = item.get("content", [])  # which DeepSeek tells in its place
    return openai_responses.said(recording)


def responses(folder: str, vendor: str) -> Protocol:
    dialect = generating_dialect(vendor, "responses")
    assert dialect is not None
    return Protocol(
        folder=folder,
        dialect=dialect,
        path=None,
        said=_responses_said,
        kind=openai_responses.kind,
        asked=openai_responses.asked,
        opaque=openai_responses.PROTOCOL.opaque,
        noise=NOISE,
        before=f"/{vendor}",
    )


PROTOCOLS = (
    chat("groq-chat", "groq"),
    chat("together-chat", "together"),
    chat("deepseek-chat", "deepseek"),
    chat("mistral-chat", "mistral"),
    chat("openrouter-chat", "openrouter", path="/api/v1/chat/completions", more=("openai-compat-chat",)),
    chat("ollama-v1-chat-completions", "ollama"),
    chat("cerebras-chat", "cerebras"),
    responses("xai-responses", "xai"),
    responses("deepseek-responses", "deepseek"),
    responses("openrouter-responses", "openrouter"),
)
