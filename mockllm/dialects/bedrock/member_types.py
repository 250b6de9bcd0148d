"""The errors of members whose types are not those of the service.

Converse has the words of the JSON parser that AWS's services share. Public reports have those about an integer, of
Bedrock too; other types are inferred. InvokeModel validates a body against a JSON schema of its model. Its words are
from public reports of 2023 to 2026. `null` and fractions pass there, because no report covers them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.dialects.bedrock.errors import ERROR_TYPE

_NUMBERS: Final = {"temperature": "Float", "topP": "Float", "maxTokens": "Integer"}
"""The classes of the settings of inference."""
_STRUCTURE: Final = "Start of structure or map found where not expected"
_SCHEMA_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "Integer": (int, float),
    "Number": (int, float),
    "JSONArray": (list,),
    "JSONObject": (dict,),
}
_FOUND: Final = {
    str: "String",
    bool: "Boolean",
    int: "Integer",
    float: "BigDecimal",
    list: "JSONArray",
    dict: "JSONObject",
}


def serialization_failure(message: str) -> Failure:
    return Failure("bad_request", message=message, headers=((ERROR_TYPE, "SerializationException"),))


def wrong_converse_member(fields: Mapping[str, Json]) -> Failure | None:
    """Return the error of the first member of a wrong type in a request of Converse."""
    config = object_of(fields.get("inferenceConfig"))
    for name, kind in _NUMBERS.items():
        value = config.get(name)
        if value is not None and type(value) not in (int, float):
            return serialization_failure(_number_problem(value, kind))
    for value in (fields.get("system"), object_of(fields.get("toolConfig")).get("tools")):
        if value is not None and type(value) is not list:
            return serialization_failure(_STRUCTURE if type(value) is dict else "Unexpected field type")
    return None


def _number_problem(value: Json, kind: str) -> str:
    if type(value) is dict:
        return _STRUCTURE
    if type(value) is list:
        return f"Unrecognized collection type class java.lang.{kind}"
    token = "STRING_VALUE" if type(value) is str else f"{value}_VALUE".upper()
    return f"{token} cannot be converted to {kind}"


def malformed_body(
    fields: Mapping[str, Json], settings: str | None, kinds: Mapping[str, str]
) -> Failure | None:
    """Return the error of the members of wrong types in a body of InvokeModel. `settings` is the member that holds
    those with these types, where they are not at the top."""
    if settings is None:
        problems = "".join(_schema_problems("#", fields, kinds))
    else:
        inner = object_of(fields.get(settings))
        problems = "".join(_schema_problems("#", fields, {settings: "JSONObject"}))
        problems += "".join(_schema_problems(f"#/{settings}", inner, kinds))
    return malformed(problems) if problems else None


def malformed(problems: str) -> Failure:
    return Failure(
        "bad_request",
        message=f"Malformed input request: {problems}, please reformat your input and try again.",
    )


def _schema_problems(path: str, fields: Mapping[str, Json], kinds: Mapping[str, str]) -> Iterator[str]:
    for name, kind in kinds.items():
        value = fields.get(name)
        if value is not None and type(value) not in _SCHEMA_TYPES[kind]:
            yield f"{path}/{name}: expected type: {kind}, found: {_FOUND[type(value)]}"
