"""Checks of a generateContent request: shapes, then required fields, then documented ranges.

Unknown fields, models and keys pass. Where no wording of a refusal is known, the message follows the same validator's
other messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from itertools import groupby
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.schema import SchemaPath, subschemas
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.known_bodies import KnownBody
from mockllm.core.request.known_checks import check_known
from mockllm.core.request.request import Request
from mockllm.dialects.gemini.cached_content import (
    cached_name,
    cached_problem,
    find_cached,
    has_expired,
    missing_cache,
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

_BLOB: Final = MessageShape("Blob", {"mimeType": STRING, "data": STRING})
_PART: Final = MessageShape(
    "Part",
    {
        "text": STRING,
        "thought": BOOLEAN,
        "thoughtSignature": STRING,
        "inlineData": _BLOB,
        "fileData": MessageShape("FileData", {"mimeType": STRING, "fileUri": STRING}),
        "functionCall": MessageShape("FunctionCall", {"id": STRING, "name": STRING, "args": STRUCT}),
        "functionResponse": MessageShape(
            "FunctionResponse", {"id": STRING, "name": STRING, "response": STRUCT}
        ),
    },
)
CONTENT: Final = MessageShape("Content", {"role": STRING, "parts": Repeated(_PART)})
_FUNCTION: Final = MessageShape(
    "FunctionDeclaration", {"name": STRING, "description": STRING, "parameters": STRUCT}
)
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
            "ThinkingConfig", {"includeThoughts": BOOLEAN, "thinkingBudget": INTEGER}
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
GENERATE: Final = MessageShape(
    "GenerateContentRequest",
    {
        "contents": Repeated(CONTENT),
        "systemInstruction": CONTENT,
        "tools": Repeated(MessageShape("Tool", {"functionDeclarations": Repeated(_FUNCTION)})),
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
_LEARN_MORE: Final = (
    "Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"
)
_RANGES: Final = {
    "temperature": (0, 2, "2.0001"),
    "topP": (0, 1, "1.0001"),
    "candidateCount": (1, MAX_CANDIDATES, "9"),
    "maxOutputTokens": (1, None, ""),
}
"""The minimum, the maximum, and the exclusive upper bound in Vertex AI's message."""
_MAX_STOP_SEQUENCES: Final = 5
CONTENT_ROLES: Final = (None, "", "user", "model", "function", "tool")
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
        return _bad_request(str(_no_contents(as_google_request(request))), None)
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

    def turns_pass(known: KnownBody) -> bool:
        if request.snake_case:
            return False
        calls = known.reduce_turns(_passes, _continued, _passes)
        return calls is not None and calls.complete

    return check_known(request, (check, request.vertex), check_whole, turns_pass)


def _check_cached(name: str, request: GeminiRequest) -> Failure | None:
    """Return the problem of a request that names a cached content."""
    stored = find_cached(request.response_lookup, name)
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
    _check_contents(request.message, request)
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


def _problem(path: str, message: str) -> GeminiRequestProblem:
    """Return a problem in the wording of the API's own validator."""
    return GeminiRequestProblem(f"* GenerateContentRequest.{path}: {message}\n")


def _no_contents(request: GeminiRequest) -> GeminiRequestProblem:
    if request.vertex:
        return GeminiRequestProblem(
            f"Unable to submit request because at least one contents field is required. {_LEARN_MORE}"
        )
    return _problem("contents", "contents is not specified")


def _check_contents(body: dict[str, Json], request: GeminiRequest) -> None:
    contents = [object_of(content) for content in list_of(body.get("contents"))]
    if not contents:
        raise _no_contents(request)
    for number, content in enumerate(contents):
        if content.get("role") not in CONTENT_ROLES:
            raise GeminiRequestProblem("Please use a valid role: user, model.")
        parts = list_of(content.get("parts"))
        if not parts and request.vertex:
            raise GeminiRequestProblem(
                "Unable to submit request because it must include at least one parts field, which describes "
                f"the prompt input. {_LEARN_MORE}"
            )
        if not parts:
            raise _problem(f"contents[{number}].parts", "contents.parts must not be empty.")
        for place, part in enumerate(parts):
            if not part:
                oneof = "required oneof field 'data' must have one initialized field"
                raise _problem(f"contents[{number}].parts[{place}].data", oneof)
    _check_call_responses(contents)


def _check_call_responses(contents: list[dict[str, Json]]) -> None:
    """Check that the next turn has a response for each call; adjacent contents of one side are one turn."""
    calls = 0
    for by_model, turn in groupby(contents, lambda content: content.get("role") == "model"):
        parts = [object_of(part) for content in turn for part in list_of(content.get("parts"))]
        if by_model:
            calls = sum("functionCall" in part for part in parts)
            continue
        responses = sum("functionResponse" in part for part in parts)
        if responses and calls != responses:
            raise GeminiRequestProblem(
                "Please ensure that the number of function response parts is equal to the number of "
                "function call parts of the function call turn."
            )


class CountedCalls(Struct):
    """The calls of the model's last turn, and of the turn that came last, whose side is `by_model`, its calls or
    responses."""

    calls: int = 0
    by_model: bool = True
    count: int = 0

    @property
    def complete(self) -> bool:
        """Whether each response of the last turn is one to a call."""
        return self.by_model or not self.count or self.count == self.calls


def _continued(calls: CountedCalls | None) -> CountedCalls:
    return CountedCalls() if calls is None else copy(calls)


_USUAL_PARTS: Final = {"functionCall": "args", "functionResponse": "response"}
"""The parts beside texts in nearly all contents of agents, each with its member that is an object."""


def _is_usual(content: Json) -> bool:
    """Return whether a content has the form of nearly all contents of agents, which `check_shape` accepts: a role,
    and parts with one text, call or response. It takes a quarter of the time."""
    if type(content) is not dict or len(content) != 2 or type(content.get("role")) is not str:
        return False
    parts = content.get("parts")
    if type(parts) is not list:
        return False
    for part in parts:
        if type(part) is not dict or len(part) != 1:
            return False
        [(name, value)] = part.items()
        if name in _USUAL_PARTS:
            members = 3 if type(value) is dict and type(value.get("id")) is str else 2
            if (
                type(value) is not dict
                or len(value) != members
                or type(value.get("name")) is not str
                or type(value.get(_USUAL_PARTS[name])) is not dict
            ):
                return False
        elif name != "text" or type(value) is not str:
            return False
    return True


def _passes(calls: CountedCalls, content: Json) -> bool:
    """Return whether a content and its place after the others are accepted."""
    if not _is_usual(content):
        try:
            check_shape("", content, CONTENT)
        except GeminiRequestProblem:
            return False
    fields = object_of(content)
    parts = list_of(fields.get("parts"))
    if fields.get("role") not in CONTENT_ROLES or not parts or not all(parts):
        return False
    by_model = fields.get("role") == "model"
    if by_model is not calls.by_model:
        if not calls.complete:
            return False
        calls.calls = calls.count if calls.by_model else calls.calls
        calls.by_model, calls.count = by_model, 0
    calls.count += sum(
        ("functionCall" if by_model else "functionResponse") in object_of(part) for part in parts
    )
    return True


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
            raise _problem(f"{path}.name", _INVALID_NAME)
        names[name] += 1
        if names[name] > 1:
            raise GeminiRequestProblem(f"Duplicate function declaration found: {name}")
    config = object_of(object_of(body.get("toolConfig")).get("functionCallingConfig"))
    for name in list_of(config.get("allowedFunctionNames")):
        if name not in names:
            path = "tool_config.function_calling_config.allowed_function_names"
            raise _problem(path, f"{name} is not among the function declarations.")


def _check_mime_type(mime: Json) -> None:
    if mime not in (None, "", *_MIMES):
        *others, last = (f"`{mime_type}`" for mime_type in _MIMES)
        allowed = f"allowed mimetypes are {', '.join(others)} and {last}."
        raise _problem("generation_config.response_mime_type", allowed)


def _check_schemas(body: dict[str, Json], config: dict[str, Json]) -> None:
    """Check that each array of a schema of Google's own declares its items."""
    for path, function in _functions(body):
        _check_arrays(f"{path}.parameters", object_of(function.get("parameters")))
    _check_arrays("generation_config.response_schema", object_of(config.get("responseSchema")))


def _check_arrays(path: str, schema: dict[str, Json]) -> None:
    for location, place in subschemas(schema):
        if str(place.get("type")).upper() == "ARRAY" and "items" not in place:
            raise _problem(f"{path}{_schema_path(location)}.items", "missing field.")


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
        raise _problem("generation_config.stop_sequences", at_most)


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
    return _problem(f"generation_config.{field}", f"{field} {constraint}")
