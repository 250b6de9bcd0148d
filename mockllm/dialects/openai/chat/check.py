"""Checks of a chat request, with the wording and codes of the service. They check its shape, its ranges and its
messages: roles, contents, the order of tool calls and tool messages.

Unknown model names, keys and fields pass. A null field counts as absent, as in the real service, unless the field is
required. The checks have the service's order: shapes, dependencies between fields, what the model does not support,
missing contents, the order of tool messages. A public project measured it in August 2026
(local-OAuth-CLI-API-adapter of kangminlee-maker). The place of the check of images is inferred.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Final

from msgspec import Struct, field

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.typed_values import objects
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.known_checks import check_unless_passed_before
from mockllm.core.request.request import Request
from mockllm.core.request.typed_memo import MemoKey
from mockllm.dialects.openai.chat.field_checks import FIELDS, check_dependencies, check_openai_dependencies
from mockllm.dialects.openai.chat.field_checks_by_model import field_checks_of
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.json_word import contain_word_json, turns_contain_word_json
from mockllm.dialects.openai.model_restrictions import (
    PROVIDERS_OF_OPENAI_MODELS,
    check_chat_model,
    check_messages_of_model,
)
from mockllm.dialects.openai.validators import (
    Check,
    array,
    by_type,
    check_fields,
    check_length,
    check_readable,
    members,
    missing_parameter,
    object_,
    one_of,
    refuse,
    string,
    text_or,
    unsupported,
    wrong_type,
)

ROLES: Final = ("system", "assistant", "user", "function", "tool", "developer")
ROLES_WITH_TEXT: Final = ("user", "system", "developer", "assistant")

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
CALL_CHECKS: Final = {
    "function": members(("function",), {"function": _called}),
    "custom": members(("custom",), {"custom": _custom}),
}
_typed_call: Final = members(("id", "type"), {"id": string, "type": one_of(*CALL_CHECKS)})


def _call(value: Json, path: str) -> Failure | None:
    return _typed_call(value, path) or CALL_CHECKS[value["type"]](value, path)


_calls: Final = array(_call, "objects", min_length=1)
_other_members: Final = members((), {"name": string, "tool_call_id": string, "function_call": _called})


def check_message_shapes(value: Json) -> Failure | None:
    """Return the first error of the shapes of the messages, one by one."""
    if type(value) is not list:
        return wrong_type(value, "messages", "an array of objects")
    for index, entry in enumerate(value):
        error = _message(entry, f"messages[{index}]")
        if error is not None:
            return error
    return check_length(value, "messages", 1, None)


def check_contents_and_order(value: list[dict[str, Json]]) -> Failure | None:
    """Return the error of a message without content, then of the order of calls and tool messages."""
    for index, entry in enumerate(value):
        if _lacks_content(entry):
            message = "Invalid value for 'content': expected a string, got null."
            return refuse(message, f"messages.[{index}].content")
    return _check_tool_messages(value)


def fast_accepts_all(value: Json, *, serves_openai_models: bool = False) -> bool:
    """Return whether `check_message_shapes` and `check_contents_and_order` accept messages, as they do nearly always,
    and for OpenAI's models also `check_images`. It takes a fraction of their time, and makes no Failure:
    where it returns False, they decide."""
    if type(value) is not list or not value:
        return False
    calls = OpenToolCalls()
    for entry in value:
        if not _fast_accepts_next(calls, entry):
            return False
    return calls.accepted(serves_openai_models=serves_openai_models)


def _fast_accepts_shape(entry: dict[str, Json]) -> bool:
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


def _message(entry: Json, path: str) -> Failure | None:
    if type(entry) is not dict:
        return wrong_type(entry, path, "an object")
    if _fast_accepts_shape(entry):
        return None
    if "role" not in entry:
        return missing_parameter(f"{path}.role")
    role = entry["role"]
    if type(role) is not str:
        return wrong_type(role, f"{path}.role", "a string")
    if role not in ROLES:
        return unsupported(role, f"{path}.role", ROLES)
    if role == "tool" and "tool_call_id" not in entry:
        return missing_parameter(f"{path}.tool_call_id")
    error = _content(entry, path)
    calls = entry.get("tool_calls")
    if error is None and role == "assistant" and calls is not None:
        error = _calls(calls, f"{path}.tool_calls")
    return error or _other_members(entry, path)


def _content(entry: dict[str, Json], path: str) -> Failure | None:
    """Return the error of the content; one that is missing is an error of the shape in a developer's message only."""
    content = entry.get("content")
    if content is not None or (entry["role"] == "developer" and "content" in entry):
        return _parts(content, f"{path}.content")
    return missing_parameter(f"{path}.content") if entry["role"] == "developer" else None


def _lacks_content(entry: dict[str, Json]) -> bool:
    """Return whether a well-formed message has neither content nor a substitute for it."""
    if entry.get("content") is not None:
        return False
    return entry["role"] != "assistant" or all(entry.get(name) is None for name in CONTENT_SUBSTITUTES)


CONTENT_SUBSTITUTES: Final = ("tool_calls", "function_call", "refusal", "audio")
"""Members that replace the content of an assistant's message."""


def check_images(value: list[dict[str, Json]]) -> Failure | None:
    """Return the error of an image in a message of another role than `user`. Sources: public reports of 2024 and 2025
    (openai-node#1030, OpenHands#7700); vendors of the protocol accept it."""
    for index, entry in enumerate(value):
        role = entry["role"]
        if role != "user" and _has_image(entry):
            path = f"messages[{index}]"
            message = (
                f"Invalid '{path}'. Image URLs are only allowed for messages with role 'user', but this message "
                f"with role '{role}' contains an image URL."
            )
            return refuse(message, path, "invalid_value")
    return None


def _has_image(entry: dict[str, Json]) -> bool:
    """Return whether a well-formed message has an image."""
    return any(part.get("type") == "image_url" for part in objects(entry.get("content")))


def _check_tool_messages(value: list[dict[str, Json]]) -> Failure | None:
    """Check that a tool message follows each call before any other message."""
    called: dict[str, None] = {}  # dicts as sets that keep the order
    open_: dict[str, None] = {}
    for index, entry in enumerate(value):
        if entry["role"] == "tool":
            call_id = entry["tool_call_id"]
            if not called:
                return refuse(UNCALLED_MESSAGE, f"messages.[{index}].role")
            if call_id not in called:
                message = f"'tool_call_id' of '{call_id}' not found in 'tool_calls' of previous message."
                return refuse(f"Invalid parameter: {message}", f"messages.[{index}].tool_call_id")
            open_.pop(call_id, None)
            continue
        if open_:
            return _missing_results(open_, index)
        calls = entry.get("tool_calls") if entry["role"] == "assistant" else None
        called = dict.fromkeys([call["id"] for call in calls or ()])
        open_ = dict(called)
    return _missing_results(open_, len(value) - 1) if open_ else None


class OpenToolCalls(Struct, eq=False):
    """The ids of the tool calls of the last message that is no tool message, `called`. Those of them in `open` still
    have no tool message. `called` is replaced and never changed; only `open` changes in place.
    `misplaced_image` is not of calls: it is known from the same walk over the messages."""

    called: Collection[str] = ()
    open: set[str] = field(default_factory=set)
    misplaced_image: bool = False
    """Whether a message of another role than `user` has an image."""

    def accepted(self, *, serves_openai_models: bool) -> bool:
        """Return whether all calls have their results, and no image is misplaced for OpenAI's models."""
        return not self.open and not (serves_openai_models and self.misplaced_image)


_OPEN_TOOL_CALLS: Final = MemoKey[OpenToolCalls]()


def _fast_accepts_turns(divided: DividedBody, *, serves_openai_models: bool) -> bool:
    """Return what `fast_accepts_all` returns, of a body that has messages; only new ones are read."""
    calls = divided.reduce_turns(memo_key=_OPEN_TOOL_CALLS, initial=_initial_calls, step=_fast_accepts_next)
    return calls is not None and calls.accepted(serves_openai_models=serves_openai_models)


_CHECKS: Final = {
    True: ("chat", partial(_fast_accepts_turns, serves_openai_models=True)),
    False: ("chat of a vendor", partial(_fast_accepts_turns, serves_openai_models=False)),
}
"""The name of the check, and what accepts the turns of a conversation, by whether the models are OpenAI's."""


def _initial_calls(calls: OpenToolCalls | None) -> OpenToolCalls:
    if calls is None:
        return OpenToolCalls()
    return OpenToolCalls(calls.called, set(calls.open), calls.misplaced_image)


def _fast_accepts_next(calls: OpenToolCalls, entry: Json) -> bool:
    """Return whether the checks of shapes and of calls accept the next message, and update `calls` by it."""
    if type(entry) is not dict:
        return False
    role, member_count = entry.get("role"), len(entry)
    if member_count == 2 and role in ROLES_WITH_TEXT and type(entry.get("content")) is str:
        calls.called = ()
        return not calls.open
    if not (member_count == 3 and _fast_accepts_shape(entry)) and (
        _message(entry, "") is not None or _lacks_content(entry)
    ):
        return False
    if role != "user" and type(entry.get("content")) is list and _has_image(entry):
        calls.misplaced_image = True
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


def _missing_results(ids: Iterable[str], index: int) -> Failure:
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(ids)}"
    )
    return refuse(message, f"messages.[{index}].role")


def check(request: Request) -> Failure | None:
    body = request.body
    if type(body) is not dict:
        return check_readable(request)
    assert isinstance(request, ChatRequest)
    if request.simple_body is not None:
        return None
    if request.divided_body is None:
        serves_openai_models = request.provider in PROVIDERS_OF_OPENAI_MODELS
        error = check_body(
            body,
            serves_openai_models=serves_openai_models,
            messages_are_accepted=bool(request.plain_messages),  # each has only a role and a text
        )
        return _check_json_mode(body, None) if error is None and serves_openai_models else error
    serves_openai_models = request.provider in PROVIDERS_OF_OPENAI_MODELS
    name, accepts_turns = _CHECKS[serves_openai_models]
    error = check_unless_passed_before(
        request,
        name,
        lambda: check_body(body, serves_openai_models=serves_openai_models),
        accepts_turns,
    )
    if error is not None or not serves_openai_models:
        return error
    return check_messages_of_model(body) or _check_json_mode(body, request.divided_body)


def _check_json_mode(body: dict[str, Json], divided: DividedBody | None) -> Failure | None:
    """Return the error of JSON mode for messages without the word `json`."""
    format_ = body.get("response_format")
    if format_ is None or format_["type"] != "json_object":
        return None
    found = contain_word_json(body["messages"]) if divided is None else turns_contain_word_json(divided)
    return None if found else refuse(WITHOUT_JSON, "messages")


WITHOUT_JSON: Final = (
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
)


def check_body(
    body: dict[str, Json], *, serves_openai_models: bool = False, messages_are_accepted: bool = False
) -> Failure | None:
    """Return the first error. `serves_openai_models`: see `PROVIDERS_OF_OPENAI_MODELS`.
    `messages_are_accepted`: whether the messages are known to be accepted."""
    model = body.get("model")
    if model is None or (serves_openai_models and model == ""):
        return refuse("you must provide a model parameter")
    if "messages" not in body:
        return missing_parameter("messages")
    messages = body["messages"]
    messages_are_accepted = messages_are_accepted or fast_accepts_all(
        messages, serves_openai_models=serves_openai_models
    )
    error = string(model, "model")
    if error is None and not messages_are_accepted:
        error = check_message_shapes(messages)
    if error is None:
        checks = field_checks_of(model) if serves_openai_models else FIELDS
        error = check_fields(body, checks) or check_dependencies(body)
    if error is None and serves_openai_models:
        error = check_openai_dependencies(body) or check_chat_model(body)
    if error is not None or messages_are_accepted:
        return error
    return check_contents_and_order(messages) or (check_images(messages) if serves_openai_models else None)
