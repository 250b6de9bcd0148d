"""Checks of the items of a responses request's input."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.validators import (
    Check,
    array,
    by_type,
    members,
    one_of,
    refuse,
    string,
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


def _content(value: Json, path: str) -> Failure | None:
    if type(value) is str:
        return None
    if type(value) is not list:
        return wrong_type(value, path, "one of a string or array of content parts")
    return array(by_type(PARTS), "objects")(value, path)


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


def check_items(value: list[Json], path: str) -> Failure | None:
    """Check all items one by one, then that each reasoning item precedes an item of the model."""
    for index, item in enumerate(value):
        error = _item(item, f"{path}[{index}]")
        if error is not None:
            return error
    for item, following in pairwise([*value, {"role": "user"}]):
        if item.get("type") == "reasoning" and "id" in item and following.get("role") not in MODEL_ROLES:
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
