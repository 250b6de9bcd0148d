"""Checks of a messages request: shape and documented ranges of the known fields.

Messages have the wording of the live service (`path: error`, with dots in the path). Where no wording is known, the
message follows the same validator's other messages. Unknown fields and tools pass.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.request.known_checks import check_known
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.client_tools import toolsets_by_tool
from mockllm.dialects.anthropic.content_check import check_messages, check_texts, turns_pass
from mockllm.dialects.anthropic.known_models import check_model
from mockllm.dialects.anthropic.prompt_form import BREAKPOINT, MAX_BREAKPOINTS, count_breakpoints
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
    check_minimum,
    check_shape,
    check_strict,
    tag_of,
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
"""The fields whose tokens are counted."""
_GENERATION: Final[Shape] = {
    "max_tokens": INTEGER,
    "stream": BOOLEAN.or_absent(),
    "temperature": NUMBER.or_absent(),
    "top_p": NUMBER.or_absent(),
    "top_k": INTEGER.or_absent(),
    "stop_sequences": LIST.or_absent(),
    "metadata": DICT.or_absent(),
}
"""Further fields of a messages request."""
_COUNTED: Final[Shape] = {"model": STRING, **_PROMPT}
_FIELDS: Final[Shape] = {**_COUNTED, **_GENERATION}
_HOSTED: Final[Shape] = {"anthropic_version": STRING, **_PROMPT, **_GENERATION}
"""`anthropic_version` can be any date: the SDKs send the one that they were built for."""
_TOOL: Final[Shape] = {"name": STRING, "input_schema": DICT, "description": STRING.or_absent()}
_QUOTED_BREAKPOINT: Final = f'"{BREAKPOINT}"'.encode()
_TOO_MANY_BREAKPOINTS: Final = "A maximum of {} blocks with cache_control may be provided. Found {}."
"""Quoted in public reports, such as github.com/tghamm/Anthropic.SDK/issues/50."""
_TOOL_NAME: Final = "^[a-zA-Z0-9_-]{1,128}$"
_CHOICES: Final = ("auto", "any", "tool", "none")
_THINKING: Final = ("enabled", "disabled", "adaptive", "between_tools")
_NO_THREADS: Final = Failure(
    "bad_request",
    message="thread: threads are not kept here; send the whole history",
    fields={"details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}},
)
"""The refusal of `thread`. The SDK's helpers for agent loops let the server store the history (a beta); after this
error they send the whole history."""


def check_readable(request: Request) -> Failure | None:
    """Return the error of a body that is not a JSON object; the parser's wording is that of the live service."""
    if type(request.body) is dict:
        return None
    try:
        loads(request.raw)
    except JSONDecodeError as error:
        return _bad_request(f"The request body is not valid JSON: {error}")
    return _bad_request("Input should be a valid dictionary")


def check(request: Request) -> Failure | None:
    """Return the first problem of a messages request; None where there is none."""
    return _check(request, _FIELDS)


def check_hosted(request: Request) -> Failure | None:
    """Return the first problem of a request to another platform, which has the model in its path and a version in its
    body."""
    return _check(request, _HOSTED)


def check_counted(request: Request) -> Failure | None:
    """Return the first problem of a counting request, which needs no `max_tokens`."""
    return _check(request, _COUNTED)


def _check(request: Request, shape: Shape) -> Failure | None:
    shape_key = ("model" in shape, "max_tokens" in shape, _interleaves(request))
    failure = check_known(request, (_check, *shape_key), lambda: _check_whole(request, shape), turns_pass)
    if failure is None and _FIELDS.keys() <= shape.keys():
        failure = check_model(request)
    # where the name occurs less often, no search is needed
    if failure is None and request.occurrences(_QUOTED_BREAKPOINT) > MAX_BREAKPOINTS:
        found = count_breakpoints(request.fields)
        if found > MAX_BREAKPOINTS:
            return _bad_request(_TOO_MANY_BREAKPOINTS.format(MAX_BREAKPOINTS, found))
    return failure


def _check_whole(request: Request, shape: Shape) -> Failure | None:
    failure = check_readable(request)
    if failure is not None:
        return failure
    if "max_tokens" in shape and type(request.fields.get("thread")) is dict:
        return _NO_THREADS
    try:
        _check_fields(request, shape)
    except AnthropicRequestProblem as problem:
        return _bad_request(str(problem))
    return None


def _bad_request(message: str) -> Failure:
    return Failure("bad_request", message=message)


def _check_fields(request: Request, shape: Shape) -> None:
    fields = request.fields
    check_shape("", fields, shape)
    if "model" not in shape and "model" in fields:
        raise AnthropicRequestProblem("model: Extra inputs are not permitted")
    if "model" in shape and not fields["model"]:
        raise AnthropicRequestProblem("model: String should have at least 1 character")
    if "max_tokens" in shape:
        _check_generation(fields, request)
    else:
        _check_prompt(fields)


def _check_generation(fields: dict[str, Json], request: Request) -> None:
    check_minimum("max_tokens", fields["max_tokens"], 1)
    _check_prompt(fields)
    for name in ("temperature", "top_p"):
        value = fields.get(name)
        if value is not None and not 0 <= value <= 1:
            raise AnthropicRequestProblem(f"{name}: range: 0..1")
    if fields.get("temperature") not in (None, 1) and (fields.get("thinking") or {}).get("type") == "enabled":
        raise AnthropicRequestProblem("`temperature` may only be set to 1 when thinking is enabled.")
    check_minimum("top_k", fields.get("top_k"), 0)
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
            raise AnthropicRequestProblem(f"stop_sequences.{number}: {STRING.message}")
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
    check_shape(f"{path}.", tool, _TOOL)
    if not re.fullmatch(_TOOL_NAME, tool["name"]):
        raise AnthropicRequestProblem(f"{path}.name: String should match pattern '{_TOOL_NAME}'")
    check_shape(f"{path}.input_schema.", tool["input_schema"], {"type": ANY})
    if tool["input_schema"]["type"] != "object":
        raise AnthropicRequestProblem(f"{path}.input_schema.type: Input should be 'object'")
    if tool.get("strict") is True:
        check_strict(path, tool["input_schema"])


def _check_tool_choice(choice: dict[str, Json], fields: dict[str, Json]) -> None:
    """Check the tool choice; tools of MCP servers are unknown here."""
    kind = tag_of("tool_choice", choice, _CHOICES)
    if kind == "tool":
        check_shape("tool_choice.tool.", choice, {"name": STRING})
    if not fields.get("mcp_servers"):
        tools = fields.get("tools") or []
        offered = {str(tool.get("name")) for tool in tools} | toolsets_by_tool(tools).keys()
        if not offered:
            raise AnthropicRequestProblem("tool_choice may only be specified while providing tools.")
        if kind == "tool" and choice["name"] not in offered:
            raise AnthropicRequestProblem(f"Tool '{choice['name']}' not found in provided tools")
    if kind in ("any", "tool") and (fields.get("thinking") or {}).get("type") == "enabled":
        raise AnthropicRequestProblem("Thinking may not be enabled when tool_choice forces tool use.")


def _check_thinking(thinking: dict[str, Json]) -> None:
    if tag_of("thinking", thinking, _THINKING) == "enabled":
        check_shape("thinking.enabled.", thinking, {"budget_tokens": INTEGER})
        check_minimum("thinking.enabled.budget_tokens", thinking["budget_tokens"], 1024)


def _check_budget(thinking: dict[str, Json], max_tokens: int, request: Request) -> None:
    """Check the thinking budget; with interleaved thinking it may exceed `max_tokens`."""
    if thinking.get("type") != "enabled" or thinking["budget_tokens"] < max_tokens:
        return
    if not _interleaves(request):
        raise AnthropicRequestProblem("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _interleaves(request: Request) -> bool:
    return "interleaved-thinking" in request.headers.get("anthropic-beta", "")


def _check_format(path: str, format_: Json) -> None:
    if format_ is None:
        return
    if type(format_) is not dict:
        raise AnthropicRequestProblem(f"{path}: {DICT.message}")
    tag_of(path, format_, ("json_schema",))
    check_shape(f"{path}.", format_, {"schema": DICT})
    check_strict(f"{path}.schema", format_["schema"])
