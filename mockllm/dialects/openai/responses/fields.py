"""Checks of the fields of a responses request beside its input, with the wording and codes of the service.

The order of the checks is the service's: of two wrong fields, it refuses the first one. The order and the wording of
wrong types were measured in August 2026 (local-OAuth-CLI-API-adapter, a public repository of kangminlee-maker).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.metadata import check_metadata
from mockllm.dialects.openai.responses.file_search import FILE_RESULTS
from mockllm.dialects.openai.strict_schema import check_parameters, check_response_schema
from mockllm.dialects.openai.validators import (
    Check,
    alternatives,
    array,
    boolean,
    by_type,
    decimal,
    integer,
    members,
    object_,
    one_of,
    prompt_cache_key,
    refuse,
    string,
    text,
    unsupported,
    wrong_type,
)
from mockllm.dialects.openai.vector_stores.retrieval import WANTED

_name: Final = text(128, r"^[a-zA-Z0-9_-]+$")
_described: Final = {"name": _name, "description": string, "strict": boolean, "parameters": object_}
FORMATS: Final[dict[str, Check]] = {
    "json_object": object_,
    "text": object_,
    "json_schema": members(("name", "schema"), {"name": _name, "schema": object_, "strict": boolean}),
}
CHOICES: Final[dict[str, Check]] = {
    "function": members(("name",), {"name": string}),
    "custom": members(("name",), {"name": string}),
    "allowed_tools": members(
        ("mode", "tools"),
        {"mode": one_of("auto", "required"), "tools": array(object_, "objects", min_length=1)},
    ),
}
_typed: Final = members(("type",), {"type": string})
_typed_format: Final = by_type(FORMATS)
TOOL_CHOICE_WORDS: Final = ("none", "auto", "required")
EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
INCLUDED: Final = (
    FILE_RESULTS,
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)


TOOL_TYPES: Final = (
    *("code_interpreter", "programmatic_tool_calling", "function", "namespace", "tool_search", "file_search"),
    *("web_search_preview", "web_search_preview_2025_03_11", "image_generation", "mcp", "custom", "computer"),
    *("computer_use_preview", "shell", "apply_patch"),
)
"""The types of tools that messages name: public reports of August 2026."""
_UNLISTED_TOOL_TYPES: Final = ("local_shell", "web_search", "web_search_2025_08_26")
"""The types that the SDK has beside them."""
_tool_type: Final = one_of(*TOOL_TYPES, unlisted=_UNLISTED_TOOL_TYPES)
_described_tool: Final = members(("name",), _described)
_SERVER_TOOLS: Final[dict[str, Check]] = {
    "file_search": members(("vector_store_ids",), {"vector_store_ids": array(string, "strings"), **WANTED}),
    "mcp": members(("server_label",), {"server_label": string}),  # public report: wandb/wandb-mcp-server
}
"""Checks of tools that the service runs, by their types."""


def _tool_check(*, serves_openai_models: bool) -> Check:
    """Return the check of a tool. Only tools that the client itself executes are checked in detail, and some that
    OpenAI and Azure run. Other services accept any type."""

    def check(value: Json, path: str) -> Failure | None:
        error = _typed(value, path)
        if error is None and serves_openai_models:
            error = _tool_type(value["type"], f"{path}.type")
            if value["type"] in _SERVER_TOOLS:
                return _SERVER_TOOLS[value["type"]](value, path)
        if error is not None or value["type"] not in ("function", "custom"):
            return error
        error = _described_tool(value, path)
        return error or check_parameters(
            value, f"{path}.parameters", serves_openai_models=serves_openai_models
        )

    return check


def _tool_choice(value: Json, path: str) -> Failure | None:
    if type(value) is not dict:
        if type(value) is str:
            return None if value in TOOL_CHOICE_WORDS else unsupported(value, path, TOOL_CHOICE_WORDS)
        return wrong_type(value, path, f"one of an object or {alternatives(TOOL_CHOICE_WORDS)}")
    error = _typed(value, path)
    return error if error is not None or value["type"] not in CHOICES else CHOICES[value["type"]](value, path)


def _format(value: Json, path: str) -> Failure | None:
    error = _typed_format(value, path)
    if error is not None or value["type"] != "json_schema":
        return error
    return check_response_schema(value, f"{path}.schema", "invalid_json_schema")


def _effort(value: Json, path: str) -> Failure | None:
    """Check the effort of reasoning. The service words the type of an integer differently."""
    if type(value) is int:
        return wrong_type(value, path, f"one of {alternatives(EFFORTS[1:5])}")
    if type(value) is not str:
        return wrong_type(value, path, f"one of one of {alternatives(EFFORTS)} or integer")
    return None if value in EFFORTS else unsupported(value, path, EFFORTS)


_included: Final = array(one_of(*INCLUDED), "strings")


def _include(value: Json, path: str) -> Failure | None:
    """Check the wanted content. A message about the type shortens the words."""
    if type(value) is list:
        return _included(value, path)
    shortened = [f"{word[:3]}...{word[-3:]}" for word in INCLUDED]
    return wrong_type(value, path, f"an array of one of {alternatives(shortened)}")


OPENAI_FIELDS: Final[dict[str, Check]] = {
    "previous_response_id": string,
    "prompt": members(("id",), {"id": string}),
    "moderation": object_,
    "include": _include,
    "tools": array(_tool_check(serves_openai_models=True), "tools", max_length=128),
    "tool_choice": _tool_choice,
    "metadata": check_metadata,
    "text": members((), {"format": _format, "verbosity": one_of("low", "medium", "high")}),
    "temperature": decimal(0, 2),
    "top_p": decimal(0, 1),
    "presence_penalty": decimal(-2, 2),
    "frequency_penalty": decimal(-2, 2),
    "parallel_tool_calls": boolean,
    "stream": boolean,
    "stream_options": members((), {"include_obfuscation": boolean}),
    "background": boolean,
    "max_output_tokens": integer(16),  # public reports: earendil-works/pi 6265, for Azure hindsight 58
    "max_tool_calls": integer(1),
    "reasoning": members((), {"effort": _effort, "summary": one_of("concise", "detailed", "auto")}),
    "user": string,
    "safety_identifier": string,
    "prompt_cache_options": object_,
    "prompt_cache_key": prompt_cache_key,
    "prompt_cache_retention": one_of("in_memory", "24h"),
    "truncation": one_of("auto", "disabled"),
    "instructions": string,
    "store": boolean,
    # some customers have `scale`, which messages do not name
    "service_tier": one_of("auto", "default", "fast", "flex", "priority", unlisted=("scale",)),
    "top_logprobs": integer(0, 20),
    "context_management": array(object_, "objects"),
}
"""The checks of the fields at OpenAI and Azure, in their order."""
_ONLY_OPENAI: Final = (
    *("moderation", "presence_penalty", "frequency_penalty", "safety_identifier", "prompt_cache_options"),
    *("prompt_cache_key", "prompt_cache_retention", "context_management"),
)
FIELDS: Final[Mapping[str, Check]] = {
    **{name: check for name, check in OPENAI_FIELDS.items() if name not in _ONLY_OPENAI},
    "include": array(string, "strings"),
    "tools": array(_tool_check(serves_openai_models=False), "tools", max_length=128),
    "max_output_tokens": integer(1),
    "metadata": object_,
}
"""The checks of other services that have OpenAI's protocol."""


def moved_messages() -> Failure:
    """Return the refusal of the messages of a chat request."""
    return refuse(MOVED_MESSAGE, None, "unsupported_parameter")


MOVED_MESSAGE: Final = (
    "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'. Try again with "
    "the new parameter. See the API documentation for more information: "
    "https://platform.openai.com/docs/api-reference/responses/create."
)
