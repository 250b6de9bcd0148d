"""Checks of a request's types: Ollama's server decodes JSON into Go types, and names the field that does not fit.

The wording is Go's `encoding/json`; unknown fields pass, and a null field counts as absent. Options have their own
wording, as in Ollama's source of August 2026 (`Options` and `FromMap` of `api/types.go`). That server has the status
500 for them. Here a request makes no 5xx, so they are a 400.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.dialects.ollama.request import MAX_LOGPROBS

TypeCheck: TypeAlias = Callable[[Json, str], str | None]
"""Returns the error of a value at a path; None where the value has the type."""
_KINDS: Final = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_ROLES: Final = ("system", "user", "assistant", "tool")


def of_type(go_type: str, *types: type) -> TypeCheck:
    def check(value: Json, path: str) -> str | None:
        if value is None or type(value) in types:
            return None
        return f"json: cannot unmarshal {_KINDS[type(value)]} into Go struct field {path} of type {go_type}"

    return check


string: Final = of_type("string", str)
boolean: Final = of_type("bool", bool)
options: Final = of_type("map[string]interface {}", dict)


def list_of(check_item: TypeCheck, go_type: str) -> TypeCheck:
    of_list = of_type(f"[]{go_type}", list)

    def check(value: Json, path: str) -> str | None:
        errors = (check_item(item, path) for item in value or ()) if type(value) is list else ()
        return of_list(value, path) or next((error for error in errors if error is not None), None)

    return check


def _map_of_texts(value: Json, path: str) -> str | None:
    errors = (string(item, path) for item in value.values()) if type(value) is dict else ()
    return _TEXTS(value, path) or next((error for error in errors if error is not None), None)


_TEXTS: Final = of_type("map[string]string", dict)


def structure(fields: Mapping[str, TypeCheck], go_type: str) -> TypeCheck:
    of_object = of_type(go_type, dict)

    def check(value: Json, path: str) -> str | None:
        return of_object(value, path) or (first_error(value, fields, path) if value is not None else None)

    return check


def first_error(body: Mapping[str, Json], fields: Mapping[str, TypeCheck], path: str) -> str | None:
    """Return the error of the first known field, in the body's order."""
    for name, value in body.items():
        if name in fields and (error := fields[name](value, f"{path}.{name}")) is not None:
            return error
    return None


def _format(value: Json, path: str) -> str | None:
    if value in (None, "", "json") or type(value) is dict:
        return None
    return f'invalid format: {value!r}; expected "json" or a valid JSON Schema object'


def _think(value: Json, path: str) -> str | None:
    if value is None or type(value) is bool or value in ("high", "medium", "low", "max"):
        return None
    return f'invalid think value: {value!r} (must be "high", "medium", "low", "max", true, or false)'


def _role(value: Json, path: str) -> str | None:
    if string(value, path) is None and value not in (None, *_ROLES):
        return f"invalid role: {value}"
    return string(value, path)


_FUNCTION: Final = structure({"name": string, "arguments": options}, "api.ToolCallFunction")
_MESSAGE: Final = structure(
    {
        "role": _role,
        "content": string,
        "thinking": string,
        "images": list_of(string, "api.ImageData"),
        "tool_calls": list_of(structure({"function": _FUNCTION}, "api.ToolCall"), "api.ToolCall"),
        "tool_name": string,
    },
    "api.Message",
)
_TOOL_FUNCTION: Final = structure(
    {"name": string, "description": string, "parameters": options}, "api.ToolFunction"
)
_GENERATION: Final[dict[str, TypeCheck]] = {
    "model": string,
    "stream": boolean,
    "options": options,
    "format": _format,
    "think": _think,
    "logprobs": boolean,
    "top_logprobs": of_type("int", int),
}
CHAT: Final[dict[str, TypeCheck]] = {
    **_GENERATION,
    "messages": list_of(_MESSAGE, "api.Message"),
    "tools": list_of(structure({"type": string, "function": _TOOL_FUNCTION}, "api.Tool"), "api.Tool"),
}
GENERATE: Final[dict[str, TypeCheck]] = {
    **_GENERATION,
    **dict.fromkeys(("prompt", "suffix", "system", "template"), string),
    "context": list_of(of_type("int", int), "int"),
    "raw": boolean,
    "images": list_of(string, "api.ImageData"),
}
SHOW: Final[dict[str, TypeCheck]] = {"model": string, "name": string, "verbose": boolean}
DELETE: Final[dict[str, TypeCheck]] = {"model": string, "name": string}
PULL: Final[dict[str, TypeCheck]] = {**DELETE, "insecure": boolean, "stream": boolean}
COPY: Final[dict[str, TypeCheck]] = {"source": string, "destination": string}
CREATE: Final[dict[str, TypeCheck]] = {
    **DELETE,
    **dict.fromkeys(("from", "quantize", "template", "system"), string),
    "stream": boolean,
    "files": _map_of_texts,
    "adapters": _map_of_texts,
    "parameters": of_type("map[string]interface {}", dict),
    "messages": list_of(_MESSAGE, "api.Message"),
}
EMBED: Final[dict[str, TypeCheck]] = {
    "model": string,
    "prompt": string,
    "truncate": boolean,
    "dimensions": of_type("int", int),
    "options": options,
}

_OPTION_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "integer": (int, float),
    "float32": (int, float),
    "boolean": (bool,),
    "array": (list,),
}
"""The types of JSON by the names of option types. An integer may have a fraction, which is ignored."""
_OPTIONS: Final = {
    **dict.fromkeys(("num_keep", "seed", "num_predict", "top_k", "repeat_last_n"), "integer"),
    **dict.fromkeys(
        ("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict"), "integer"
    ),
    **dict.fromkeys(("top_p", "min_p", "typical_p", "temperature"), "float32"),
    **dict.fromkeys(("repeat_penalty", "presence_penalty", "frequency_penalty"), "float32"),
    "use_mmap": "boolean",
    "stop": "array",
}


def check_options(body: Mapping[str, Json]) -> Failure | None:
    """Return the error of the first option of a wrong type, which the server finds when it loads the model."""
    for name, value in object_of(body.get("options")).items():
        kind = _OPTIONS.get(name)
        if kind is None or value is None:
            continue
        if type(value) not in _OPTION_TYPES[kind]:
            return Failure("bad_request", message=f'option "{name}" must be of type {kind}')
        if kind == "array" and any(type(item) is not str for item in value):
            return Failure("bad_request", message=f'option "{name}" must be of an array of strings')
    return None


def check_fields(
    body: dict[str, Json], fields: Mapping[str, TypeCheck], structure_name: str
) -> Failure | None:
    """Return the first error of the fields, or of a missing model."""
    error = check_types(body, fields, structure_name)
    if error is None and not (body.get("model") or body.get("name")):
        return Failure("bad_request", message="model is required")
    return error


def check_generation(
    body: dict[str, Json], fields: Mapping[str, TypeCheck], structure_name: str
) -> Failure | None:
    """Return the first error of a request that generates."""
    failure = check_fields(body, fields, structure_name)
    if failure is None and not 0 <= (body.get("top_logprobs") or 0) <= MAX_LOGPROBS:
        return Failure("bad_request", message=f"top_logprobs must be between 0 and {MAX_LOGPROBS}")
    return failure or check_options(body)


def check_types(
    body: Mapping[str, Json], fields: Mapping[str, TypeCheck], structure_name: str
) -> Failure | None:
    """Return the first error of the fields."""
    error = first_error(body, fields, structure_name)
    return None if error is None else Failure("bad_request", message=error)
