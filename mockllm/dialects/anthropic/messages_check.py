"""Checks of a messages request: shape and documented ranges of the known fields.

Messages have the wording of the live service (`path: error`, with dots in the path). Where no wording is known, the
message follows the same validator's other messages. Unknown fields pass. Order, null values and most messages:
requests that the project `local-OAuth-CLI-API-adapter` measured in August and September 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.request.known_checks import check_unless_passed_before
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.breakpoint_check import breakpoints_problem, check_breakpoint
from mockllm.dialects.anthropic.client_tools import toolsets_by_tool
from mockllm.dialects.anthropic.content_check import (
    check_contents_and_order,
    check_message_shapes,
    check_texts,
    fast_accepts_all,
    fast_accepts_turns,
)
from mockllm.dialects.anthropic.model_check import check_counted_model, check_model
from mockllm.dialects.anthropic.prompt_form import CACHE_CONTROL, MAX_BREAKPOINTS
from mockllm.dialects.anthropic.strict_tool_bounds import check_strict_limits
from mockllm.dialects.anthropic.tool_types import CUSTOM, tool_type
from mockllm.dialects.anthropic.validators import (
    ANY,
    BOOLEAN,
    DICT,
    INTEGER,
    LIST,
    NO_SHAPE,
    NUMBER,
    STRING,
    TEXT_OR_LIST,
    AnthropicRequestProblem,
    AnthropicValueKind,
    Shape,
    check_minimum,
    check_shape,
    check_strict,
    either,
    tag_of,
)

_OF_SHAPE: Final = AnthropicValueKind(lambda value: type(value) is dict, NO_SHAPE)
_PROMPT: Final[Shape] = {
    "tool_choice": DICT.or_absent(),
    "tools": LIST.or_absent(),
    "messages": LIST,
    "system": TEXT_OR_LIST.or_absent(),
    "thinking": DICT.or_absent(),
    "output_config": _OF_SHAPE.or_absent(),
    "output_format": DICT.or_null(),
    CACHE_CONTROL: DICT.or_null(),
}
"""The fields whose tokens are counted, in the order of their checks."""
_GENERATION: Final[Shape] = {
    "max_tokens": INTEGER,
    "metadata": _OF_SHAPE.or_null(),
    "stop_sequences": LIST.or_null(),
    "temperature": NUMBER.or_absent(),
    "service_tier": ANY.or_absent(),
    "top_k": INTEGER.or_absent(),
    "top_p": NUMBER.or_absent(),
    "stream": BOOLEAN.or_absent(),
    "container": ANY.or_null(),
    "inference_geo": STRING.or_null(),
}
"""Further fields of a messages request, in the order of their checks."""
_COUNTED: Final[Shape] = {"model": STRING, **_PROMPT}
_FIELDS: Final[Shape] = {**_COUNTED, **_GENERATION}
_HOSTED: Final[Shape] = {"anthropic_version": STRING, **_PROMPT, **_GENERATION}
"""`anthropic_version` can be any date: the SDKs send the one that they were built for."""
_TOOL: Final[Shape] = {"name": STRING, "input_schema": _OF_SHAPE, "description": STRING.or_absent()}
_QUOTED_CACHE_CONTROL: Final = f'"{CACHE_CONTROL}"'.encode()
_QUOTED_HOUR: Final = b'"1h"'
_NOT_EMPTY: Final = "String should have at least 1 character"
_TOOL_NAME: Final = "^[a-zA-Z0-9_-]{1,128}$"
_CHOICES: Final = ("auto", "any", "tool", "none")
_THINKING: Final = ("adaptive", "between_tools", "disabled", "enabled")
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_TIERS: Final = ("auto", "standard_only")
_RUNS_CODE: Final = re.compile(r"code_execution_|web_(?:fetch|search)_202[6-9]")
"""The tools that run code in a container; those of the web filter their results with code since 2026."""
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
    failure = check_unless_passed_before(
        request, (_check, *shape_key), lambda: _check_whole(request, shape), fast_accepts_turns
    )
    if failure is None and "model" in shape:
        failure = check_model(request) if "max_tokens" in shape else check_counted_model(request)
    if failure is None and _may_have_wrong_breakpoints(request):
        problem = breakpoints_problem(request.fields)
        return None if problem is None else _bad_request(problem)
    return failure


def _may_have_wrong_breakpoints(request: Request) -> bool:
    """Return whether a search is needed: for too many breakpoints, or for an hour behind a shorter time."""
    count = request.occurrences(_QUOTED_CACHE_CONTROL)
    return count > MAX_BREAKPOINTS or (count > 1 and request.occurrences(_QUOTED_HOUR) > 0)


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
    """Check the fields one by one, then what they are together."""
    fields = request.fields
    if "model" not in shape and "model" in fields:
        raise AnthropicRequestProblem("model: Extra inputs are not permitted")
    is_accepted = fast_accepts_all(fields.get("messages"))
    for name, kind in shape.items():
        check_shape("", fields, {name: kind})
        if name == "messages":
            if not is_accepted:
                check_message_shapes(fields[name])
        elif name in _MEMBERS and name in fields:
            _MEMBERS[name](name, fields[name])
    if not is_accepted:
        check_contents_and_order(fields["messages"])
    _check_tool_choice(fields)
    if fields.get("container") is not None and not any(map(_runs_code, fields.get("tools", ()))):
        raise AnthropicRequestProblem(
            "container: Container identifier can only be provided when using the code execution tool"
        )
    if "max_tokens" in shape:
        _check_thinking_use(fields, request)


def _check_thinking_use(fields: dict[str, Json], request: Request) -> None:
    thinking = fields.get("thinking", {})
    if thinking.get("type") != "enabled":
        return
    if fields.get("temperature", 1) != 1:
        raise AnthropicRequestProblem("`temperature` may only be set to 1 when thinking is enabled.")
    # with interleaved thinking the budget may exceed `max_tokens`
    if thinking["budget_tokens"] >= fields["max_tokens"] and not _interleaves(request):
        raise AnthropicRequestProblem("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_model(path: str, name: str) -> None:
    if not name:
        raise AnthropicRequestProblem(f"{path}: {_NOT_EMPTY}")


def _check_system(path: str, system: Json) -> None:
    if type(system) is list:
        check_texts(path, system)


def _check_output(path: str, config: dict[str, Json]) -> None:
    _check_format(f"{path}.format", config.get("format"))
    effort = config.get("effort")
    if effort is not None and effort not in _EFFORTS:
        raise AnthropicRequestProblem(f"{path}.effort: Input should be {either(_EFFORTS)}")


def _check_max_tokens(path: str, count: int) -> None:
    if count < 0:
        raise AnthropicRequestProblem(f"{path}: must be greater than or equal to 0")


def _check_metadata(path: str, metadata: dict[str, Json] | None) -> None:
    if metadata is not None:
        check_shape(f"{path}.", metadata, {"user_id": STRING.or_null()})


def _check_ratio(path: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise AnthropicRequestProblem(f"{path}: range: 0..1")


def _check_tier(path: str, tier: Json) -> None:
    if tier not in _TIERS:
        raise AnthropicRequestProblem(f"{path}: Input should be {either(_TIERS)}")


def _check_container(path: str, container: Json) -> None:
    if container is not None and type(container) not in (str, dict):
        raise AnthropicRequestProblem(f"{path}.ContainerParams: {NO_SHAPE}")


def _runs_code(tool: dict[str, Json]) -> bool:
    kind = tool.get("type")
    return type(kind) is str and _RUNS_CODE.match(kind) is not None


def _check_stop_sequences(path: str, sequences: list[Json] | None) -> None:
    for number, sequence in enumerate(sequences or ()):
        if type(sequence) is not str:
            raise AnthropicRequestProblem(f"{path}.{number}: {STRING.message}")
        if not sequence.strip():
            raise AnthropicRequestProblem(f"{path}: each stop sequence must contain non-whitespace")


def _check_tools(path: str, tools: list[Json]) -> None:
    names = set()
    strict: list[dict[str, Json]] = []
    for number, tool in enumerate(tools):
        if type(tool) is not dict:
            raise AnthropicRequestProblem(f"{path}.{number}: {DICT.message}")
        kind = tool_type(f"{path}.{number}", tool)
        if kind == CUSTOM:
            _check_custom(f"{path}.{number}.custom", tool)
            if tool.get("strict") is True:
                strict.append(tool["input_schema"])
        check_breakpoint(f"{path}.{number}.{kind}.{CACHE_CONTROL}", tool.get(CACHE_CONTROL))
        name = tool.get("name")
        if type(name) is str and name in names:
            raise AnthropicRequestProblem(f"{path}: Tool names must be unique.")
        names.add(str(name))
    check_strict_limits(strict)


def _check_custom(path: str, tool: dict[str, Json]) -> None:
    check_shape(f"{path}.", tool, _TOOL)
    if not tool["name"]:
        raise AnthropicRequestProblem(f"{path}.name: {_NOT_EMPTY}")
    if not re.fullmatch(_TOOL_NAME, tool["name"]):
        raise AnthropicRequestProblem(f"{path}.name: String should match pattern '{_TOOL_NAME}'")
    check_shape(f"{path}.input_schema.", tool["input_schema"], {"type": ANY})
    if tool["input_schema"]["type"] != "object":
        raise AnthropicRequestProblem(f"{path}.input_schema.type: Input should be 'object'")
    if tool.get("strict") is True:
        check_strict(path, tool["input_schema"])


def _check_choice(path: str, choice: dict[str, Json]) -> None:
    if tag_of(path, choice, _CHOICES) == "tool":
        check_shape(f"{path}.tool.", choice, {"name": STRING})


def _check_tool_choice(fields: dict[str, Json]) -> None:
    """Check the choice beside the tools and the thinking; tools of MCP servers are unknown here."""
    choice = fields.get("tool_choice")
    if choice is None:
        return
    kind = choice["type"]
    if not fields.get("mcp_servers"):
        tools = fields.get("tools", ())
        offered = {str(tool.get("name")) for tool in tools} | toolsets_by_tool(tools).keys()
        if kind == "tool" and choice["name"] not in offered:
            raise AnthropicRequestProblem(f"Tool '{choice['name']}' not found in provided tools")
        if not offered:
            raise AnthropicRequestProblem(f"tool_choice.{kind} may only be specified while providing tools")
    if kind in ("any", "tool") and fields.get("thinking", {}).get("type") == "enabled":
        raise AnthropicRequestProblem("Thinking may not be enabled when tool_choice forces tool use.")


def _check_thinking(path: str, thinking: dict[str, Json]) -> None:
    if tag_of(path, thinking, _THINKING) == "enabled":
        check_shape(f"{path}.enabled.", thinking, {"budget_tokens": INTEGER})
        check_minimum(f"{path}.enabled.budget_tokens", thinking["budget_tokens"], 1024)


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


_MEMBERS: Final[Mapping[str, Callable[[str, Json], None]]] = {
    "model": _check_model,
    "tool_choice": _check_choice,
    "tools": _check_tools,
    "system": _check_system,
    "thinking": _check_thinking,
    "output_config": _check_output,
    "output_format": _check_format,
    CACHE_CONTROL: check_breakpoint,
    "max_tokens": _check_max_tokens,
    "metadata": _check_metadata,
    "stop_sequences": _check_stop_sequences,
    "temperature": _check_ratio,
    "service_tier": _check_tier,
    "top_p": _check_ratio,
    "container": _check_container,
}
"""The checks of what fields hold, by their names."""
