"""Checks of a responses request's shape, ranges and input items, with the messages and codes of the service.

Unknown model names, keys and fields pass. A null field counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.known_checks import check_known
from mockllm.core.request.request import Request
from mockllm.dialects.openai.responses.reasoning import check_reasoning
from mockllm.dialects.openai.responses.request import CALLS, RESULTS, InputRequest
from mockllm.dialects.openai.strict_schema import check_parameters, check_response_schema
from mockllm.dialects.openai.unsupported import OWN_MODELS, check_responses_model
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    by_type,
    check_fields,
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
    wrong_type,
)

ROLES: Final = ("assistant", "system", "developer", "user")
PARTS: Final[dict[str, Check]] = {
    "input_text": members(("text",), {"text": string}),
    "input_image": members((), {"image_url": string, "file_id": string}),
    "input_file": members((), {"file_id": string, "file_data": string, "file_url": string}),
    "input_audio": members(("input_audio",), {}),
    "output_text": members(("text",), {"text": string}),
    "refusal": members(("refusal",), {"refusal": string}),
    "summary_text": members(("text",), {"text": string}),
    "reasoning_text": members(("text",), {"text": string}),
    "computer_screenshot": members((), {}),
}
_content: Final = text_or(list, array(by_type(PARTS), "objects"), "array of content parts")
CALL_MEMBERS: Final = {"call_id": string, "name": string}
OUTPUT_MEMBERS: Final = {"call_id": string, "output": _content}
ITEMS: Final[dict[str, Check]] = {
    "message": members(("role", "content"), {"role": one_of(*ROLES), "content": _content}),
    "function_call": members(("call_id", "name", "arguments"), {**CALL_MEMBERS, "arguments": string}),
    "custom_tool_call": members(("call_id", "name", "input"), {**CALL_MEMBERS, "input": string}),
    "function_call_output": members(("call_id", "output"), OUTPUT_MEMBERS),
    "custom_tool_call_output": members(("call_id", "output"), OUTPUT_MEMBERS),
    "reasoning": members(("summary",), {"summary": array(by_type(PARTS), "objects")}),
    "item_reference": members(("id",), {"id": string}),
}
"""The checked item types; an item of any other type passes."""
MODEL_ROLES: Final = ("assistant", None)
"""The roles of the model's own items: none, except for messages."""


def follows_reasoning(item: dict[str, Json]) -> bool:
    """Return whether OpenAI accepts an item directly after reasoning with an id. A message then needs an id, too."""
    return item.get("role") is None or (item["role"] == "assistant" and item.get("id") is not None)


def _is_of_model(item: dict[str, Json]) -> bool:
    """Return whether other services accept an item directly after reasoning with an id."""
    return item.get("role") in MODEL_ROLES


def check_items(
    value: list[Json], path: str, follows: Callable[[dict[str, Json]], bool] = follows_reasoning
) -> Failure | None:
    """Check all items one by one, then that each reasoning item precedes an item that `follows` accepts."""
    for index, item in enumerate(value):
        error = _item(item, f"{path}[{index}]")
        if error is not None:
            return error
    for item, following in pairwise([*value, {"role": "user"}]):
        if item.get("type") == "reasoning" and "id" in item and not follows(following):
            message = (
                f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
            )
            return refuse(message, path)
    return None


def _item(value: Json, path: str) -> Failure | None:
    if type(value) is not dict:
        return wrong_type(value, path, "an object")
    kind = value.get("type", "message")
    if type(kind) is not str:
        return wrong_type(kind, f"{path}.type", "a string")
    check = ITEMS.get(kind)
    return None if check is None else check(value, path)


_name: Final = text(128, r"^[a-zA-Z0-9_-]+$")
_described: Final = {"name": _name, "description": string, "strict": boolean, "parameters": object_}
SOURCES: Final = ("input", "previous_response_id", "prompt", "conversation")
"""The fields that can contain the input; a request has at least one of them."""
FORMATS: Final[dict[str, Check]] = {
    "text": object_,
    "json_object": object_,
    "json_schema": members(("name", "schema"), {"name": _name, "schema": object_, "strict": boolean}),
}
CHOICES: Final[dict[str, Check]] = {
    "function": members(("name",), {"name": string}),
    "custom": members(("name",), {"name": string}),
    "allowed_tools": members(
        ("mode", "tools"),
        {"mode": one_of("auto", "required"), "tools": array(object_, "objects", min_length=1)},
    ),
}
_typed: Final = members(("type",), {"type": string})


class ItemOrder(Struct, eq=False):
    """Whether the last item is a reasoning item with an id, and each call so far with whether it has an output."""

    reasoning: bool = False
    outputs: dict[str | None, bool] = field(default_factory=dict)


def _continued(order: ItemOrder | None) -> ItemOrder:
    return ItemOrder() if order is None else ItemOrder(order.reasoning, order.outputs.copy())


def _passes(order: ItemOrder, item: Json) -> bool:
    """Return whether an item and its place after the others are accepted; a reference is not."""
    if _item(item, "") is not None:
        return False
    kind = item.get("type")
    if kind == "item_reference" or (order.reasoning and not follows_reasoning(item)):
        return False
    order.reasoning = kind == "reasoning" and "id" in item
    if kind in CALLS:
        order.outputs[text_of(item.get("call_id"))] = False
    elif kind in RESULTS:
        id = text_of(item.get("call_id"))
        if id not in order.outputs:
            return False
        order.outputs[id] = True
    return True


def turns_pass(divided: DividedBody) -> bool:
    """Return whether the items of a body are accepted that has some, and continues no stored response."""
    if (
        divided.fields.get("previous_response_id") is not None
        or divided.fields.get("conversation") is not None
    ):
        return False
    order = divided.reduce_turns(_passes, _continued, _passes)
    return order is not None and not order.reasoning and all(order.outputs.values())


def check(request: Request) -> Failure | None:
    """Return the first error: required fields, then each field in the body's order, then dependencies between
    fields."""
    error = check_known(request, check, lambda: _check_whole(request), turns_pass)
    return (
        check_responses_model(request.fields) if error is None and request.provider in OWN_MODELS else error
    )


def _check_whole(request: Request) -> Failure | None:
    error = check_input(request)
    if error is not None:
        return error
    body = request.fields
    if body.get("model") is None and body.get("prompt") is None:
        return missing("model")
    if all(body.get(name) is None for name in SOURCES):
        message = (
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided."
        )
        return refuse(message, "input", "missing_required_parameter")
    if body.get("background") is True and body.get("store") is False:
        return refuse("Background mode requires 'store' to be true.", "background")  # the words are inferred
    if body.get("stream_options") is not None and body.get("stream") is not True:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return refuse(message, "stream_options")
    choice = body.get("tool_choice")
    return None if choice is None or choice == "none" else _check_tool_choice(choice, body.get("tools"))


def check_input(request: Request) -> Failure | None:
    """Return the error of the fields that are present."""
    error = check_readable(request)
    if error is not None:
        return error
    own = request.provider in OWN_MODELS
    error = check_fields(request.fields, FIELDS if own else COMPATIBLE_FIELDS)
    if error is not None:
        return error
    assert isinstance(request, InputRequest)
    if request.conversation is not None and request.previous is None:
        return None  # the conversation began elsewhere; its items are unknown
    return (
        _check_references(request)
        or check_reasoning(request.items, request.response_lookup)
        or _check_call_outputs(request.items)
    )


UNKNOWN_ID_NOTE: Final = (
    "the id of a response or item exists after a call of the same session that creates it; "
    "`validation: lenient` accepts any id"
)


def _check_references(request: InputRequest) -> Failure | None:
    previous = request.fields.get("previous_response_id")
    if previous is not None and request.previous is None:
        message = f"Previous response with id '{previous}' not found."
        refusal = refuse(message, "previous_response_id", "previous_response_not_found")
        return replace(refusal, note=UNKNOWN_ID_NOTE)
    for item in request.items:
        if item.get("type") == "item_reference":
            message = (
                f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to "
                "false. Try again with `store` set to true, or remove this item from your input."
            )
            return replace(refuse(message, "input"), status=404, note=UNKNOWN_ID_NOTE)
    return None


def _check_call_outputs(items: list[dict[str, Json]]) -> Failure | None:
    """Check that every output follows its call, and that every call has an output. Stored items were not
    always checked."""
    has_output: dict[str | None, bool] = {}
    for item in items:
        id = text_of(item.get("call_id"))
        if item.get("type") in CALLS:
            has_output[id] = False
        elif item.get("type") in RESULTS:
            if id not in has_output:
                return refuse(f"No tool call found for function call output with call_id {id}.", "input")
            has_output[id] = True
        elif item.get("type") == "tool_search_call" and id is not None:
            has_output[id] = True  # a search by the client, whose output may be that of a function
    open_ = [id for id, closed in has_output.items() if not closed]
    return refuse(f"No tool output found for function call {open_[0]}.", "input") if open_ else None


def _tool(value: Json, path: str) -> Failure | None:
    """Check a tool; only tools that the client itself executes are checked in detail."""
    error = _typed(value, path)
    if error is not None or value["type"] not in ("function", "custom"):
        return error
    return members(("name",), _described)(value, path) or check_parameters(value, f"{path}.parameters")


def _tool_choice(value: Json, path: str) -> Failure | None:
    error = _typed(value, path)
    return error if error is not None or value["type"] not in CHOICES else CHOICES[value["type"]](value, path)


def _format(value: Json, path: str) -> Failure | None:
    error = by_type(FORMATS)(value, path)
    if error is not None or value["type"] != "json_schema":
        return error
    return check_response_schema(value, f"{path}.schema", "invalid_json_schema")


def _check_tool_choice(choice: Json, tools: Json) -> Failure | None:
    """Check that the tools contain the chosen tool; both arguments are well-formed."""
    if choice == "auto" or (type(choice) is dict and choice["type"] not in ("function", "custom")):
        return None
    if not tools:
        return refuse("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
    if type(choice) is str or any(_is_chosen(tool, choice) for tool in tools):
        return None
    message = f"Tool choice '{choice['name']}' not found in 'tools' parameter."
    return refuse(message, "tool_choice")


def _is_chosen(tool: dict[str, Json], choice: dict[str, Json]) -> bool:
    return (tool["type"], tool.get("name")) == (choice["type"], choice["name"])


FIELDS: Final[dict[str, Check]] = {
    "model": string,
    "input": text_or(list, check_items, "array of input items"),
    "background": boolean,
    "include": array(string, "strings"),
    "instructions": string,
    "max_output_tokens": integer(16),  # public reports: earendil-works/pi 6265, for Azure hindsight 58
    "max_tool_calls": integer(1),
    "metadata": object_,
    "parallel_tool_calls": boolean,
    "previous_response_id": string,
    "prompt": members(("id",), {"id": string}),
    "reasoning": members(
        (),
        {
            "effort": one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
            "summary": one_of("auto", "concise", "detailed"),
        },
    ),
    "service_tier": one_of("auto", "default", "flex", "scale", "priority", "fast"),
    "store": boolean,
    "stream": boolean,
    "stream_options": members((), {"include_obfuscation": boolean}),
    "temperature": decimal(0, 2),
    "text": members((), {"format": _format, "verbosity": one_of("low", "medium", "high")}),
    "tool_choice": text_or(dict, _tool_choice, "object", ("none", "auto", "required")),
    "tools": array(_tool, "objects", max_length=128),
    "top_logprobs": integer(0, 20),
    "top_p": decimal(0, 1),
    "truncation": one_of("auto", "disabled"),
    "user": string,
}
COMPATIBLE_FIELDS: Final[dict[str, Check]] = {
    **FIELDS,
    "max_output_tokens": integer(1),
    "input": text_or(list, partial(check_items, follows=_is_of_model), "array of input items"),
}
"""The checks of other services that have OpenAI's protocol."""
