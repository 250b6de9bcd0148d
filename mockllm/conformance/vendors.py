"""Decodes recorded responses of vendors with OpenAI's protocol into replies. Only the comparison uses it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import cast

from msgspec.structs import replace

from mockllm.conformance import openai_responses
from mockllm.conformance.openai_chat import choice_key, finish_of, settings
from mockllm.conformance.shape import SERVER_HEADERS, Protocol, Recording, events_of
from mockllm.core.failure import BY_STATUS, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import objects
from mockllm.core.reply.reply import Choice, Finish, Part, Refusal, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.providers import BY_NAME, generating_dialect

THOUGHTS = ("reasoning_content", "reasoning")


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return failure_of(status, body)
    if isinstance(body, dict):
        choices = tuple(
            Choice(_message_parts(choice["message"]), finish_of(choice)) for choice in body["choices"]
        )
        return Reply(choices, _usage(body["usage"]))
    chunks = [loads(data) for _, data in events_of(body) if data.startswith("{")]
    requested = (recording["request"]["body"] or {}).get("model")
    model = next((chunk["model"] for chunk in chunks if chunk.get("model")), requested)
    return replace(_from_stream(chunks), model=None if model == requested else model)


def failure_of(status: int, body: Mapping[str, Json]) -> Failure:
    """Return the failure of a status; xAI has one status for invalid keys and other errors."""
    key = isinstance(body.get("error"), str) and "API key" in body["error"]
    return Failure("authentication" if key else BY_STATUS[status], status)


def _usage(counted: Json) -> Usage:
    if not counted:
        return Usage(0, 0)
    cached = (counted.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    reasoning = (counted.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    return Usage(
        counted["prompt_tokens"], counted["completion_tokens"], cache_read=cached, reasoning=reasoning
    )


def _reasoning(fields: Mapping[str, Json]) -> str:
    """Return the reasoning: a member, or parts of the content."""
    named = next((fields[name] for name in THOUGHTS if fields.get(name)), "")
    parts = (part["thinking"] for part in objects(fields.get("content")) if part["type"] == "thinking")
    return named or "".join(entry["text"] for part in parts for entry in part)


def _text(fields: Mapping[str, Json]) -> str:
    content = fields.get("content") or ""
    parts = objects(content)
    return content if type(content) is str else "".join(part.get("text", "") for part in parts)


def _message_parts(message: dict[str, Json]) -> tuple[Part, ...]:
    parts: list[Part] = []
    if _reasoning(message):
        parts.append(Thinking((_reasoning(message),)))
    if _text(message):
        parts.append(Text((_text(message),)))
    if message.get("refusal"):
        parts.append(Refusal((message["refusal"],)))
    calls = [(call["function"], call["id"]) for call in message.get("tool_calls") or ()]
    return (*parts, *(ToolCall(function["name"], (function["arguments"],), id) for function, id in calls))


def _from_stream(chunks: list[dict[str, Json]]) -> Reply:
    parts: list[tuple[type, str, list[str]]] = []
    finish: Finish | None = None
    counted: Json = None
    failure: Failure | None = None
    for chunk in chunks:
        counted = chunk.get("usage") or counted
        if "error" in chunk:
            own = {name: value for name, value in chunk["error"].items() if name not in ("message", "type")}
            failure = Failure("bad_request", fields=own)
        for choice in chunk.get("choices", ()):
            _add_delta(choice["delta"], parts, ended=bool(choice.get("finish_reason")))
            finish = finish_of(choice) if choice.get("finish_reason") else finish
    built_parts = tuple(_part(*part) for part in parts)
    unfinished = finish is None and failure is None
    return Reply(
        (Choice(built_parts, finish or "stop"),), _usage(counted), failure=failure, unfinished=unfinished
    )


def _add_delta(delta: dict[str, Json], parts: list[tuple[type, str, list[str]]], *, ended: bool) -> None:
    """Add the content of a delta; the empty texts beside other members add nothing."""
    text = _text(delta)
    alone = delta == {"content": ""} and not ended
    refusal = delta.get("refusal") or ""
    for part_type, chunk in ((Thinking, _reasoning(delta)), (Text, text), (Refusal, refusal)):
        if chunk or (part_type is Text and alone):
            if not parts or parts[-1][0] is not part_type:
                parts.append((part_type, "", []))
            parts[-1][2].append(chunk)
    for call in delta.get("tool_calls") or ():
        if call.get("id") and not _continues(call, parts):
            parts.append((ToolCall, call["function"]["name"], []))
        if call["function"].get("arguments"):
            parts[-1][2].append(call["function"]["arguments"])


def _continues(call: Mapping[str, Json], parts: list[tuple[type, str, list[str]]]) -> bool:
    """Return whether a call is a chunk of the last one, with all its members repeated."""
    last = parts[-1] if parts else (Text, "", [])
    return last[:2] == (ToolCall, call["function"]["name"]) and not "".join(last[2])


def _part(kind: type, name: str, chunks: list[str]) -> Part:
    return ToolCall(name, tuple(chunks)) if kind is ToolCall else kind(tuple(chunks))


def kind(name: str, payload: Json) -> str:
    """Return the purpose of a chunk."""
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
    if _reasoning(delta):
        return "thought"
    if delta.get("content") or delta.keys() == {"content"}:
        return "content"
    return "role" if delta else "other"


NOISE = SERVER_HEADERS.union(
    {
        "access-control-allow-credentials",
        "access-control-allow-origin",
        "access-control-expose-headers",
        "cache-control",
        "cross-origin-opener-policy",
        "etag",
        "permissions-policy",
        "referrer-policy",
        "retry-after",
        "traceparent",
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
        decode=decode,
        kind=kind,
        choice_key=choice_key,
        settings=settings,
        untimed=frozenset({"comment"}),
        noise=NOISE,
        before=f"/{vendor}",
    )


SOURCES = ("citations", "search_results")
"""The members beside Perplexity's choices that come with the sources of a text."""


def _decode_sourced(recording: Recording) -> Reply | Failure:
    """Return the reply; its sources are extras."""
    reply, body = decode(recording), recording["response"]["body"]
    if not isinstance(reply, Reply) or not isinstance(body, dict):
        return reply
    return replace(reply, extras={"openai": {name: body[name] for name in SOURCES if name in body}})


def perplexity(folder: str) -> Protocol:
    return dataclasses.replace(
        chat(folder, "perplexity"), decode=_decode_sourced, known_extras=frozenset(SOURCES)
    )


def routed(folder: str) -> Protocol:
    """Return the protocol of Hugging Face's router, which passes on what single providers respond."""
    single = (
        BY_NAME["huggingface"].call(id).dialect for id in ("together_chat", "novita_chat", "fireworks_chat")
    )
    others = tuple(cast(ReplyDialect, dialect) for dialect in single)
    return dataclasses.replace(chat(folder, "huggingface"), others=others)


def _decode_response(recording: Recording) -> Reply | Failure:
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        return failure_of(status, body)
    if isinstance(body, dict):
        output = [_with_summary(item) for item in body["output"]]
        recording = {**recording, "response": {**recording["response"], "body": {**body, "output": output}}}
    return openai_responses.decode(recording)


def _with_summary(item: dict[str, Json]) -> dict[str, Json]:
    """Return an item with its reasoning as a summary: DeepSeek sends it in that place."""
    if item["type"] != "reasoning" or item["summary"]:
        return item
    return {**item, "summary": item.get("content", [])}


def responses(folder: str, vendor: str) -> Protocol:
    dialect = generating_dialect(vendor, "responses")
    assert dialect is not None
    return dataclasses.replace(
        openai_responses.PROTOCOL,
        folder=folder,
        dialect=dialect,
        path=None,
        decode=_decode_response,
        untimed=frozenset({"comment"}),
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
    chat("zai-chat", "zai"),
    perplexity("perplexity-chat"),
    routed("huggingface-chat"),
    responses("xai-responses", "xai"),
    responses("deepseek-responses", "deepseek"),
    responses("openrouter-responses", "openrouter"),
)
