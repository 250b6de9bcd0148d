"""What Google refuses of a generateContent request: shapes, then what must be there, then documented ranges.

Fields, models and keys that are not known here are never refused. Where nobody saw a refusal worded, it
follows the same validator's other messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.schema import SchemaPath, subschemas
from mockllm.core.request.request import Request
from mockllm.dialects.gemini.errors import TYPE
from mockllm.dialects.gemini.generate_request import MOST_CANDIDATES, GeminiRequest, google, held, listed
from mockllm.dialects.gemini.validators import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    STRUCT,
    GeminiRequestProblem,
    MessageShape,
    Repeated,
    fit,
    snake,
    word,
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
        "mode": word("FunctionCallingConfig.Mode", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"),
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
_NAME: Final = "[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}"
_NAMED: Final = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), "
    "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
)
_LEARN: Final = "Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"
_RANGES: Final = {
    "temperature": (0, 2, "2.0001"),
    "topP": (0, 1, "1.0001"),
    "candidateCount": (1, MOST_CANDIDATES, "9"),
    "maxOutputTokens": (1, None, ""),
}
"""The least, the most, and the bound below which Vertex AI wants it."""
_STOPS: Final = 5
_MIMES: Final = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")


def check_readable(request: Request) -> Failure | None:
    """What is wrong where the body is no JSON object."""
    body = request.body
    if type(body) is dict:
        return None
    if not request.raw:
        return _bad(str(_no_contents(google(request))), None)
    if body is MISSING:
        return _bad("Invalid JSON payload received. Unexpected token.", "")
    return _bad('Invalid JSON payload received. Unknown name "": Root element must be a message.', "")


def check(request: GeminiRequest) -> Failure | None:
    """The first problem of the request; None where there is none."""
    failure = check_readable(request)
    if failure is not None:
        return failure
    return refusal(lambda: _check(request))


def refusal(look: Callable[[], None]) -> Failure | None:
    """The first problem that a look finds."""
    try:
        look()
    except GeminiRequestProblem as problem:
        return _bad(str(problem), problem.field)
    return None


def _check(request: GeminiRequest) -> None:
    fit("", request.said, GENERATE)
    _contents(request.said, request)
    _tools(request.said)
    config = held(request.said.get("generationConfig"))
    if not request.vertex:  # what Vertex AI says of them, nobody saw
        _mime(config.get("responseMimeType"))
        _schemas(request.said, config)
    _ranges(config, request)


def _bad(message: str, field: str | None) -> Failure:
    """A 400; what the parser found is told in the details too."""
    if field is None:
        return Failure("bad_request", message=message)
    violation = {"field": field, "description": message} if field else {"description": message}
    details = [{"@type": f"{TYPE}BadRequest", "fieldViolations": [violation]}]
    return Failure("bad_request", message=message, fields={"details": details})


def _refused(path: str, said: str) -> GeminiRequestProblem:
    """As the API's own validator tells it."""
    return GeminiRequestProblem(f"* GenerateContentRequest.{path}: {said}\n")


def _no_contents(request: GeminiRequest) -> GeminiRequestProblem:
    if request.vertex:
        return GeminiRequestProblem(
            f"Unable to submit request because at least one contents field is required. {_LEARN}"
        )
    return _refused("contents", "contents is not specified")


def _contents(said: dict[str, Json], request: GeminiRequest) -> None:
    contents = [held(content) for content in listed(said.get("contents"))]
    if not contents:
        raise _no_contents(request)
    for number, content in enumerate(contents):
        if content.get("role") not in (None, "", "user", "model", "function", "tool"):
            raise GeminiRequestProblem("Please use a valid role: user, model.")
        parts = listed(content.get("parts"))
        if not parts and request.vertex:
            raise GeminiRequestProblem(
                "Unable to submit request because it must include at least one parts field, which describes "
                f"the prompt input. {_LEARN}"
            )
        if not parts:
            raise _refused(f"contents[{number}].parts", "contents.parts must not be empty.")
        for place, part in enumerate(parts):
            if not part:
                oneof = "required oneof field 'data' must have one initialized field"
                raise _refused(f"contents[{number}].parts[{place}].data", oneof)
    _turns(contents)


def _turns(contents: list[dict[str, Json]]) -> None:
    """Each call of a turn is answered in the next; neighbours of one side are one turn."""
    asked = 0
    for by_model, turn in groupby(contents, lambda content: content.get("role") == "model"):
        parts = [held(part) for content in turn for part in listed(content.get("parts"))]
        if by_model:
            asked = sum("functionCall" in part for part in parts)
            continue
        answered = sum("functionResponse" in part for part in parts)
        if answered and asked != answered:
            raise GeminiRequestProblem(
                "Please ensure that the number of function response parts is equal to the number of "
                "function call parts of the function call turn."
            )


def _functions(said: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """The functions that are offered, with where they stand."""
    for number, tool in enumerate(listed(said.get("tools"))):
        for place, function in enumerate(listed(held(tool).get("functionDeclarations"))):
            yield f"tools[{number}].function_declarations[{place}]", held(function)


def _tools(said: dict[str, Json]) -> None:
    names: Counter[Json] = Counter()
    for path, function in _functions(said):
        name = function.get("name")
        if type(name) is not str or re.fullmatch(_NAME, name) is None:
            raise _refused(f"{path}.name", _NAMED)
        names[name] += 1
        if names[name] > 1:
            raise GeminiRequestProblem(f"Duplicate function declaration found: {name}")
    config = held(held(said.get("toolConfig")).get("functionCallingConfig"))
    for name in listed(config.get("allowedFunctionNames")):
        if name not in names:
            path = "tool_config.function_calling_config.allowed_function_names"
            raise _refused(path, f"{name} is not among the function declarations.")


def _mime(mime: Json) -> None:
    if mime not in (None, "", *_MIMES):
        *others, last = (f"`{each}`" for each in _MIMES)
        allowed = f"allowed mimetypes are {', '.join(others)} and {last}."
        raise _refused("generation_config.response_mime_type", allowed)


def _schemas(said: dict[str, Json], config: dict[str, Json]) -> None:
    """Each array of a schema of Google's own says what it holds."""
    for path, function in _functions(said):
        _arrays(f"{path}.parameters", held(function.get("parameters")))
    _arrays("generation_config.response_schema", held(config.get("responseSchema")))


def _arrays(path: str, schema: dict[str, Json]) -> None:
    for way, place in subschemas(schema):
        if str(place.get("type")).upper() == "ARRAY" and "items" not in place:
            raise _refused(f"{path}{_spelt(way)}.items", "missing field.")


def _spelt(way: SchemaPath) -> str:
    """The way to a place in a schema as Google writes it."""
    steps, said = iter(way), ""
    for keyword in steps:
        said += ".items" if keyword == "items" else f".{snake(keyword)}[{next(steps)}]"
    return said


def _ranges(config: dict[str, Json], request: GeminiRequest) -> None:
    for name, (low, high, bound) in _RANGES.items():
        value = config.get(name)
        if value is None:
            continue
        value = float(value)
        if value >= low and (high is None or value <= high):
            continue
        raise _outside(name, f"{value:g}", low, high, bound, vertex=request.vertex)
    stops = len(listed(config.get("stopSequences")))
    if stops > _STOPS:
        at_most = f"the number of stop sequences must be at most {_STOPS}, but {stops} were given."
        raise _refused("generation_config.stop_sequences", at_most)


def _outside(
    name: str, value: str, low: int, high: int | None, bound: str, *, vertex: bool
) -> GeminiRequestProblem:
    if vertex:
        to = f"from {low} (inclusive) to {bound} (exclusive)" if bound else f"from {low} (inclusive)"
        return GeminiRequestProblem(
            f"Unable to submit request because it has a {name} value of {value} but the supported range is "
            f"{to}. Update the value and try again."
        )
    field = snake(name)
    said = f"must be in the range [{low}, {high}]." if high is not None else "must be positive."
    return _refused(f"generation_config.{field}", f"{field} {said}")
