"""Checks of a generateContent request: shapes, then required fields, then documented ranges.

Unknown fields, models and keys pass. Where no wording of a refusal is known, the message follows the same validator's
other messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.schema import SchemaPath, subschemas
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.known_checks import check_unless_passed_before
from mockllm.core.request.request import Request
from mockllm.dialects.gemini.cached_content import (
    cached_name,
    cached_problem,
    find_cached,
    has_expired,
    missing_cache,
)
from mockllm.dialects.gemini.content_check import (
    CONTENT,
    check_contents,
    fast_accepts_turns,
    no_contents,
    request_problem,
)
from mockllm.dialects.gemini.errors import TYPE, error_plan
from mockllm.dialects.gemini.generate_request import MAX_CANDIDATES, GeminiRequest, as_google_request, list_of
from mockllm.dialects.gemini.validators import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    STRUCT,
    GeminiRequestProblem,
    MessageShape,
    Repeated,
    check_shape,
    enum_kind,
    snake_case,
)

_FUNCTION: Final = MessageShape(
    "FunctionDeclaration", {"name": STRING, "description": STRING, "parameters": STRUCT}
)
_LEVEL: Final = enum_kind(
    "ThinkingConfig.ThinkingLevel", "THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"
)
"""The names are those of google-genai 3.6. The message about another one is quoted in public tests of 2026."""
_CONFIG: Final = MessageShape(
    "GenerationConfig",
    {
        "temperature": NUMBER,
        "topP": NUMBER,
        "topK": NUMBER,
        "candidateCount": INTEGER,
        "maxOutputTokens": INTEGER,
        "stopSequences": Repeated(STRING),
        "seed": INTEGER,
        "presencePenalty": NUMBER,
        "frequencyPenalty": NUMBER,
        "responseLogprobs": BOOLEAN,
        "logprobs": INTEGER,
        "responseMimeType": STRING,
        "responseSchema": STRUCT,
        "thinkingConfig": MessageShape(
            "ThinkingConfig",
            {"includeThoughts": BOOLEAN, "thinkingBudget": INTEGER, "thinkingLevel": _LEVEL},
        ),
    },
)
_CALLING: Final = MessageShape(
    "FunctionCallingConfig",
    {
        "mode": enum_kind(
            "FunctionCallingConfig.Mode", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"
        ),
        "allowedFunctionNames": Repeated(STRING),
    },
)
_FILE_SEARCH: Final = MessageShape(
    "FileSearch", {"fileSearchStoreNames": Repeated(STRING), "topK": INTEGER, "metadataFilter": STRING}
)
GENERATE: Final = MessageShape(
    "GenerateContentRequest",
    {
        "contents": Repeated(CONTENT),
        "systemInstruction": CONTENT,
        "tools": Repeated(
            MessageShape("Tool", {"functionDeclarations": Repeated(_FUNCTION), "fileSearch": _FILE_SEARCH})
        ),
        "toolConfig": MessageShape("ToolConfig", {"functionCallingConfig": _CALLING}),
        "generationConfig": _CONFIG,
        "cachedContent": STRING,
    },
)
CACHED: Final = MessageShape(
    "CachedContent",
    {
        "name": STRING,
        "model": STRING,
        "displayName": STRING,
        "ttl": STRING,
        "expireTime": STRING,
        **{name: GENERATE.fields[name] for name in ("contents", "systemInstruction", "tools", "toolConfig")},
    },
)
_NAME: Final = "[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}"
_INVALID_NAME: Final = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), "
    "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
)
_RANGES: Final = {
    "temperature": (0, 2, "2.0001"),
    "topP": (0, 1, "1.0001"),
    "candidateCount": (1, MAX_CANDIDATES, "9"),
    "maxOutputTokens": (1, None, ""),
}
"""The minimum, the maximum, and the exclusive upper bound in Vertex AI's message."""
_MAX_STOP_SEQUENCES: Final = 5
_MIMES: Final = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")


class GeminiDialect:
    """The common part of the calls with a body."""

    name: str = "gemini"

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    error = staticmethod(error_plan)


def check_readable(request: Request) -> Failure | None:
    """Return the error of a body that is not a JSON object."""
    body = request.body
    if type(body) is dict:
        return None
    if not request.raw:
        return _bad_request(str(no_contents(as_google_request(request))), None)
    if body is MISSING:
        return _bad_request("Invalid JSON payload received. Unexpected token.", "")
    return _bad_request('Invalid JSON payload received. Unknown name "": Root element must be a message.', "")


def check(request: GeminiRequest) -> Failure | None:
    """Return the first problem of the request; None where there is none."""

    def check_whole() -> Failure | None:
        return check_readable(request) or first_problem(lambda: _check(request))

    name = cached_name(request.fields)
    if name is not None and check_readable(request) is None:
        return check_whole() or _check_cached(name, request)

    return check_unless_passed_before(
        request,
        (check, request.vertex),
        check_whole,
        lambda known: not request.snake_case and fast_accepts_turns(known),
    )


def _check_cached(name: str, request: GeminiRequest) -> Failure | None:
    """Return the problem of a request that names a cached content."""
    stored = find_cached(request.object_lookup, name)
    problem = cached_problem(request.fields, stored, request.model, vertex=request.vertex)
    if problem is not None:
        return _bad_request(problem, None)
    if stored is None or has_expired(stored, request.now):
        return missing_cache(name, vertex=request.vertex, expired=stored is not None)
    return None


def first_problem(check_request: Callable[[], None]) -> Failure | None:
    """Return the first problem that the check raises."""
    try:
        check_request()
    except GeminiRequestProblem as problem:
        return _bad_request(str(problem), problem.field)
    return None


def _check(request: GeminiRequest) -> None:
    check_shape("", request.message, GENERATE)
    check_contents(request.message, request)
    _check_tools(request.message)
    config = object_of(request.message.get("generationConfig"))
    if not request.vertex:  # Vertex AI's wording is unknown
        _check_mime_type(config.get("responseMimeType"))
        _check_schemas(request.message, config)
    _check_ranges(config, request)


def _bad_request(message: str, field: str | None) -> Failure:
    """Return a 400; a problem that the parser detects is also in the details."""
    if field is None:
        return Failure("bad_request", message=message)
    violation = {"field": field, "description": message} if field else {"description": message}
    details = [{"@type": f"{TYPE}BadRequest", "fieldViolations": [violation]}]
    return Failure("bad_request", message=message, fields={"details": details})


def _functions(body: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the declared functions with their paths."""
    for number, tool in enumerate(list_of(body.get("tools"))):
        for place, function in enumerate(list_of(object_of(tool).get("functionDeclarations"))):
            yield f"tools[{number}].function_declarations[{place}]", object_of(function)


def _check_tools(body: dict[str, Json]) -> None:
    names: Counter[Json] = Counter()
    for path, function in _functions(body):
        name = function.get("name")
        if type(name) is not str or re.fullmatch(_NAME, name) is None:
            raise request_problem(f"{path}.name", _INVALID_NAME)
        names[name] += 1
        if names[name] > 1:
            raise GeminiRequestProblem(f"Duplicate function declaration found: {name}")
    config = object_of(object_of(body.get("toolConfig")).get("functionCallingConfig"))
    for name in list_of(config.get("allowedFunctionNames")):
        if name not in names:
            path = "tool_config.function_calling_config.allowed_function_names"
            raise request_problem(path, f"{name} is not among the function declarations.")


def _check_mime_type(mime: Json) -> None:
    if mime not in (None, "", *_MIMES):
        *others, last = (f"`{mime_type}`" for mime_type in _MIMES)
        allowed = f"allowed mimetypes are {', '.join(others)} and {last}."
        raise request_problem("generation_config.response_mime_type", allowed)


def _check_schemas(body: dict[str, Json], config: dict[str, Json]) -> None:
    """Check that each array of a schema of Google's own declares its items, and that an object has its required
    properties. The message about properties is from public reports of 2025 and 2026 (moltis-org/moltis#747)."""
    for path, function in _functions(body):
        _check_schema(f"{path}.parameters", object_of(function.get("parameters")))
    _check_schema("generation_config.response_schema", object_of(config.get("responseSchema")))


def _check_schema(path: str, schema: dict[str, Json]) -> None:
    for location, place in subschemas(schema):
        properties = object_of(place.get("properties"))
        for number, name in enumerate(list_of(place.get("required"))):
            if type(name) is not str or name not in properties:
                raise request_problem(
                    f"{path}{_schema_path(location)}.required[{number}]", "property is not defined"
                )
        if str(place.get("type")).upper() == "ARRAY" and place.get("items") is None:
            raise request_problem(f"{path}{_schema_path(location)}.items", "missing field.")


def _schema_path(location: SchemaPath) -> str:
    """Return the path to a place in a schema as Google writes it."""
    steps, path = iter(location), ""
    for keyword in steps:
        path += ".items" if keyword == "items" else f".{snake_case(keyword)}[{next(steps)}]"
    return path


def _check_ranges(config: dict[str, Json], request: GeminiRequest) -> None:
    for name, (low, high, bound) in _RANGES.items():
        value = config.get(name)
        if value is None:
            continue
        value = float(value)
        if value >= low and (high is None or value <= high):
            continue
        raise _out_of_range(name, f"{value:g}", low, high, bound, vertex=request.vertex)
    stops = len(list_of(config.get("stopSequences")))
    if stops > _MAX_STOP_SEQUENCES:
        at_most = (
            f"the number of stop sequences must be at most {_MAX_STOP_SEQUENCES}, but {stops} were given."
        )
        raise request_problem("generation_config.stop_sequences", at_most)


def _out_of_range(
    name: str, value: str, low: int, high: int | None, bound: str, *, vertex: bool
) -> GeminiRequestProblem:
    if vertex:
        to = f"from {low} (inclusive) to {bound} (exclusive)" if bound else f"from {low} (inclusive)"
        return GeminiRequestProblem(
            f"Unable to submit request because it has a {name} value of {value} but the supported range is "
            f"{to}. Update the value and try again."
        )
    field = snake_case(name)
    constraint = f"must be in the range [{low}, {high}]." if high is not None else "must be positive."
    return request_problem(f"generation_config.{field}", f"{field} {constraint}")
