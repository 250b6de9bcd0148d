"""The results of functions as clients wrap them."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of

RESULT_KEYS: Final = frozenset({"output", "result", "return_value", "error"})
"""A function's response with only one of these keys is replaced by the key's value."""


def unwrap_result(response: Json, name: str | None) -> tuple[Json, bool]:
    """Return the result of a function, and whether it is an error. A response must be an object, so clients wrap the
    result: in one of `RESULT_KEYS`, or in `content` beside the function's name, optionally as texts."""
    if type(response) is not dict:
        return response, False
    if len(response) == 1 and (key := next(iter(response))) in RESULT_KEYS:
        return response[key], key == "error"
    if name is not None and response.keys() == {"name", "content"} and response["name"] == name:
        content = response["content"]
        texts = [text_of(object_of(entry).get("text")) for entry in content] if type(content) is list else []
        present = [text for text in texts if text is not None]
        return "\n".join(present) if present and len(present) == len(texts) else content, False
    return response, False
