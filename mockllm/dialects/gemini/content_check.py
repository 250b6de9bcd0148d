"""Checks of the contents of a request: shapes and roles of turns and their parts, and calls without their responses.

Where no wording of a refusal is known, the message follows the same validator's other messages. Those about the order
of turns are from public reports of 2024 to 2026 (google-gemini/gemini-cli, langchain-ai/langchain).
"""

from __future__ import annotations

from copy import copy
from itertools import groupby
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.typed_memo import MemoKey
from mockllm.dialects.gemini.generate_request import GeminiRequest, list_of
from mockllm.dialects.gemini.validators import (
    BOOLEAN,
    STRING,
    STRUCT,
    GeminiRequestProblem,
    MessageShape,
    Repeated,
    check_shape,
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
CONTENT_ROLES: Final = (None, "", "user", "model", "function", "tool")
LEARN_MORE: Final = "Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"


def request_problem(path: str, message: str) -> GeminiRequestProblem:
    """Return a problem in the wording of the API's own validator."""
    return GeminiRequestProblem(f"* GenerateContentRequest.{path}: {message}\n")


def no_contents(request: GeminiRequest) -> GeminiRequestProblem:
    if request.vertex:
        return GeminiRequestProblem(
            f"Unable to submit request because at least one contents field is required. {LEARN_MORE}"
        )
    return request_problem("contents", "contents is not specified")


def check_contents(body: dict[str, Json], request: GeminiRequest) -> None:
    contents = [object_of(content) for content in list_of(body.get("contents"))]
    if not contents:
        raise no_contents(request)
    for number, content in enumerate(contents):
        if content.get("role") not in CONTENT_ROLES:
            raise GeminiRequestProblem("Please use a valid role: user, model.")
        parts = list_of(content.get("parts"))
        if not parts and request.vertex:
            raise GeminiRequestProblem(
                "Unable to submit request because it must include at least one parts field, which describes "
                f"the prompt input. {LEARN_MORE}"
            )
        if not parts:
            raise request_problem(f"contents[{number}].parts", "contents.parts must not be empty.")
        for place, part in enumerate(parts):
            if not _is_set(part):
                oneof = "required oneof field 'data' must have one initialized field"
                raise request_problem(f"contents[{number}].parts[{place}].data", oneof)
    _check_call_responses(contents, generates=request.generates)


def _is_set(part: Json) -> bool:
    """Return whether a part is an object with a member that is not null."""
    return type(part) is dict and any(member is not None for member in part.values())


def _check_call_responses(contents: list[dict[str, Json]], *, generates: bool) -> None:
    """Check that the next turn has a response for each call, and that a call is not in the first turn. Adjacent
    contents of one side are one turn. That a count of tokens refuses a call in the first turn is not known."""
    calls = 0
    turns = groupby(contents, lambda content: content.get("role") == "model")
    for number, (by_model, turn) in enumerate(turns):
        parts = [object_of(part) for content in turn for part in list_of(content.get("parts"))]
        if by_model:
            calls = sum(part.get("functionCall") is not None for part in parts)
            if calls and number == 0 and generates:
                raise GeminiRequestProblem(
                    "Please ensure that function call turn comes immediately after a user turn or after a "
                    "function response turn."
                )
            continue
        responses = sum(part.get("functionResponse") is not None for part in parts)
        if responses and not calls:
            raise GeminiRequestProblem(
                "Please ensure that function response turn comes immediately after a function call turn."
            )
        if responses and calls != responses:
            raise GeminiRequestProblem(
                "Please ensure that the number of function response parts is equal to the number of "
                "function call parts of the function call turn."
            )


class CountedCalls(Struct):
    """The calls of the model's last turn, and of the turn that came last, whose side is `by_model`, its calls or
    responses. `begun`: whether the user has had a turn."""

    calls: int = 0
    by_model: bool = True
    count: int = 0
    begun: bool = False

    @property
    def complete(self) -> bool:
        """Whether each response of the last turn is one to a call."""
        return self.by_model or not self.count or self.count == self.calls


def _initial_calls(calls: CountedCalls | None) -> CountedCalls:
    return CountedCalls() if calls is None else copy(calls)


_USUAL_PARTS: Final = {"functionCall": "args", "functionResponse": "response"}
"""The parts beside texts in nearly all contents of agents, each with its member that is an object."""


def _fast_accepts_shape(content: Json) -> bool:
    """Return whether a content is a role and parts with one text, call or response. `check_shape` accepts these, and
    agents send hardly any others. It takes a quarter of the time."""
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


def _fast_accepts_next(calls: CountedCalls, content: Json) -> bool:
    """Return whether a content and its place after the others are accepted."""
    fields = object_of(content)
    parts = list_of(fields.get("parts"))
    if not _fast_accepts_shape(content):
        try:
            check_shape("", content, CONTENT)
        except GeminiRequestProblem:
            return False
        if not all(map(_is_set, parts)):
            return False
    if fields.get("role") not in CONTENT_ROLES or not parts:
        return False
    by_model = fields.get("role") == "model"
    if by_model is not calls.by_model:
        if not calls.complete:
            return False
        calls.calls = calls.count if calls.by_model else calls.calls
        calls.by_model, calls.count, calls.begun = by_model, 0, True
    name = "functionCall" if by_model else "functionResponse"
    calls.count += sum(object_of(part).get(name) is not None for part in parts)
    return calls.begun or not calls.count


_CALLS: Final = MemoKey[CountedCalls]()


def fast_accepts_turns(divided: DividedBody) -> bool:
    """Return whether the contents of a body are accepted, whose fields are in camelCase."""
    calls = divided.reduce_turns(memo_key=_CALLS, initial=_initial_calls, step=_fast_accepts_next)
    return calls is not None and calls.complete
