"""Checks of a chat request, with the wording and codes of the service. They check its shape, its ranges and its
messages: roles, contents, the order of tool calls and tool messages.

Unknown model names, keys and fields pass. A null field counts as absent, as in the real service, unless the field is
required.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.known_checks import check_known
from mockllm.core.request.request import Request
from mockllm.dialects.openai.chat.audio_check import audio, check_wanted_audio
from mockllm.dialects.openai.chat.plain_body import is_plain_body
from mockllm.dialects.openai.strict_schema import check_parameters, check_response_schema
from mockllm.dialects.openai.unsupported import OWN_MODELS, check_chat_model
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    by_type,
    check_fields,
    check_length,
    check_readable,
    decimal,
    integer,
    members,
    missing,
    object_,
    one_of,
    refuse,
    string,
    text,
    text_or,
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

_called: Final = members(("name", "arguments"), {"name": string, "arguments": string})
_custom: Final = members(("name", "input"), {"name": string, "input": string})
CALLS: Final = {
    "function": members(("function",), {"function": _called}),
    "custom": members(("custom",), {"custom": _custom}),
}
_typed_call: Final = members(("id", "type"), {"id": string, "type": one_of(*CALLS)})


def _call(value: Json, path: str) -> Failure | None:
    return _typed_call(value, path) or CALLS[value["type"]](value, path)


_calls: Final = array(_call, "objects", min_length=1)
_own: Final = members((), {"name": string, "tool_call_id": string, "function_call": _called})


def check_messages(value: Json, path: str) -> Failure | None:
    """Check all messages one by one, then the order of calls and tool messages."""
    if type(value) is not list:
        return wrong_type(value, path, "an array of objects")
    calls = OpenCalls()
    for entry in value:
        if not _passes(calls, entry):
            break
    else:
        if value and not calls.open:
            return None  # nearly always
    for place, entry in enumerate(value):
        error = _message(entry, f"{path}[{place}]", place)
        if error is not None:
            return error
    return check_length(value, path, 1, None) or _check_tool_messages(value)


def _is_usual(entry: dict[str, Json]) -> bool:
    """Return whether a message has the form of nearly all messages of agents, which `_message` accepts: a result, or
    calls of functions. It takes a quarter of the time."""
    if len(entry) != 3:
        return False
    role, content = entry.get("role"), entry.get("content", MISSING)
    if role == "tool":
        return type(content) is type(entry.get("tool_call_id")) is str
    calls = entry.get("tool_calls")
    if role != "assistant" or type(calls) is not list or not (content is None or type(content) is str):
        return False
    for call in calls:
        if not _is_usual_call(call):
            return False
    return bool(calls)


def _is_usual_call(call: Json) -> bool:
    if type(call) is not dict or call.get("type") != "function" or type(call.get("id")) is not str:
        return False
    called = call.get("function")
    return type(called) is dict and type(called.get("name")) is type(called.get("arguments")) is str


_parts: Final = text_or(list, array(by_type(PARTS), "objects"), "array of objects")


def _message(entry: Json, path: str, place: int) -> Failure | None:
    if type(entry) is not dict:
        return wrong_type(entry, path, "an object")
    if _is_usual(entry):
        return None
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
    return _parts(content, f"{path}.content")


CONTENT_SUBSTITUTES: Final = ("tool_calls", "function_call", "refusal", "audio")
"""Members that replace the content of an assistant's message."""


def _check_tool_messages(value: list[dict[str, Json]]) -> Failure | None:
    """Check that a tool message follows each call before any other message."""
    called: dict[str, None] = {}  # of sets, these keep the order
    open_: dict[str, None] = {}
    for place, entry in enumerate(value):
        if entry["role"] == "tool":
            call_id = entry["tool_call_id"]
            if not called:
                return refuse(UNCALLED_MESSAGE, f"messages.[{place}].role")
            if call_id not in called:
                message = f"'tool_call_id' of '{call_id}' not found in 'tool_calls' of previous message."
                return refuse(f"Invalid parameter: {message}", f"messages.[{place}].tool_call_id")
            open_.pop(call_id, None)
            continue
        if open_:
            return _missing_results(open_, place)
        calls = entry.get("tool_calls") if entry["role"] == "assistant" else None
        called = dict.fromkeys([call["id"] for call in calls or ()])
        open_ = dict(called)
    return _missing_results(open_, len(value) - 1) if open_ else None


class OpenCalls(Struct, eq=False):
    """The ids of the calls of the last message of the assistant, and those of them without a tool message. Of sets,
    only `open` changes in place."""

    called: Collection[str] = ()
    open: set[str] = field(default_factory=set)


def turns_pass(divided: DividedBody) -> bool:
    """Return whether `check_messages` accepts the messages of a body that has some."""
    calls = divided.reduce_turns(_passes, _continued, _passes)
    return calls is not None and not calls.open


def _continued(calls: OpenCalls | None) -> OpenCalls:
    return OpenCalls() if calls is None else OpenCalls(calls.called, set(calls.open))


def _passes(calls: OpenCalls, entry: Json) -> bool:
    """Return whether a message and its place after the calls are accepted."""
    if type(entry) is not dict:
        return False
    role, members = entry.get("role"), len(entry)
    if members == 2 and role in PLAIN and type(entry.get("content")) is str:
        calls.called = ()
        return not calls.open
    if not (members == 3 and _is_usual(entry)) and _message(entry, "", 0) is not None:
        return False
    if role == "tool":
        call_id = entry["tool_call_id"]
        calls.open.discard(call_id)
        return call_id in calls.called
    if calls.open:
        return False
    called = entry.get("tool_calls") if role == "assistant" else None
    if called:
        calls.called = frozenset([call["id"] for call in called])
        calls.open = set(calls.called)
    else:
        calls.called = ()
    return True


UNCALLED_MESSAGE: Final = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
    "with 'tool_calls'."
)


def _missing_results(ids: Iterable[str], place: int) -> Failure:
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(ids)}"
    )
    return refuse(message, f"messages.[{place}].role")


_name: Final = text(64, r"^[a-zA-Z0-9_-]+$")
_described: Final = {"name": _name, "description": string, "strict": boolean}


def _nested_object(name: str, required: Sequence[str], checks: Mapping[str, Check]) -> Check:
    """Return a check of an object with one required member, which is an object itself."""
    return members((name,), {name: members(required, checks)})


TOOLS: Final = {
    "function": _nested_object("function", ("name",), {**_described, "parameters": object_}),
    "custom": _nested_object("custom", ("name",), _described),
}
TOOL_CHOICES: Final = {
    "function": _nested_object("function", ("name",), {"name": string}),
    "custom": _nested_object("custom", ("name",), {"name": string}),
    "allowed_tools": _nested_object(
        "allowed_tools",
        ("mode", "tools"),
        {"mode": one_of("auto", "required"), "tools": array(object_, "objects", min_length=1)},
    ),
}
FORMATS: Final = {
    "json_object": object_,
    "json_schema": _nested_object("json_schema", ("name",), {**_described, "schema": object_}),
    "text": object_,
}


def check(request: Request) -> Failure | None:
    body = request.body
    if type(body) is not dict:
        return check_readable(request)
    if request.divided_body is None:
        # a request that was matched by its texts has messages of a role and a text alone, which pass
        has_texts = bool(vars(request).get("text_messages"))
        if is_plain_body(body, has_texts=has_texts):
            return None
        error = check_body(body, BESIDE_MESSAGES if has_texts else None)
    else:
        error = check_known(request, check_body, lambda: check_body(body), turns_pass)
    return check_chat_model(body) if error is None and request.provider in OWN_MODELS else error


def check_body(body: dict[str, Json], checks: Mapping[str, Check] | None = None) -> Failure | None:
    """Return the first error: required fields, then each field in the body's order, then dependencies between
    fields. `checks` are `FIELDS`, or those of them that may fail."""
    if body.get("model") is None:
        return refuse("you must provide a model parameter")
    if "messages" not in body:
        return missing("messages")
    error = check_fields(body, FIELDS if checks is None else checks, ("messages",))
    if error is not None or DEPENDENT.isdisjoint(body):
        return error
    return check_wanted_audio(body) or _check_dependencies(body)


def _tool(value: Json, path: str) -> Failure | None:
    error = by_type(TOOLS)(value, path)
    if error is not None:
        return error
    tool_type = value["type"]
    return check_parameters(value[tool_type], f"{path}.{tool_type}.parameters")


def _response_format(value: Json, path: str) -> Failure | None:
    error = by_type(FORMATS)(value, path)
    if error is not None or value["type"] != "json_schema":
        return error
    return check_response_schema(value["json_schema"], path)


DEPENDENT: Final = frozenset({"stream_options", "top_logprobs", "tool_choice", "function_call", "modalities"})
"""The fields that may need another one."""


def _check_dependencies(body: dict[str, Json]) -> Failure | None:
    """Return the error of fields that are allowed only together with another one."""
    if body.get("stream_options") is not None and body.get("stream") is not True:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return refuse(message, "stream_options")
    if body.get("top_logprobs") is not None and body.get("logprobs") is not True:
        message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        return refuse(message, "top_logprobs")
    choice = body.get("tool_choice")
    if choice is not None and choice != "none":
        return _check_tool_choice(choice, body.get("tools"))
    return _check_function_choice(body.get("function_call"), body.get("functions"))


def _check_function_choice(choice: Json, functions: Json) -> Failure | None:
    """Check that the legacy functions contain the function to call; both arguments are well-formed."""
    if choice is None or choice == "none":
        return None
    if not functions:
        message = "'function_call' is only allowed when 'functions' are specified."
        return refuse(f"Invalid value for 'function_call': {message}", "function_call")
    if type(choice) is str or any(function["name"] == choice["name"] for function in functions):
        return None
    message = f"no function named {choice['name']} was specified in the 'functions' parameter."
    return refuse(f"Invalid value for 'function_call': {message}", "function_call")


def _check_tool_choice(choice: Json, tools: Json) -> Failure | None:
    """Check that the tools contain the chosen tool; both arguments are well-formed."""
    if not tools:
        return refuse(WITHOUT_TOOLS_MESSAGE, "tool_choice")
    if type(choice) is str or choice["type"] == "allowed_tools":
        return None
    tool_type = choice["type"]
    name = choice[tool_type]["name"]
    if any(tool["type"] == tool_type and tool[tool_type]["name"] == name for tool in tools):
        return None
    noun = "function" if tool_type == "function" else "custom tool"
    message = (
        f"Invalid value for 'tool_choice': no {noun} named {name} was specified in the 'tools' parameter."
    )
    return refuse(message, "tool_choice")


WITHOUT_TOOLS_MESSAGE: Final = (
    "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
)
FIELDS: Final[dict[str, Check]] = {
    "model": string,
    "messages": check_messages,
    "audio": audio,
    "frequency_penalty": decimal(-2, 2),
    "function_call": text_or(dict, members(("name",), {"name": string}), "object", ("none", "auto")),
    "functions": array(members(("name",), {"name": _name, "parameters": object_}), "objects", 1, 128),
    "logit_bias": object_,
    "logprobs": boolean,
    "max_completion_tokens": integer(1),
    "max_tokens": integer(1),
    "metadata": object_,
    "modalities": array(one_of("text", "audio"), "strings"),
    "n": integer(1, 128),
    "parallel_tool_calls": boolean,
    "presence_penalty": decimal(-2, 2),
    "reasoning_effort": one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "response_format": _response_format,
    "seed": integer(),
    "service_tier": one_of("auto", "default", "flex", "scale", "priority", "fast"),
    "stop": text_or(list, array(string, "strings", max_length=4), "array of strings"),
    "store": boolean,
    "stream": boolean,
    "stream_options": members((), {"include_usage": boolean, "include_obfuscation": boolean}),
    "temperature": decimal(0, 2),
    "tool_choice": text_or(dict, by_type(TOOL_CHOICES), "object", ("none", "auto", "required")),
    # an empty one counts as absent (reports of 2025 and 2026)
    "tools": array(_tool, "objects", max_length=128),
    "top_logprobs": integer(0, 20),
    "top_p": decimal(0, 1),
    "user": string,
    "verbosity": one_of("low", "medium", "high"),
}
BESIDE_MESSAGES: Final[dict[str, Check]] = {
    name: check for name, check in FIELDS.items() if name != "messages"
}
