"""Checks of a request of Converse: types, its shape, the documented ranges, and calls without their results.

Messages are those of public reports. Where none is known, the message has the wording of the service's constraints
(`1 validation error detected: …`). Unknown fields, models and content of blocks pass.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of, object_of, text_of
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.model_check import settings_problem
from mockllm.dialects.bedrock.errors import MODEL_ERRORS
from mockllm.dialects.bedrock.invoke_anthropic import claude_name
from mockllm.dialects.bedrock.member_types import serialization_failure, wrong_converse_member

_RANGES: Final = {"temperature": (0, 1), "topP": (0, 1), "maxTokens": (1, None)}
"""The minimum and the maximum of the settings of inference."""
_NAME: Final = re.compile("[a-zA-Z0-9_-]+")
_MAX_NAME: Final = 64


class BedrockRequestProblem(Exception):
    """The first problem of a request, in the provider's wording; it ends the check."""


def check_readable(request: Request) -> Failure | None:
    """Return the error of a body that is not a JSON object; the message is inferred from the type."""
    if type(request.body) is dict:
        return None
    return serialization_failure("The request body is not a valid JSON object.")


def check(request: Request) -> Failure | None:
    """Return the first problem of the request; None where there is none."""
    failure = check_readable(request) or wrong_converse_member(request.fields)
    if failure is not None:
        return failure
    try:
        _check_tools(object_of(request.fields.get("toolConfig")).get("tools"))
        check_conversation(request.fields, request.model)
        _check_ranges(object_of(request.fields.get("inferenceConfig")))
        _check_claude(request)
    except BedrockRequestProblem as problem:
        return Failure("bad_request", message=str(problem))
    return None


def _check_claude(request: Request) -> None:
    """Raise a problem for a setting that a known model of Claude refuses."""
    fields = request.fields
    inference, more = (
        object_of(fields.get(key)) for key in ("inferenceConfig", "additionalModelRequestFields")
    )
    choice = object_of(object_of(fields.get("toolConfig")).get("toolChoice"))
    settings = {
        "thinking": object_of(more.get("thinking")),
        "output_config": object_of(more.get("output_config")),
        "temperature": inference.get("temperature"),
        "top_p": inference.get("topP"),
        "top_k": more.get("top_k"),
        "tool_choice": {"type": next((kind for kind, of in choice.items() if of is not None), None)},
    }
    problem = settings_problem(settings, claude_name(request.model or ""))
    if problem is not None:
        raise BedrockRequestProblem(f"{MODEL_ERRORS}{problem}")


def _constraint(path: str, value: str, *constraints: str) -> BedrockRequestProblem:
    """Return the problem of a value that violates these constraints."""
    violations = (
        f"Value{value} at '{path}' failed to satisfy constraint: Member must {each}" for each in constraints
    )
    errors = "1 validation error" if len(constraints) == 1 else f"{len(constraints)} validation errors"
    return BedrockRequestProblem(f"{errors} detected: {'; '.join(violations)}")


def _check_tools(tools: Json) -> None:
    """Raise a problem for an empty list of tools, and for the first invalid name."""
    if tools == []:
        raise _constraint("toolConfig.tools", "", "have length greater than or equal to 1")
    for number, tool in enumerate(list_of(tools), 1):
        name = text_of(object_of(object_of(tool).get("toolSpec")).get("name"))
        if name is None or (_NAME.fullmatch(name) is not None and len(name) <= _MAX_NAME):
            continue
        violated = []
        if _NAME.fullmatch(name) is None:
            violated.append("satisfy regular expression pattern: [a-zA-Z0-9_-]+")
        if not name:
            violated.append("have length greater than or equal to 1")
        if len(name) > _MAX_NAME:
            violated.append(f"have length less than or equal to {_MAX_NAME}")
        raise _constraint(f"toolConfig.tools.{number}.member.toolSpec.name", f" '{name}'", *violated)


def check_conversation(fields: dict[str, Json], model: str | None) -> None:
    """Raise the first problem of the messages. With Claude, the assistant may begin (a recording of July 2026)."""
    messages = fields.get("messages")
    if type(messages) is not list:
        raise _constraint("messages", "", "not be null")
    roles = [object_of(message).get("role") for message in messages]
    first = ("user", "system", "assistant") if "anthropic.claude" in (model or "") else ("user", "system")
    if not roles or roles[0] not in first:
        raise BedrockRequestProblem(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for number, message in enumerate(messages):
        if roles[number] not in ("user", "assistant", "system"):
            path = f"messages.{number + 1}.member.role"
            raise _constraint(path, f" '{roles[number]}'", "satisfy enum value set: [user, assistant]")
        _check_content(number, object_of(message).get("content"))
    _check_calls([[object_of(block) for block in message["content"]] for message in messages], fields)


def _check_content(number: int, content: Json) -> None:
    if type(content) is not list:
        raise _constraint(f"messages.{number + 1}.member.content", "", "not be null")
    if not content:
        raise BedrockRequestProblem(
            f"The content field in the Message object at messages.{number} is empty. Add a ContentBlock object to "
            "the content field and try again."
        )
    for place, block in enumerate(content):
        text = object_of(block).get("text")
        if type(text) is str and not text.strip():
            raise BedrockRequestProblem(
                f"The text field in the ContentBlock object at messages.{number}.content.{place} is blank. Add text "
                "to the text field, and try again."
            )


def _check_calls(messages: list[list[dict[str, Json]]], fields: dict[str, Json]) -> None:
    """Raise a problem for calls without results in the next message, and for results without calls before them. A
    tool of the service has its call and its result in one message."""
    calls: dict[str, None] = {}  # in their order
    used = False
    for number, blocks in enumerate(messages):
        results = _ids(blocks, "toolResult")
        missing = [id for id in calls if id not in results]
        if missing:
            raise BedrockRequestProblem(
                f"Expected toolResult blocks at messages.{number}.content for the following Ids: {', '.join(missing)}"
            )
        own = _ids(blocks, "toolUse")
        if any(id not in calls and id not in own for id in results):
            raise BedrockRequestProblem(
                f"The number of toolResult blocks at messages.{number}.content exceeds the number of toolUse blocks "
                "of previous turn."
            )
        calls = {id: None for id in own if id not in results}
        used = used or bool(calls)
    if used and not list_of(object_of(fields.get("toolConfig")).get("tools")):
        raise BedrockRequestProblem(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )


def _ids(blocks: list[dict[str, Json]], kind: str) -> dict[str, None]:
    """Return the ids of blocks of a kind, in their order."""
    present = (object_of(block[kind]) for block in blocks if block.get(kind) is not None)
    return {text_of(member.get("toolUseId")) or "": None for member in present}


def _check_ranges(config: dict[str, Json]) -> None:
    for name, (low, high) in _RANGES.items():
        value = config.get(name)
        if value is None:
            continue
        path = f"inferenceConfig.{name}"
        if value < low:
            raise _constraint(path, f" '{value}'", f"have value greater than or equal to {low}")
        if high is not None and value > high:
            raise _constraint(path, f" '{value}'", f"have value less than or equal to {high}")
