"""Checks of the messages of a chat request: roles, contents, and the order of tool calls and tool messages."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.validators import (
    Check,
    array,
    by_type,
    check_length,
    members,
    missing,
    object_,
    one_of,
    refuse,
    string,
    unsupported,
    wrong_type,
)

ROLES: Final = ("system", "assistant", "user", "function", "tool", "developer")
PLAIN: Final = ("user", "system", "developer", "assistant")

PARTS: Final[dict[str, Check]] = {
    "text": members(("text",), {"text": string}),
    "image_url": members(("image_url",), {"image_url": members(("url",), {"url": string, "detail": string})}),
    "input_audio": members(
        ("input_audio",), {"input_audio": members(("data", "format"), {"data": string, "format": string})}
    ),
    "refusal": members(("refusal",), {"refusal": string}),
    "audio": object_,
    "file": members(("file",), {"file": object_}),
}

_named: Final = members(("name", "arguments"), {"name": string, "arguments": string})
_custom: Final = members(("name", "input"), {"name": string, "input": string})


CALLS: Final = {
    "function": members(("function",), {"function": _named}),
    "custom": members(("custom",), {"custom": _custom}),
}
_typed_call: Final = members(("id", "type"), {"id": string, "type": one_of(*CALLS)})


def _call(value: Json, path: str) -> Failure | None:
    return _typed_call(value, path) or CALLS[value["type"]](value, path)


_calls: Final = array(_call, "objects", min_length=1)
_own: Final = members((), {"name": string, "tool_call_id": string, "function_call": _named})


def check_messages(value: Json, path: str) -> Failure | None:
    """Check all messages one by one, then the order of calls and tool messages."""
    if type(value) is not list:
        return wrong_type(value, path, "an array of objects")
    plain = True
    for place, entry in enumerate(value):
        if (
            type(entry) is dict
            and len(entry) == 2
            and type(entry.get("content")) is str
            and entry.get("role") in PLAIN
        ):
            continue  # the common case, checked first: a role and a text
        plain = False
        error = _message(entry, f"{path}[{place}]", place)
        if error is not None:
            return error
    if plain and value:
        return None
    return check_length(value, path, 1, None) or _check_tool_messages(value)


def _message(entry: Json, path: str, place: int) -> Failure | None:
    if type(entry) is not dict:
        return wrong_type(entry, path, "an object")
    if "role" not in entry:
        return missing(f"{path}.role")
    role = entry["role"]
    if type(role) is not str:
        return wrong_type(role, f"{path}.role", "a string")
    if role not in ROLES:
        return unsupported(role, f"{path}.role", ROLES)
    calls = entry.get("tool_calls")
    if role == "tool" and "tool_call_id" not in entry:
        return missing(f"{path}.tool_call_id")
    if role == "assistant" and calls is not None:
        error = _calls(calls, f"{path}.tool_calls")
        if error is not None:
            return error
    return _own(entry, path) or _content(entry, path, place)


def _content(entry: dict[str, Json], path: str, place: int) -> Failure | None:
    content = entry.get("content")
    if content is None:
        if entry["role"] == "assistant" and any(entry.get(name) for name in CONTENT_SUBSTITUTES):
            return None
        if "content" not in entry:
            return missing(f"{path}.content")
        message = "Invalid value for 'content': expected a string, got null."
        return refuse(message, f"messages.[{place}].content")
    if type(content) is str:
        return None
    if type(content) is not list:
        return wrong_type(content, f"{path}.content", "one of a string or array of objects")
    return array(by_type(PARTS), "objects")(content, f"{path}.content")


CONTENT_SUBSTITUTES: Final = ("tool_calls", "function_call", "refusal", "audio")
"""Members that replace the content of an assistant's message."""


def _check_tool_messages(value: list[dict[str, Json]]) -> Failure | None:
    """Check that a tool message follows each call before any other message."""
    called: list[str] = []
    open_: list[str] = []
    for place, entry in enumerate(value):
        if entry["role"] == "tool":
            call_id = entry["tool_call_id"]
            if not called:
                return refuse(UNCALLED_MESSAGE, f"messages.[{place}].role")
            if call_id not in called:
                message = f"'tool_call_id' of '{call_id}' not found in 'tool_calls' of previous message."
                return refuse(f"Invalid parameter: {message}", f"messages.[{place}].tool_call_id")
            open_ = [id for id in open_ if id != call_id]
            continue
        if open_:
            return _missing_results(open_, place)
        calls = entry.get("tool_calls") if entry["role"] == "assistant" else None
        called = [call["id"] for call in calls or ()]
        open_ = called
    return _missing_results(open_, len(value) - 1) if open_ else None


UNCALLED_MESSAGE: Final = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
    "with 'tool_calls'."
)


def _missing_results(ids: list[str], place: int) -> Failure:
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(ids)}"
    )
    return refuse(message, f"messages.[{place}].role")
