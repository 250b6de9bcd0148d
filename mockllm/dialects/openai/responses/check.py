"""Checks of a responses request's shape, ranges and input items, with the messages and codes of the service.

Unknown model names, keys and fields pass. A null field counts as absent. The checks have the service's order:
required fields, shapes, stored responses, dependencies between fields, what the model does not support. A public
project measured it in August 2026 (local-OAuth-CLI-API-adapter of kangminlee-maker).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.known_checks import check_unless_passed_before
from mockllm.core.request.request import Request
from mockllm.core.request.typed_memo import MemoKey
from mockllm.dialects.openai.json_word import contain_word_json, turns_contain_word_json
from mockllm.dialects.openai.model_restrictions import PROVIDERS_OF_OPENAI_MODELS, check_responses_model
from mockllm.dialects.openai.responses.fields import FIELDS, OPENAI_FIELDS, moved_messages
from mockllm.dialects.openai.responses.item_types import check_item_type
from mockllm.dialects.openai.responses.reasoning import check_reasoning
from mockllm.dialects.openai.responses.request import CALLS, RESULTS, InputRequest
from mockllm.dialects.openai.validators import (
    Check,
    array,
    by_type,
    check_fields,
    check_readable,
    check_stream_options,
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
    "computer_screenshot": object_,
    "scoped_content": object_,
    "encrypted_content": object_,
}
_LISTED_PARTS: Final = (
    *("input_text", "input_image", "input_audio", "output_text", "refusal", "input_file"),
    *("computer_screenshot", "summary_text", "encrypted_content"),
)
"""The types of parts that messages name."""
_part: Final = by_type(PARTS, _LISTED_PARTS)
_content: Final = text_or(list, array(_part, "objects"), "array of content parts")
OF_ASSISTANT: Final[tuple[str, ...]] = ("output_text", "refusal")
"""The types of parts in a message of the assistant."""
OF_OTHERS: Final[tuple[str, ...]] = (
    "input_text",
    "input_image",
    "input_file",
    "scoped_content",
    "input_audio",
)
"""The types of parts in any other message."""
PHASES: Final = ("commentary", "final_answer")
CALL_MEMBERS: Final = {"call_id": string, "name": string}
OUTPUT_MEMBERS: Final = {"call_id": string, "output": _content}
ITEMS: Final[dict[str, Check]] = {
    "message": members(("content",), {"content": _content}),
    "function_call": members(("call_id", "name", "arguments"), {**CALL_MEMBERS, "arguments": string}),
    "custom_tool_call": members(("call_id", "name", "input"), {**CALL_MEMBERS, "input": string}),
    "function_call_output": members(("call_id", "output"), OUTPUT_MEMBERS),
    "custom_tool_call_output": members(("call_id", "output"), OUTPUT_MEMBERS),
    "reasoning": members(("summary",), {"summary": array(by_type(PARTS), "objects")}),
    "item_reference": members(("id",), {"id": string}),
}
"""The checked item types."""
MODEL_ROLES: Final = ("assistant", None)
"""The roles of the model's items: none, except for messages."""


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
    serves_openai_models = follows is follows_reasoning
    for index, item in enumerate(value):
        error = _item(item, f"{path}[{index}]", serves_openai_models=serves_openai_models)
        if error is not None:
            return error
    for item, following in pairwise([*value, {"role": "user"}]):
        if item.get("type") == "reasoning" and item.get("id") is not None and not follows(following):
            message = (
                f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
            )
            return refuse(message, path)
    return None


def _item(value: Json, path: str, *, serves_openai_models: bool = True) -> Failure | None:
    """Return the error of an item. `serves_openai_models`: OpenAI and Azure refuse unknown types, and parts of
    another role."""
    if type(value) is not dict:
        return wrong_type(value, path, "an input item")
    kind = value.get("type", "message")
    if type(kind) is not str:
        return check_item_type("", path)
    if kind == "message":
        role = value.get("role", "")
        if role not in ROLES:
            return unsupported(role if type(role) is str else "", path, ROLES)
    check = ITEMS.get(kind)
    if check is None and serves_openai_models:
        return check_item_type(kind, path)
    error = None if check is None else check(value, path)
    return (
        _check_parts(value, path) if error is None and serves_openai_models and kind == "message" else error
    )


_phase: Final = one_of(*PHASES)


def _check_parts(message: dict[str, Json], path: str) -> Failure | None:
    """Return the error of a part that a message of this role cannot have, or of an assistant's phase."""
    by_assistant = message["role"] == "assistant"
    if by_assistant and message.get("phase") is not None:
        error = _phase(message["phase"], f"{path}.phase")
        if error is not None:
            return error
    content, allowed = message["content"], OF_ASSISTANT if by_assistant else OF_OTHERS
    if type(content) is not list:
        return None
    for index, part in enumerate(content):
        if part["type"] not in allowed:
            return unsupported(part["type"], f"{path}.content[{index}]", allowed)
    return None


SOURCES: Final = ("input", "previous_response_id", "prompt", "conversation")
"""The fields that can contain the input; a request has at least one of them."""


class ItemOrder(Struct, eq=False):
    """Whether the last item is a reasoning item with an id, and each call so far with whether it has an output."""

    reasoning: bool = False
    outputs: dict[str | None, bool] = field(default_factory=dict)


def _initial_order(order: ItemOrder | None) -> ItemOrder:
    return ItemOrder() if order is None else ItemOrder(order.reasoning, order.outputs.copy())


def _fast_accepts_next(order: ItemOrder, item: Json) -> bool:
    """Return whether an item and its place after the others are accepted; a reference is not."""
    if _item(item, "") is not None:
        return False
    kind = item.get("type")
    if kind == "item_reference" or (order.reasoning and not follows_reasoning(item)):
        return False
    order.reasoning = kind == "reasoning" and item.get("id") is not None
    if kind in CALLS:
        order.outputs[text_of(item.get("call_id"))] = False
    elif kind in RESULTS:
        id = text_of(item.get("call_id"))
        if id not in order.outputs:
            return False
        order.outputs[id] = True
    return True


_ORDER: Final = MemoKey[ItemOrder]()


def fast_accepts_turns(divided: DividedBody) -> bool:
    """Return whether the items of a body are accepted that has some, and continues no stored response."""
    if (
        divided.fields.get("previous_response_id") is not None
        or divided.fields.get("conversation") is not None
    ):
        return False
    order = divided.reduce_turns(memo_key=_ORDER, initial=_initial_order, step=_fast_accepts_next)
    return order is not None and not order.reasoning and all(order.outputs.values())


_OPENAI_CHECK, _VENDOR_CHECK = "responses", "responses of a vendor"


def check(request: Request) -> Failure | None:
    """Return the first error: required fields, then each field in the body's order, then dependencies between
    fields."""
    serves_openai_models = request.provider in PROVIDERS_OF_OPENAI_MODELS
    error = check_unless_passed_before(
        request,
        _OPENAI_CHECK if serves_openai_models else _VENDOR_CHECK,
        lambda: _check_whole(request, serves_openai_models=serves_openai_models),
        fast_accepts_turns,
    )
    return error or (_check_json_mode(request) if serves_openai_models else None)


def _check_json_mode(request: Request) -> Failure | None:
    """Return the error of JSON mode for an input without the word `json`. A prompt or a conversation that is unknown
    here may contain it."""
    body = request.fields
    format_ = object_of(object_of(body.get("text")).get("format"))
    if format_.get("type") != "json_object" or body.get("prompt") is not None or not request.generates:
        return None
    assert isinstance(request, InputRequest)
    if request.conversation is not None and request.previous is None:
        return None
    divided = request.divided_body
    known = divided is not None and not request.before
    found = turns_contain_word_json(divided) if divided and known else contain_word_json(request.items)
    return None if found else refuse(WITHOUT_JSON, "input")


WITHOUT_JSON: Final = (
    "Response input messages must contain the word 'json' in some form "
    "to use 'text.format' of type 'json_object'."
)


def _check_whole(request: Request, *, serves_openai_models: bool) -> Failure | None:
    body = request.fields
    error = (
        check_readable(request)
        or _check_required(body, serves_openai_models=serves_openai_models)
        or _check_present(request, serves_openai_models=serves_openai_models)
    )
    if error is not None:
        return error
    filled = serves_openai_models and request.generates  # the input of a warm-up by WebSocket is empty
    if not body.get("input") and not any(
        body.get(name) if filled else body.get(name) is not None for name in SOURCES
    ):
        return refuse(
            WITHOUT_INPUT_MESSAGE, None if serves_openai_models else "input", "missing_required_parameter"
        )
    if body.get("background") is True and body.get("store") is False:
        return refuse("Background mode requires 'store' to be true.", "background")  # the words are inferred
    choice = None if body.get("tool_choice") == "none" else body.get("tool_choice")
    error = check_stream_options(body)
    if error is None and choice is not None:
        error = _check_tool_choice(choice, body.get("tools"))
    return error or (check_responses_model(body) if serves_openai_models else None)


WITHOUT_INPUT_MESSAGE: Final = (
    "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided."
)


def _check_required(body: Mapping[str, Json], *, serves_openai_models: bool) -> Failure | None:
    """Return the error of a model or an input that is missing. A stored prompt can have both."""
    if serves_openai_models and "messages" in body and "input" not in body:
        return moved_messages()
    model, prompt = body.get("model"), body.get("prompt")
    if model is None and prompt is None:
        return (
            wrong_type({}, "model", "a string")
            if serves_openai_models and "model" in body
            else missing_parameter("model")
        )
    if not serves_openai_models:
        return None
    if model == "":
        return refuse("The requested model '' does not exist.", "model", "model_not_found")
    if "input" not in body:
        return missing_parameter("input") if prompt is None else None
    if body["input"] is None and all(body.get(name) is None for name in SOURCES):
        return wrong_type({}, "input", "a string")  # of null, the service says that it is an object
    return None


def check_input(request: Request) -> Failure | None:
    """Return the error of the fields that are present."""
    return check_readable(request) or _check_present(
        request, serves_openai_models=request.provider in PROVIDERS_OF_OPENAI_MODELS
    )


def _check_present(request: Request, *, serves_openai_models: bool) -> Failure | None:
    error = _check_shapes(request.fields, serves_openai_models=serves_openai_models)
    if error is not None:
        return error
    assert isinstance(request, InputRequest)
    if request.conversation is not None:
        if serves_openai_models and request.fields.get("previous_response_id") is not None:
            return refuse(EXCLUSIVE_MESSAGE, None, "mutually_exclusive_parameters")
        if request.previous is None:
            return None  # the conversation began elsewhere; its items are unknown
    return (
        _check_references(request)
        or check_reasoning(request.items, request.object_lookup)
        or _check_call_outputs(request.items)
    )


EXCLUSIVE_MESSAGE: Final = (
    "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'pre..._id' or 'conversation'."
)


def _check_shapes(body: Mapping[str, Json], *, serves_openai_models: bool) -> Failure | None:
    model, value = body.get("model"), body.get("input")
    error = None if model is None else string(model, "model")
    if error is None and value is not None:
        error = (_openai_input if serves_openai_models else _vendor_input)(value, "input")
    return error or check_fields(body, OPENAI_FIELDS if serves_openai_models else FIELDS)


def _other_items(value: list[Json], path: str) -> Failure | None:
    return check_items(value, path, _is_of_model)


_openai_input: Final = text_or(list, check_items, "array of input items")
_vendor_input: Final = text_or(list, _other_items, "array of input items")
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
