"""Decodes recorded responses of Cohere's chat into replies; embeddings and ranks follow from their requests.

Only the comparison uses it. A tool plan is the text before calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from mockllm.conformance import openai_chat, vendors
from mockllm.conformance.lookups import TEXTLESS_FIELDS, lookup
from mockllm.conformance.shape import Protocol, Recording, body_of, events_of, without_texts
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.reply.reply import Choice, Citation, Finish, Part, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.providers import BY_NAME, generating_dialect

FINISH: Mapping[str, Finish] = {"COMPLETE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}

NOISE = openai_chat.PROTOCOL.noise | vendors.NOISE | {"expires", "pragma", "x-accel-expires"}


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if status != 200:
        too_long = body.get("error_type") == "TOO_MANY_TOKENS"
        return Failure("context_length", status) if too_long else Failure.of_status(status)
    if isinstance(body, dict):
        return _reply(_parts(body["message"]), body["finish_reason"], body["usage"])
    return _streamed([loads(data) for _, data in events_of(body) if data.startswith("{")])


def _reply(parts: list[Part], reason: str, counted: Mapping[str, Json]) -> Reply:
    tokens = counted["tokens"]
    usage = Usage(
        tokens["input_tokens"],
        tokens["output_tokens"],
        cache_read=counted.get("cached_tokens", 0),
        reasoning=tokens.get("reasoning_tokens", 0),
    )
    return Reply((Choice(tuple(parts), FINISH.get(reason, "stop")),), usage)


def _parts(message: Mapping[str, Json]) -> list[Part]:
    parts: list[Part] = [Text((message["tool_plan"],))] if message.get("tool_plan") else []
    for block in message.get("content", ()):
        thinks = block["type"] == "thinking"
        cited = () if thinks else _citations(message.get("citations", ()))
        parts.append(Thinking((block["thinking"],)) if thinks else Text((block["text"],), citations=cited))
    calls = [(call["function"], call["id"]) for call in message.get("tool_calls", ())]
    return [*parts, *(ToolCall(function["name"], (function["arguments"],), id) for function, id in calls)]


def _citations(cited: Sequence[Json]) -> tuple[Citation, ...]:
    return tuple(Citation("https://x") for _ in cited)


def _streamed(events: list[dict[str, Json]]) -> Reply:
    """Return the reply of a stream's events."""
    parts: list[tuple[str, str, list[str]]] = []
    cited = [event for event in events if event["type"] == "citation-start"]
    for event in events:
        message = event.get("delta", {}).get("message", {})
        match event["type"], message:
            case "content-start", {"content": {"type": str(kind)}}:
                parts.append((kind, "", []))
            case "content-delta", {"content": {"text": str(text)} | {"thinking": str(text)}}:
                parts[-1][2].append(text)
            case "tool-plan-delta", {"tool_plan": str(text)}:
                if not parts or parts[-1][0] != "text":
                    parts.append(("text", "", []))
                parts[-1][2].append(text)
            case "tool-call-start", {"tool_calls": {"function": {"name": str(name)}}}:
                parts.append(("call", name, []))
            case "tool-call-delta", {"tool_calls": {"function": {"arguments": str(text)}}}:
                parts[-1][2].append(text)
    end = events[-1]["delta"]
    return _reply([_part(*part, _citations(cited)) for part in parts], end["finish_reason"], end["usage"])


def _part(kind: str, name: str, chunks: list[str], cited: tuple[Citation, ...]) -> Part:
    if kind == "call":
        return ToolCall(name, tuple(chunks))
    return Thinking(tuple(chunks)) if kind == "thinking" else Text(tuple(chunks), citations=cited)


def kind(name: str, payload: Json) -> str:
    return name or "done"


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the setting by which thinking is left out, and the roles: results of tools are sources."""
    roles = [{"role": message["role"], "content": "x"} for message in body["messages"]]
    return {**{name: body[name] for name in ("thinking", "stream") if name in body}, "messages": roles}


def _chat() -> Protocol:
    dialect = generating_dialect("cohere", "chat")
    assert dialect is not None
    return Protocol(
        folder="cohere-v2-chat",
        dialect=dialect,
        path="/v2/chat",
        decode=decode,
        kind=kind,
        settings=settings,
        untimed=frozenset({"citation-start", "citation-end"}),
        opaque=frozenset(
            f"${path}citations{items}.sources[].{source}"
            for path, items in ((".message.", "[]"), (".delta.message.", ""))
            for source in ("document", "tool_output")
        ),
        noise=NOISE,
        before="/cohere",
    )


def _lookup(folder: str, call: str) -> Protocol:
    dialect = BY_NAME["cohere"].call(call).dialect
    protocol = lookup(folder, dialect, before="/cohere")
    return replace(protocol, settings=_lookup_settings, noise=NOISE)


def _lookup_settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the fields, with their texts replaced; those of the form are as sent."""
    unchanged = ("embedding_types", "input_type")
    return {
        **without_texts(body, TEXTLESS_FIELDS),
        **{name: body[name] for name in unchanged if name in body},
    }


_V1_CHUNKS = frozenset({"text-generation", "tool-calls-chunk"})
"""The events of version 1 that have a part of the content."""
_V1_EXTRAS = frozenset({"search_queries", "search_results", "token_count", "tool_inputs"})


def _decode_v1(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording of version 1."""
    if recording["response"]["status"] != 200:
        return Failure.of_status(recording["response"]["status"])
    body = body_of(recording["response"])
    streamed = isinstance(body, list)
    whole = body[-1]["response"] if streamed else body
    text = whole["text"] if "text" in whole else whole["generations"][0]["text"]
    events = [event for event in body if event["event_type"] in _V1_CHUNKS] if streamed else [{"text": text}]
    chunks = tuple(event["text"] for event in events if event.get("text"))
    tokens = whole["meta"].get("tokens", whole["meta"]["billed_units"])
    calls = _v1_calls(events if streamed else [], whole.get("tool_calls", ()))
    parts: list[Part] = [*calls]
    if chunks or not calls:
        parts.insert(0, Text(chunks, citations=_citations(whole.get("citations", ()))))
    extras = {name: whole[name] for name in sorted(_V1_EXTRAS & set(whole))}
    if "warnings" in whole["meta"]:
        extras["meta"] = {"warnings": whole["meta"]["warnings"]}
    reasoning = tokens.get("reasoning_tokens", 0)
    usage = Usage(tokens["input_tokens"], tokens["output_tokens"], reasoning=reasoning)
    return Reply((Choice(tuple(parts)),), usage, extras={"cohere": extras})


def _v1_calls(events: Sequence[dict[str, Json]], whole: Sequence[dict[str, Json]]) -> list[ToolCall]:
    """Return the calls of version 1: the whole ones, with the chunks of a stream's events."""
    chunks: dict[int, list[str]] = {}
    for event in events:
        delta = event.get("tool_call_delta", {})
        if "parameters" in delta:
            chunks.setdefault(delta["index"], []).append(delta["parameters"])
    return [
        ToolCall(call["name"], tuple(chunks.get(number, [dumps(call["parameters"]).decode()])))
        for number, call in enumerate(whole)
    ]


def _v1(call: str) -> Protocol:
    return replace(
        _chat(),
        folder=f"cohere-v1-{call.removesuffix('_v1')}",
        dialect=cast(ReplyDialect, BY_NAME["cohere"].call(call).dialect),
        path=f"/v1/{call.removesuffix('_v1')}",
        decode=_decode_v1,
        kind=lambda name, payload: payload["event_type"],
        settings=lambda body: without_texts(body, ("model", "role")),
        untimed=frozenset({"search-queries-generation", "search-results"}),
        opaque=frozenset({"$.response.documents[]"}),
        known_extras=_V1_EXTRAS | {"meta.warnings"},
    )


PROTOCOLS = (
    _chat(),
    _v1("chat_v1"),
    _v1("generate"),
    _lookup("cohere-v2-embed", "embeddings"),
    _lookup("cohere-v2-rerank", "rerank"),
)
