"""Checks of the types and ranges of values, with the message and code of OpenAI's refusal.

A `Check` takes one value and its path (`tools[0].function.name`) and returns the error, or None. OpenAI's
protocols share these checks. `chat/check.py` and `responses/check.py` have the checks of one protocol each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json, dumps
from mockllm.core.request.request import Request

Check: TypeAlias = Callable[[Json, str], Failure | None]

_KINDS: Final = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "an array",
    dict: "an object",
}

UNPARSED_MESSAGE: Final = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you "
    "have trouble figuring out how to fix this, please contact us through our help center at "
    "help.openai.com.)"
)


def refuse(message: str, param: str | None = None, code: str | None = None) -> Failure:
    """Return a 400 of the model servers."""
    return Failure("bad_request", message=message, fields={"param": param, "code": code})


def json_type(value: Json) -> str:
    """Return the JSON type of a value, as the messages name it."""
    return _KINDS[type(value)]


def wrong_type_message(value: Json, path: str, expected: str) -> str:
    return f"Invalid type for '{path}': expected {expected}, but got {json_type(value)} instead."


def wrong_type(value: Json, path: str, expected: str) -> Failure:
    return refuse(wrong_type_message(value, path, expected), path, "invalid_type")


def missing_parameter(path: str) -> Failure:
    return refuse(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def unsupported(value: Json, path: str, allowed: Sequence[str]) -> Failure:
    """Return the error of a value that is not one of the allowed words."""
    return refuse(f"Invalid value: '{value}'. {supported_values(allowed)}", path, "invalid_value")


def supported_values(allowed: Sequence[str]) -> str:
    """Return the sentence of a refusal with the allowed words."""
    return f"Supported values are: {_joined(allowed, 'and')}."


def alternatives(words: Sequence[str]) -> str:
    """Return words in quotation marks, with `or` before the last one."""
    return _joined(words, "or")


def _joined(words: Sequence[str], conjunction: str) -> str:
    listed = [f"'{word}'" for word in words]
    if len(listed) < 3:
        return f" {conjunction} ".join(listed)
    return f"{', '.join(listed[:-1])}, {conjunction} {listed[-1]}"


def boolean(value: Json, path: str) -> Failure | None:
    return None if type(value) is bool else wrong_type(value, path, "a boolean")


def string(value: Json, path: str) -> Failure | None:
    return None if type(value) is str else wrong_type(value, path, "a string")


def object_(value: Json, path: str) -> Failure | None:
    return None if type(value) is dict else wrong_type(value, path, "an object")


LEAST: Final = -(2**63)
LARGEST: Final = 2**63 - 1
"""The range of integers, as the specification of the API has it for `seed`; other fields are inferred."""


def integer(low: int = LEAST, high: int = LARGEST) -> Check:
    def check(value: Json, path: str) -> Failure | None:
        if type(value) is float and not LEAST <= value <= LARGEST:
            # The parser reads an integer of more than 64 bits as a float, which has fewer digits.
            value = int(Decimal(repr(value)))
        if type(value) is not int:
            return wrong_type(value, path, "an integer")
        return None if low <= value <= high else _out_of_range(value, path, "integer", low, high)

    return check


def decimal(low: float, high: float) -> Check:
    def check(value: Json, path: str) -> Failure | None:
        if type(value) not in (int, float):
            return wrong_type(value, path, "a decimal")
        if low <= value <= high:
            return None
        return _out_of_range(value, path, "decimal", low, high)

    return check


def _out_of_range(value: float, path: str, number_type: str, low: float, high: float) -> Failure:
    under = value < low
    bound = low if under else high
    side, code, sign = ("below minimum", "below_min", ">=") if under else ("above maximum", "above_max", "<=")
    message = (
        f"Invalid '{path}': {number_type} {side} value. "
        f"Expected a value {sign} {bound}, but got {value if type(value) is int else dumps(value).decode()} instead."
    )
    return refuse(message, path, f"{number_type}_{code}_value")


def one_of(*allowed: str, unlisted: Sequence[str] = ()) -> Check:
    """Return a check that accepts one of these words. Messages do not name the `unlisted` ones."""

    def check(value: Json, path: str) -> Failure | None:
        if type(value) is not str:
            return wrong_type(value, path, f"one of {alternatives(allowed)}")
        return None if value in allowed or value in unlisted else unsupported(value, path, allowed)

    return check


def text_of_length(max_length: int) -> Check:
    """Return a check that accepts a string of at most `max_length` characters."""

    def check(value: Json, path: str) -> Failure | None:
        if type(value) is not str:
            return wrong_type(value, path, "a string")
        return _too_long(value, path, max_length) if len(value) > max_length else None

    return check


def too_long_message(value: str, path: str, max_length: int) -> str:
    """Return what OpenAI says of a string that is too long."""
    return (
        f"Invalid '{path}': string too long. Expected a string with maximum length {max_length}, "
        f"but got a string with length {len(value)} instead."
    )


def _too_long(value: str, path: str, max_length: int) -> Failure:
    return refuse(too_long_message(value, path, max_length), path, "string_above_max_length")


prompt_cache_key: Final = text_of_length(64)
"""Public reports of 2026 quote the refusal of a longer one, in both protocols (llmgateway, llxprt-code)."""


def text(max_length: int, pattern: str | None = None) -> Check:
    """Return a check that accepts a string of 1 to `max_length` characters that matches `pattern` as a whole."""
    compiled = re.compile(pattern) if pattern is not None else None

    def check(value: Json, path: str) -> Failure | None:
        if type(value) is not str:
            return wrong_type(value, path, "a string")
        if not value:
            message = "Expected a string with minimum length 1, but got an empty string instead."
            return refuse(f"Invalid '{path}': empty string. {message}", path, "empty_string")
        if len(value) > max_length:
            return _too_long(value, path, max_length)
        if compiled is not None and compiled.fullmatch(value) is None:
            message = (
                f"Invalid '{path}': string does not match pattern. "
                f"Expected a string that matches the pattern '{pattern}'."
            )
            return refuse(message, path, "invalid_value")
        return None

    return check


def array(item: Check, of: str, min_length: int = 0, max_length: int | None = None) -> Check:
    """Return a check that accepts an array whose items all pass; `of` names the items in the message (`objects`)."""

    def check(value: Json, path: str) -> Failure | None:
        if type(value) is not list:
            return wrong_type(value, path, f"an array of {of}")
        error = check_length(value, path, min_length, max_length)
        if error is not None:
            return error
        for index, entry in enumerate(value):
            if item(entry, "") is not None:  # nearly all pass, and need no path
                return item(entry, f"{path}[{index}]")
        return None

    return check


def check_length(value: Sequence[Json], path: str, min_length: int, max_length: int | None) -> Failure | None:
    if len(value) < min_length:
        message = (
            f"Invalid '{path}': empty array. Expected an array with minimum length {min_length}, "
            "but got an empty array instead."
        )
        return refuse(message, path, "empty_array")
    if max_length is not None and len(value) > max_length:
        message = (
            f"Invalid '{path}': array too long. Expected an array with maximum length {max_length}, "
            f"but got an array with length {len(value)} instead."
        )
        return refuse(message, path, "array_above_max_length")
    return None


def members(required: Sequence[str], checks: Mapping[str, Check]) -> Check:
    """Return a check that accepts an object with the required members; each known member that is not null
    passes its check."""

    def check(value: Json, path: str) -> Failure | None:
        if type(value) is not dict:
            return wrong_type(value, path, "an object")
        for name in required:
            if name not in value:
                return missing_parameter(f"{path}.{name}")
        for name, check_member in checks.items():
            member = value.get(name)
            if name not in value or (member is None and name not in required):
                continue
            if check_member(member, "") is not None:  # nearly all pass, and need no path
                return check_member(member, f"{path}.{name}")
        return None

    return check


def check_readable(request: Request) -> Failure | None:
    """Return the error of a body that is not a JSON object."""
    body = request.body
    if type(body) is dict:
        return None
    if body is MISSING:
        return refuse(UNPARSED_MESSAGE)
    message = f"Invalid request body: expected an object, but got {json_type(body)} instead."
    return refuse(message, None, "invalid_type")


def by_type(checks: Mapping[str, Check], listed: Sequence[str] = ()) -> Check:
    """Return a check that accepts an object that passes the check of its `type`. A message names the `listed` types,
    by default all of them."""

    def check(value: Json, path: str) -> Failure | None:
        if type(value) is not dict:
            return wrong_type(value, path, "an object")
        if "type" not in value:
            return missing_parameter(f"{path}.type")
        kind = value["type"]
        if type(kind) is not str:
            return wrong_type(kind, f"{path}.type", "a string")
        typed = checks.get(kind)
        return (
            unsupported(kind, f"{path}.type", listed or tuple(checks))
            if typed is None
            else typed(value, path)
        )

    return check


def text_or(type_: type, check: Check, expected: str, words: Sequence[str] = ()) -> Check:
    """Return a check that accepts a text (one of `words`, where there are any), and a value of the type that passes
    `check`. `expected` names that type in the message (`object`)."""
    text_type = f"one of {alternatives(words)}" if words else "a string"

    def check_value(value: Json, path: str) -> Failure | None:
        if type(value) is str:
            return None if not words or value in words else unsupported(value, path, words)
        if type(value) is not type_:
            return wrong_type(value, path, f"one of {text_type} or {expected}")
        return check(value, path)

    return check_value


def check_fields(body: Mapping[str, Json], checks: Mapping[str, Check]) -> Failure | None:
    """Return the error of the first wrong field, in the order of `checks`, as the service does. A null field counts
    as absent."""
    for name, value in body.items():
        check = checks.get(name)
        if check is not None and value is not None and check(value, name) is not None:
            present = (name for name in checks if body.get(name) is not None)
            return next(filter(None, (checks[name](body[name], name) for name in present)), None)
    return None


def check_required(body: Mapping[str, Json], *names: str) -> Failure | None:
    """Return the error of the first of these fields that is missing or null."""
    absent = next((name for name in names if body.get(name) is None), None)
    return None if absent is None else missing_parameter(absent)


def check_stream_options(body: Mapping[str, Json]) -> Failure | None:
    """Return the error of options of a stream that the request does not want."""
    if body.get("stream_options") is None or body.get("stream") is True:
        return None
    message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    return refuse(message, "stream_options")
