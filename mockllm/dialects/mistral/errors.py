"""Mistral's errors, its refusals of requests that OpenAI accepts, and its form of those that both refuse.

From recordings of February and August 2026. A body of a wrong form gets a 422 whose `detail` has the place of each
wrong value. The types of these entries other than `enum`, `missing` and `string_type` are inferred. The
recordings are of chats. Embeddings and `/fim/completions` have the same error in the `mistralai` package (3.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of, object_of, text_of
from mockllm.core.randomness import Ids
from mockllm.core.request.request import Request
from mockllm.core.text_vectors import QUANTIZED
from mockllm.dialects.openai.errors import INVALID, OpenAiErrorRow
from mockllm.dialects.openai.validators import (
    Check,
    check_fields,
    decimal,
    integer,
    missing_parameter,
    one_of,
    unsupported,
)
from mockllm.dialects.vendors.errors import rows

MAX_INPUTS: Final = 256
"""The most texts of an embeddings request."""
VECTOR_FIELDS: Final[dict[str, Check]] = {
    "output_dimension": integer(1),
    "output_dtype": one_of("float", *QUANTIZED),
}
FIXED_SIZE_MODEL: Final = "mistral-embed"
"""The beginning of the names of models whose vectors have one size (public report: upsidelab/enthusiast)."""
MALFORMED: Final = "malformed"
"""The error of a body of a wrong form, in Mistral's table alone."""
WITH_DETAILS: Final = frozenset({"chat", "embeddings", "fim"})
"""The APIs that refuse a body of a wrong form with a 422; others have a 400."""
TOOL_TYPES: Final = ("function",)
check_temperature: Final = decimal(0, 1.5)
"""The range of the types of the `mistralai` package, for chats and for `/fim/completions`."""
ERRORS: Final = rows(
    {},
    **{
        "model_not_found": OpenAiErrorRow(400, "invalid_model", "1500", "Invalid model: {model}"),
        "context_length": OpenAiErrorRow(
            400,
            "invalid_request_invalid_args",
            "3051",
            "Prompt contains {tokens} tokens and 0 draft tokens, too large for model with {limit} maximum context "
            "length",
        ),
        "rate_limit": OpenAiErrorRow(429, "rate_limited", "1300", "Rate limit exceeded", retry_after=1.0),
        "server_error": OpenAiErrorRow(500, "internal_server_error", "1000", "Service unavailable."),
        "overloaded": OpenAiErrorRow(503, "internal_server_error", "3800", "Service unavailable."),
        "unavailable": OpenAiErrorRow(503, "unreachable_backend", "1100", "Internal server error"),
        MALFORMED: OpenAiErrorRow(422, INVALID, None, "The body has a wrong form."),
    },
)
"""Its own rows are as public repositories quote them in 2025 and 2026; none was recorded. The code 1300 is in
https://github.com/raycast/extensions/issues/31107 and in https://github.com/cline/cline/issues/9085. The
code 3051 is that of several refusals."""


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error. A refusal of its gateway is a `detail`, any other error an object without an
    envelope."""
    if status in (401, 403):
        return {"detail": inner["message"]}
    if status == 422:
        whole = {"type": "value_error", "loc": ["body"], "msg": inner["message"], "input": None}
        return {"detail": inner.get("detail", [whole])}
    if status == 400 and (inner["type"], inner["code"]) == (INVALID, None):
        inner = {**inner, "type": "invalid_request_invalid_args", "code": "3051"}
    return {"object": "error", **inner, "raw_status_code": status}


def check_chat(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of a missing model, of a temperature, of a tool that is no function, or of probabilities,
    which no recorded model has."""
    if body.get("model") is None:
        return missing_parameter("model")
    temperature = body.get("temperature")
    error = None if temperature is None else check_temperature(temperature, "temperature")
    if error is not None:
        return error
    for number, tool in enumerate(list_of(body.get("tools"))):
        kind = object_of(tool).get("type")
        if type(kind) is str and kind not in TOOL_TYPES:
            return unsupported(kind, f"tools[{number}].type", TOOL_TYPES)
    if body.get("logprobs") is not True:
        return None
    return refusal("This model has no logprobs.", "invalid_request_invalid_args", "3051")


def check_embeddings(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of the vectors' form, of a dimension that the model does not have, or of too many texts."""
    error = check_fields(body, VECTOR_FIELDS)
    if error is not None:
        return error
    if body.get("output_dimension") is not None and body["model"].startswith(FIXED_SIZE_MODEL):
        return refusal(
            "This model does not support output_dimension.", "invalid_request_invalid_args", "3051"
        )
    inputs = body.get("input")
    if type(inputs) is not list or len(inputs) <= MAX_INPUTS:
        return None
    return refusal(f"A request has at most {MAX_INPUTS} inputs.", "invalid_request_prompt", "3210")


def refusal(message: str, kind: str, code: str) -> Failure:
    """Return a 400 with Mistral's type and code."""
    return Failure("bad_request", message=message, fields={"type": kind, "code": code})


# --- the form of a refusal --------------------------------------------------------------------------

Entry = tuple[str, str]
"""The type and the message of what is wrong with a value."""
MISSING_FIELD: Final[Entry] = ("missing", "Field required")
NO_TEXT: Final[Entry] = ("string_type", "Input should be a valid string")
_KINDS: Final[dict[str, Entry]] = {
    "a string": NO_TEXT,
    "an integer": ("int_type", "Input should be a valid integer"),
    "a boolean": ("bool_type", "Input should be a valid boolean"),
    "a decimal": ("float_type", "Input should be a valid number"),
    "an array": ("list_type", "Input should be a valid list"),
    "an object": ("model_attributes_type", "Input should be a valid dictionary"),
}
"""The entries of wrong types, by what OpenAI's refusal expects."""
_RANGE: Final = re.compile(r"_(below_min|above_max)_value$")
_BOUNDS: Final = {"below_min": "greater_than_equal", "above_max": "less_than_equal"}


def malformed(failure: Failure, request: Request) -> Failure:
    """Return the refusal of a body's form as Mistral has it, and any other failure as it is."""
    code, path = text_of(failure.fields.get("code")), text_of(failure.fields.get("param"))
    if code is None or path is None or request.api not in WITH_DETAILS:
        return failure
    entry = _entry(code, failure.message or "")
    if entry is None:
        return failure
    steps = [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", path)]
    return replace(failure, type=MALFORMED, fields={"detail": list(_entries(entry, steps, request.body))})


def _entry(code: str, message: str) -> Entry | None:
    """Return what is wrong with a value; None where it is not the form of the body."""
    if code == "missing_required_parameter":
        return MISSING_FIELD
    if code == "invalid_type":
        expected = message.partition(": expected ")[2].partition(",")[0].partition(" of ")[0]
        return _KINDS.get(expected, ("value_error", message))
    if code == "invalid_value":
        words = message.partition(" values are: ")[2].removesuffix(".")
        words = words.replace(", and '", " or '").replace(" and '", " or '")
        return ("enum", f"Input should be {words}") if words else ("value_error", message)
    bound = _RANGE.search(code)
    return None if bound is None else (_BOUNDS[bound[1]], message)


def _entries(entry: Entry, steps: list[str | int], body: Json) -> Iterator[Json]:
    """Yield the entries of a wrong value. A tool may also be a name, and one of another type lacks its function."""
    yield _placed(entry, steps, body)
    if steps[0] != "tools" or len(steps) == 1:
        return
    tool = _value(body, steps[:2])
    if entry[0] == "enum" and "function" not in object_of(tool):
        yield _placed(MISSING_FIELD, [*steps[:2], "function"], body)
    place = ["body", "tools", "list[str]", steps[1]]
    yield {"type": NO_TEXT[0], "loc": place, "msg": NO_TEXT[1], "input": tool}


def _placed(entry: Entry, steps: list[str | int], body: Json) -> dict[str, Json]:
    """Return an entry with its place, and with the value there. That of a missing value is the object without it."""
    kind, message = entry
    place: list[Json] = list(steps)
    if steps[0] == "tools" and len(steps) > 1:
        place.insert(1, "list[Tool]")
    if steps[0] == "messages" and len(steps) > 2 and steps[2] != "role":
        place.insert(2, object_of(_value(body, steps[:2])).get("role"))
    value = _value(body, steps[:-1] if entry is MISSING_FIELD else steps)
    result = {"type": kind, "loc": ["body", *place], "msg": message, "input": value}
    return (
        {**result, "ctx": {"expected": message.removeprefix("Input should be ")}}
        if kind == "enum"
        else result
    )


def _value(body: Json, steps: list[str | int]) -> Json:
    """Return the value at a path of the body; None where there is none."""
    value = body
    for step in steps:
        if type(step) is int:
            value = value[step] if type(value) is list and step < len(value) else None
        else:
            value = value.get(step) if type(value) is dict else None
    return value
