"""What this provider refuses of a messages request: shape and documented ranges of the fields it knows.

Messages read as the live service words them (`path: what is wrong`, the path with dots); what nobody saw
worded follows the same validator's other messages. Fields and tools that are not known pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.content_check import check_messages, check_texts
from mockllm.dialects.anthropic.strict_schema import check_strict
from mockllm.dialects.anthropic.validators import (
    ANY,
    BOOLEAN,
    DICT,
    INTEGER,
    LIST,
    NO_OBJECT,
    NUMBER,
    STRING,
    TEXT_OR_LIST,
    AnthropicRequestProblem,
    Shape,
    at_least,
    fit,
    tagged,
)

_PROMPT: Final[Shape] = {
    "messages": ANY,
    "system": TEXT_OR_LIST.or_absent(),
    "tools": LIST.or_absent(),
    "tool_choice": DICT.or_absent(),
    "thinking": DICT.or_absent(),
    "output_format": DICT.or_absent(),
    "output_config": DICT.or_absent(),
}
"""What is counted of a request."""
_ANSWER: Final[Shape] = {
    "max_tokens": INTEGER,
    "stream": BOOLEAN.or_absent(),
    "temperature": NUMBER.or_absent(),
    "top_p": NUMBER.or_absent(),
    "top_k": INTEGER.or_absent(),
    "stop_sequences": LIST.or_absent(),
    "metadata": DICT.or_absent(),
}
"""What else a message is asked with."""
_MODEL: Final[Shape] = {"model": STRING}
_COUNTED: Final[Shape] = {**_MODEL, **_PROMPT}
_FIELDS: Final[Shape] = {**_COUNTED, **_ANSWER}
_VERTEX: Final[Shape] = {"anthropic_version": STRING, **_PROMPT, **_ANSWER}
"""`anthropic_version` is of any day: the SDKs send what they were built for."""
_TOOL: Final[Shape] = {"name": STRING, "input_schema": DICT, "description": STRING.or_absent()}
_TOOL_NAME: Final = "^[a-zA-Z0-9_-]{1,128}$"
_CHOICES: Final = ("auto", "any", "tool", "none")
_THINKING: Final = ("enabled", "disabled", "adaptive", "between_tools")
_NO_THREADS: Final = Failure(
    "bad_request",
    message="thread: threads are not kept here; send the whole history",
    fields={"details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}},
)
"""The SDK's helpers for agent loops ask the server to keep the history (a beta); told this, they send all of it."""


def check_readable(request: Request) -> Failure | None:
    """What is wrong where the body is no JSON object; the parser's words are the live service's own."""
    if type(request.body) is dict:
        return None
    try:
        loads(request.raw)
    except JSONDecodeError as error:
        return _bad(f"The request body is not valid JSON: {error}")
    return _bad("Input should be a valid dictionary")


def check(request: Request) -> Failure | None:
    """The first problem of a message's request; None where there is none."""
    return check_readable(request) or _threaded(request) or _refused(_check_message, request)


def check_vertex(request: Request) -> Failure | None:
    """The same of one to Vertex AI, which has the model in its path and a version in its body."""
    return check_readable(request) or _threaded(request) or _refused(_check_vertex, request)


def check_counted(request: Request) -> Failure | None:
    """The first problem of a request that is to be counted, which needs no `max_tokens`."""
    return check_readable(request) or _refused(_check_counted, request)


def _threaded(request: Request) -> Failure | None:
    return _NO_THREADS if type(request.fields.get("thread")) is dict else None


def _refused(look: Callable[[dict[str, Json], Request], None], request: Request) -> Failure | None:
    try:
        look(request.fields, request)
    except AnthropicRequestProblem as problem:
        return _bad(str(problem))
    return None


def _bad(message: str) -> Failure:
    return Failure("bad_request", message=message)


def _check_message(fields: dict[str, Json], request: Request) -> None:
    fit("", fields, _FIELDS)
    _check_model(fields)
    _check_answer(fields, request)


def _check_vertex(fields: dict[str, Json], request: Request) -> None:
    fit("", fields, _VERTEX)
    if "model" in fields:
        raise AnthropicRequestProblem("model: Extra inputs are not permitted")
    _check_answer(fields, request)


def _check_counted(fields: dict[str, Json], request: Request) -> None:
    fit("", fields, _COUNTED)
    _check_model(fields)
    _check_prompt(fields)


def _check_model(fields: dict[str, Json]) -> None:
    if not fields["model"]:
        raise AnthropicRequestProblem("model: String should have at least 1 character")


def _check_answer(fields: dict[str, Json], request: Request) -> None:
    at_least("max_tokens", fields["max_tokens"], 1)
    _check_prompt(fields)
    for name in ("temperature", "top_p"):
        value = fields.get(name)
        if value is not None and not 0 <= value <= 1:
            raise AnthropicRequestProblem(f"{name}: range: 0..1")
    if fields.get("temperature") not in (None, 1) and (fields.get("thinking") or {}).get("type") == "enabled":
        raise AnthropicRequestProblem("`temperature` may only be set to 1 when thinking is enabled.")
    at_least("top_k", fields.get("top_k"), 0)
    _check_stop_sequences(fields.get("stop_sequences") or [])
    _check_budget(fields.get("thinking") or {}, fields["max_tokens"], request)


def _check_prompt(fields: dict[str, Json]) -> None:
    check_messages(fields["messages"])
    if type(fields.get("system")) is list:
        check_texts("system", fields["system"])
    _check_tools(fields.get("tools") or [])
    if fields.get("tool_choice") is not None:
        _check_tool_choice(fields["tool_choice"], fields)
    if fields.get("thinking") is not None:
        _check_thinking(fields["thinking"])
    _check_format("output_format", fields.get("output_format"))
    _check_format("output_config.format", (fields.get("output_config") or {}).get("format"))


def _check_stop_sequences(sequences: list[Json]) -> None:
    for number, sequence in enumerate(sequences):
        if type(sequence) is not str:
            raise AnthropicRequestProblem(f"stop_sequences.{number}: {STRING.words}")
        if not sequence.strip():
            raise AnthropicRequestProblem("stop_sequences: each stop sequence must contain non-whitespace")


def _check_tools(tools: list[Json]) -> None:
    names = set()
    for number, tool in enumerate(tools):
        if type(tool) is not dict:
            raise AnthropicRequestProblem(f"tools.{number}: {NO_OBJECT}")
        if tool.get("type") in (None, "custom"):
            _check_custom(f"tools.{number}.custom", tool)
        name = tool.get("name")
        if type(name) is str and name in names:
            raise AnthropicRequestProblem("tools: Tool names must be unique.")
        names.add(str(name))


def _check_custom(path: str, tool: dict[str, Json]) -> None:
    fit(f"{path}.", tool, _TOOL)
    if not re.fullmatch(_TOOL_NAME, tool["name"]):
        raise AnthropicRequestProblem(f"{path}.name: String should match pattern '{_TOOL_NAME}'")
    fit(f"{path}.input_schema.", tool["input_schema"], {"type": ANY})
    if tool["input_schema"]["type"] != "object":
        raise AnthropicRequestProblem(f"{path}.input_schema.type: Input should be 'object'")
    if tool.get("strict") is True:
        check_strict(path, tool["input_schema"])


def _check_tool_choice(choice: dict[str, Json], fields: dict[str, Json]) -> None:
    """What servers offer over MCP is not known here."""
    kind = tagged("tool_choice", choice, _CHOICES)
    if kind == "tool":
        fit("tool_choice.tool.", choice, {"name": STRING})
    if not fields.get("mcp_servers"):
        offered = {str(tool.get("name")) for tool in fields.get("tools") or []}
        if not offered:
            raise AnthropicRequestProblem("tool_choice may only be specified while providing tools.")
        if kind == "tool" and choice["name"] not in offered:
            raise AnthropicRequestProblem(f"Tool '{choice['name']}' not found in provided tools")
    if kind in ("any", "tool") and (fields.get("thinking") or {}).get("type") == "enabled":
        raise AnthropicRequestProblem("Thinking may not be enabled when tool_choice forces tool use.")


def _check_thinking(thinking: dict[str, Json]) -> None:
    if tagged("thinking", thinking, _THINKING) == "enabled":
        fit("thinking.enabled.", thinking, {"budget_tokens": INTEGER})
        at_least("thinking.enabled.budget_tokens", thinking["budget_tokens"], 1024)


def _check_budget(thinking: dict[str, Json], most: int, request: Request) -> None:
    """A budget that interleaves with tools may go beyond `max_tokens`."""
    if thinking.get("type") != "enabled" or thinking["budget_tokens"] < most:
        return
    if "interleaved-thinking" not in request.headers.get("anthropic-beta", ""):
        raise AnthropicRequestProblem("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_format(path: str, wanted: Json) -> None:
    if wanted is None:
        return
    if type(wanted) is not dict:
        raise AnthropicRequestProblem(f"{path}: {DICT.words}")
    tagged(path, wanted, ("json_schema",))
    fit(f"{path}.", wanted, {"schema": DICT})
    check_strict(f"{path}.schema", wanted["schema"])
