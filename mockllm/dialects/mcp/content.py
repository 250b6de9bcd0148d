"""From a neutral reply to the result of a method: content blocks, messages of a prompt, contents of a resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.reply import (
    ContentElement,
    Media,
    NativePart,
    Part,
    Pause,
    Refusal,
    Reply,
    Text,
    joined_text,
)
from mockllm.dialects.mcp.protocol import CAPABILITY_OF, LOG_LEVELS, META_CAPABILITIES, META_LOG_LEVEL, TASKS
from mockllm.dialects.mcp.request import RpcRequest
from mockllm.dialects.mcp.results import completed

NAME: Final = "mcp"


def supported_reply(reply: Reply, request: RpcRequest) -> Reply:
    """Return the first choice with the parts that a result has a form for. A text is one chunk, because a result
    arrives whole. The events before the result are parts before it."""
    events = _events(reply.mcp_members.get("events", ()), request)
    parts = (*events, *(_whole(part) for part in reply.choices[0].parts if _is_shown(part)))
    members = {name: value for name, value in reply.mcp_members.items() if name != "events"}
    supported = reply.with_parts(parts)
    return supported if members == reply.mcp_members else replace(supported, mcp_members=members)


def _is_shown(part: Part) -> bool:
    if type(part) is NativePart:
        return part.dialect == NAME and type(part.block) is dict
    return type(part) in (Text, Refusal, Media)


def _whole(part: Part) -> Part:
    if type(part) not in (Text, Refusal):
        return part
    assert isinstance(part, Text | Refusal)
    pauses: tuple[ContentElement, ...] = tuple(chunk for chunk in part.chunks if type(chunk) is Pause)
    text = full_text(part) if type(part) is Text else joined_text(part.chunks)
    chunks = (*pauses, text) if text or not pauses else pauses
    if type(part) is Text:
        return Text(chunks)
    return Refusal(chunks)


def _events(events: Json, request: RpcRequest) -> Iterator[Part]:
    """Yield the messages before the result, as parts: those that the client requested."""
    for event in events:
        if "wait" in event:
            yield Text((Pause(event["wait"]),))
        elif "progress" in event:
            if request.progress_token is not None:
                shown = {key: event[key] for key in ("progress", "total", "message") if key in event}
                yield _notification("progress", {"progressToken": request.progress_token, **shown})
        elif "log" in event:
            level = event.get("level", "info")
            if not request.modern or level in LOG_LEVELS[_first_level(request) :]:
                logger = {"logger": event["logger"]} if "logger" in event else {}
                yield _notification("message", {"level": level, **logger, "data": event["log"]})
        else:
            yield NativePart(NAME, {"method": event["method"], "params": event.get("params", {})})


def _first_level(request: RpcRequest) -> int:
    """Return the place of the level that a request of 2026-07-28 wants. That of an unknown level is behind the last
    (`allowed_log_levels` of `mcp` 2.3.0)."""
    wanted = request.meta.get(META_LOG_LEVEL)
    return LOG_LEVELS.index(wanted) if wanted in LOG_LEVELS else len(LOG_LEVELS)


def _notification(name: str, params: dict[str, Json]) -> NativePart:
    return NativePart(NAME, {"method": f"notifications/{name}", "params": params})


def has_questions(reply: Reply) -> bool:
    """Return whether the client's responses come before the result; a task has its questions itself."""
    return bool(reply.mcp_members.get("ask")) and not reply.mcp_members.get("task")


def result_of(reply: Reply, request: RpcRequest) -> dict[str, Json]:
    """Return the result of a supported reply."""
    if has_questions(reply):
        return input_required(reply, request)
    method = request.rpc_method
    if method == "prompts/get":
        result = _prompt(reply, request)
    elif method == "resources/read":
        result = {"contents": [*_contents(reply, request), *reply.mcp_members.get("content", ())]}
    elif method == "tools/call":
        result = _called(reply, request)
    else:
        result = _other(reply, method)
    return completed({**result, **reply.extras.get(NAME, {})}, request)


def missing_capabilities(reply: Reply, request: RpcRequest) -> dict[str, Json]:
    """Return the capabilities that a client of 2026-07-28 lacks for the task or for all questions of the reply."""
    task = object_of(reply.mcp_members.get("task"))
    if request.modern and task.get("required") and not request.has_tasks:
        return {"extensions": {TASKS: {}}}
    questions = object_of(reply.mcp_members.get("ask"))
    if not request.modern or not questions or askable(reply, request):
        return {}
    return {_capability(question): {} for question in questions.values()}


def askable(reply: Reply, request: RpcRequest) -> dict[str, Json]:
    """Return the questions of the reply that the client supports."""
    has = object_of(request.meta.get(META_CAPABILITIES))
    questions = object_of(reply.mcp_members.get("ask"))
    return {name: question for name, question in questions.items() if _capability(question) in has}


def _capability(question: Json) -> str:
    method = str(object_of(question).get("method"))
    return CAPABILITY_OF.get(method, method)


def input_required(reply: Reply, request: RpcRequest) -> dict[str, Json]:
    """Return the result with questions to the client (`InputRequiredResult` of 2026-07-28)."""
    result: dict[str, Json] = {"resultType": "input_required", "inputRequests": askable(reply, request)}
    if reply.mcp_members.get("state") is not None:
        result["requestState"] = reply.mcp_members["state"]
    return completed(result, request)


def _blocks(reply: Reply) -> list[Json]:
    blocks: list[Json] = []
    for part in reply.choices[0].parts:
        if type(part) is Media:
            kind = "audio" if part.mime.startswith("audio/") else "image"
            blocks.append({"type": kind, "data": part.data, "mimeType": part.mime})
        elif isinstance(part, Text | Refusal) and (text := joined_text(part.chunks)):
            blocks.append({"type": "text", "text": text})
    return [*blocks, *reply.mcp_members.get("content", ())]


def _called(reply: Reply, request: RpcRequest) -> dict[str, Json]:
    result: dict[str, Json] = {"content": _blocks(reply)}
    structured = reply.mcp_members.get("structured")
    if structured is None and request.tool is not None and request.tool.output is not None:
        structured = _json(reply)
    if structured is not None:
        result["structuredContent"] = structured
    refused = any(type(part) is Refusal for part in reply.choices[0].parts)
    if reply.mcp_members.get("is_error") or refused:
        result["isError"] = True
    return result


def _json(reply: Reply) -> Json:
    """Return the text as JSON; None where it is none."""
    try:
        return loads(reply.choices[0].text)
    except JSONDecodeError:
        return None


def _prompt(reply: Reply, request: RpcRequest) -> dict[str, Json]:
    prompt = None if request.server is None else request.server.prompt(request.named)
    result: dict[str, Json] = (
        {} if prompt is None or not prompt.description else {"description": prompt.description}
    )
    messages: list[Json] = []
    for message in reply.mcp_members.get("messages", ()):
        content = message.get("content") or {"type": "text", "text": message.get("text", "")}
        messages.append({"role": message.get("role", "user"), "content": content})
    messages += [{"role": "user", "content": block} for block in _blocks(reply)]
    return {**result, "messages": messages}


def _contents(reply: Reply, request: RpcRequest) -> Iterator[Json]:
    uri = request.named or ""
    kind = _mime_type(request)
    for part in reply.choices[0].parts:
        if type(part) is Media:
            yield {"uri": uri, "mimeType": kind or part.mime, "blob": part.data}
        elif type(part) is Text and (text := joined_text(part.chunks)):
            yield {"uri": uri, **({"mimeType": kind} if kind else {}), "text": text}


def _mime_type(request: RpcRequest) -> str | None:
    resource = None if request.server is None else request.server.resource(request.named)
    return None if resource is None else resource.mime_type


def _other(reply: Reply, method: str | None) -> dict[str, Json]:
    """Return the result of any other method: the reply's JSON, where it is an object."""
    value = _json(reply)
    if method == "completion/complete" and type(value) is list:
        return {"completion": {"values": value}}
    return object_of(value)
