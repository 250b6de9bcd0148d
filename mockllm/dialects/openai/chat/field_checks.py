"""Checks of the fields of a chat request beside its messages, with the wording and codes of the service.

The order of the checks is the service's: of two wrong fields, it refuses the first one. The order and the wording of
wrong types were measured in August 2026 (local-OAuth-CLI-API-adapter, a public repository of kangminlee-maker).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.chat.audio_check import audio, check_wanted_audio
from mockllm.dialects.openai.metadata import check_metadata
from mockllm.dialects.openai.strict_schema import check_parameters, check_response_schema
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    by_type,
    check_stream_options,
    decimal,
    integer,
    members,
    object_,
    one_of,
    prompt_cache_key,
    refuse,
    string,
    text,
    text_or,
    unsupported,
)

_name: Final = text(64, r"^[a-zA-Z0-9_-]+$")
_described: Final = {"name": _name, "description": string, "strict": boolean}


def _nested_object(name: str, required: Sequence[str], checks: Mapping[str, Check]) -> Check:
    """Return a check of an object with one required member, which is an object itself."""
    return members((name,), {name: members(required, checks)})


TOOLS: Final = {
    "function": _nested_object("function", ("name",), {**_described, "parameters": object_}),
    "custom": _nested_object("custom", ("name",), _described),
}
TOOL_CHOICES: Final = {
    "function": _nested_object("function", ("name",), {"name": string}),
    "custom": _nested_object("custom", ("name",), {"name": string}),
    "allowed_tools": _nested_object(
        "allowed_tools",
        ("mode", "tools"),
        {"mode": one_of("auto", "required"), "tools": array(object_, "objects", min_length=1)},
    ),
}
FORMATS: Final = {
    "json_object": object_,
    "json_schema": _nested_object("json_schema", ("name",), {**_described, "schema": object_}),
    "text": object_,
}


_typed_tool: Final = by_type(TOOLS)


def _tool_check(*, serves_openai_models: bool) -> Check:
    def check(value: Json, path: str) -> Failure | None:
        error = _typed_tool(value, path)
        if error is not None:
            return error
        tool_type = value["type"]
        return check_parameters(
            value[tool_type], f"{path}.{tool_type}.parameters", serves_openai_models=serves_openai_models
        )

    return check


_typed_format: Final = by_type(FORMATS)


def _response_format(value: Json, path: str) -> Failure | None:
    error = _typed_format(value, path)
    if error is not None or value["type"] != "json_schema":
        return error
    return check_response_schema(value["json_schema"], path)


_typed_choice: Final = by_type(TOOL_CHOICES)


def _chosen_tool(value: Json, path: str) -> Failure | None:
    """Check a chosen tool. The service reads one of an unknown type as a function first."""
    kind = value.get("type")
    if type(kind) is not str or kind in TOOL_CHOICES:
        return _typed_choice(value, path)
    return TOOL_CHOICES["function"](value, path) or unsupported(kind, f"{path}.type", tuple(TOOL_CHOICES))


_function: Final = members(("name",), {"name": _name, "parameters": object_})


RETENTIONS: Final = ("in_memory", "24h")
_known_retention: Final = one_of(*RETENTIONS)


def _retention(value: Json, path: str) -> Failure | None:
    """Check the retention of cached prompts. An unknown word has its own message in this protocol."""
    if type(value) is str and value not in RETENTIONS:
        return refuse(f"Invalid {path} argument", path)
    return _known_retention(value, path)


OPENAI_FIELDS: Final[dict[str, Check]] = {
    "functions": array(_function, "function definitions", 1, 128),
    "function_call": text_or(dict, members(("name",), {"name": string}), "object", ("none", "auto")),
    # an empty one counts as absent (reports of 2025 and 2026)
    "tools": array(_tool_check(serves_openai_models=True), "objects", max_length=128),
    "tool_choice": text_or(dict, _chosen_tool, "object", ("none", "auto", "required")),
    "parallel_tool_calls": boolean,
    "max_completion_tokens": integer(1),
    "n": integer(1, 128),
    "temperature": decimal(0, 2),
    "top_p": decimal(0, 1),
    "presence_penalty": decimal(-2, 2),
    "frequency_penalty": decimal(-2, 2),
    "logprobs": boolean,
    "top_logprobs": integer(0, 20),
    "user": string,
    "seed": integer(),
    "moderation": members(("model",), {"model": string}),
    "safety_identifier": string,
    "prompt_cache_options": object_,
    "prompt_cache_key": prompt_cache_key,
    "prompt_cache_retention": _retention,
    "response_format": _response_format,
    # some customers have `scale`, which messages do not name
    "service_tier": one_of("auto", "default", "fast", "flex", "priority", unlisted=("scale",)),
    "max_tokens": integer(1),
    "reasoning_effort": one_of("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "logit_bias": object_,
    "stop": text_or(list, array(string, "strings", max_length=4), "array of strings"),
    "stream": boolean,
    "stream_options": members((), {"include_usage": boolean, "include_obfuscation": boolean}),
    "store": boolean,
    "metadata": check_metadata,
    "verbosity": one_of("low", "medium", "high"),
    "audio": audio,
    "modalities": array(one_of("text", "audio"), "strings"),
}
"""The checks of the fields at the providers of OpenAI's models, in their order."""
_ONLY_OPENAI: Final = (
    *("moderation", "safety_identifier", "prompt_cache_options", "prompt_cache_key"),
    "prompt_cache_retention",
)
FIELDS: Final[dict[str, Check]] = {
    **{name: check for name, check in OPENAI_FIELDS.items() if name not in _ONLY_OPENAI},
    "tools": array(_tool_check(serves_openai_models=False), "objects", max_length=128),
    "metadata": object_,
}
"""The checks of other services that have OpenAI's protocol."""

DEPENDENT: Final = frozenset({"stream_options", "top_logprobs", "tool_choice", "function_call", "modalities"})
"""The fields that may need another one."""


def check_dependencies(body: dict[str, Json]) -> Failure | None:
    """Return the error of fields that are allowed only together with another one."""
    if DEPENDENT.isdisjoint(body):
        return None
    error = check_wanted_audio(body) or check_stream_options(body)
    if error is not None:
        return error
    if body.get("top_logprobs") is not None and body.get("logprobs") is not True:
        message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        return refuse(message, "top_logprobs")
    choice = body.get("tool_choice")
    if choice is not None and choice != "none":
        return _check_tool_choice(choice, body.get("tools"))
    return _check_function_choice(body.get("function_call"), body.get("functions"))


OPENAI_DEPENDENT: Final = frozenset({"max_tokens", "parallel_tool_calls"})
"""The fields that OpenAI and Azure refuse with another field or without one."""
BOTH_MAXIMA: Final = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."


def check_openai_dependencies(body: dict[str, Json]) -> Failure | None:
    """Return the error of two maxima of tokens, and of the setting of parallel calls without tools. Sources: public
    reports of 2024 to 2026 (langchain-ai/langgraph#5943, openai/swarm#30, openai/openai-openapi#287)."""
    if OPENAI_DEPENDENT.isdisjoint(body):
        return None
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        return refuse(BOTH_MAXIMA, "max_tokens", "invalid_parameter_combination")
    if body.get("parallel_tool_calls") is None or body.get("tools"):
        return None
    message = "'parallel_tool_calls' is only allowed when 'tools' are specified."
    return refuse(f"Invalid value for 'parallel_tool_calls': {message}", "parallel_tool_calls")


def _check_function_choice(choice: Json, functions: Json) -> Failure | None:
    """Check that the legacy functions contain the function to call; both arguments are well-formed."""
    if choice is None or choice == "none":
        return None
    if not functions:
        message = "'function_call' is only allowed when 'functions' are specified."
        return refuse(f"Invalid value for 'function_call': {message}", "function_call")
    if type(choice) is str or any(function["name"] == choice["name"] for function in functions):
        return None
    return _no_function(choice["name"])


def _no_function(name: str) -> Failure:
    """Return the refusal of an unknown function. It names `functions` also where `tools` has the functions."""
    message = f"no function named '{name}' was specified in the 'functions' parameter."
    return refuse(f"Invalid value for 'function_call': {message}", "function_call")


def _check_tool_choice(choice: Json, tools: Json) -> Failure | None:
    """Check that the tools contain the chosen tool; both arguments are well-formed."""
    if not tools:
        return refuse(WITHOUT_TOOLS_MESSAGE, "tool_choice")
    if type(choice) is str or choice["type"] == "allowed_tools":
        return None
    tool_type = choice["type"]
    name = choice[tool_type]["name"]
    if any(tool["type"] == tool_type and tool[tool_type]["name"] == name for tool in tools):
        return None
    if tool_type == "function":
        return _no_function(name)
    message = f"no custom tool named {name} was specified in the 'tools' parameter."
    return refuse(f"Invalid value for 'tool_choice': {message}", "tool_choice")


WITHOUT_TOOLS_MESSAGE: Final = (
    "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
)
