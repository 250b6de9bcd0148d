"""Refuses the unknown fields of a generateContent request, as Google's JSON parser does (`validation: exact`).

The parser knows the fields of each protobuf message, in camel case and in snake case, and lists all others. Messages
without a table here, such as the settings of the service's own tools, are not walked. Sources: the types of
google-genai 3.4 for the fields, errors that users quote for paths and messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.gemini.errors import TYPE
from mockllm.dialects.gemini.validators import snake_case

MAX_VIOLATIONS: Final = 100
"""The most unknown fields that a refusal lists: a client may send a body full of them."""


class MessageFields(Struct, frozen=True):
    """The names of a message's fields in snake case, the messages in them, and the maps of messages."""

    names: frozenset[str]
    messages: Mapping[str, str] = {}
    maps: Mapping[str, str] = {}


MESSAGES: Final[Mapping[str, MessageFields]] = {
    "GenerateContentRequest": MessageFields(
        frozenset({
            "cached_content", "contents", "continuation_token", "generation_config", "labels", "model",
            "model_armor_config", "output_config", "safety_settings", "service_tier", "store", "system_instruction",
            "tool_config", "tools",
        }),
        {
            "contents": "Content",
            "system_instruction": "Content",
            "tools": "Tool",
            "tool_config": "ToolConfig",
            "safety_settings": "SafetySetting",
            "generation_config": "GenerationConfig",
        },
    ),
    "Content": MessageFields(frozenset({"parts", "role"}), {"parts": "Part"}),
    "Part": MessageFields(
        frozenset({
            "audio_metadata", "audio_transcription", "code_execution_result", "document_metadata", "executable_code",
            "file_data", "function_call", "function_response", "inline_data", "media_processing", "media_resolution",
            "part_metadata", "speech_metadata", "spreadsheet_metadata", "text", "thought", "thought_signature",
            "tool_call", "tool_response", "video_metadata",
        }),
        {
            "inline_data": "Blob",
            "file_data": "FileData",
            "function_call": "FunctionCall",
            "function_response": "FunctionResponse",
        },
    ),
    "Blob": MessageFields(frozenset({"data", "display_name", "mime_type"})),
    "FileData": MessageFields(frozenset({"display_name", "file_uri", "mime_type"})),
    "FunctionCall": MessageFields(frozenset({"args", "id", "name", "partial_args", "will_continue"})),
    "FunctionResponse": MessageFields(
        frozenset({"id", "name", "parts", "response", "scheduling", "will_continue"})
    ),
    "Tool": MessageFields(
        frozenset({
            "code_execution", "computer_use", "enterprise_web_search", "exa_ai_search", "file_search",
            "function_declarations", "google_maps", "google_search", "google_search_retrieval", "mcp_servers",
            "parallel_ai_search", "retrieval", "url_context",
        }),
        {"function_declarations": "FunctionDeclaration"},
    ),
    "FunctionDeclaration": MessageFields(
        frozenset({
            "behavior", "description", "name", "parameters", "parameters_json_schema", "response",
            "response_json_schema",
        }),
        {"parameters": "Schema", "response": "Schema"},
    ),
    "Schema": MessageFields(
        frozenset({
            "additional_properties", "any_of", "default", "defs", "description", "enum", "example", "format", "items",
            "max_items", "max_length", "max_properties", "maximum", "min_items", "min_length", "min_properties",
            "minimum", "nullable", "pattern", "properties", "property_ordering", "ref", "required", "title", "type",
        }),
        {"any_of": "Schema", "items": "Schema"},
        {"properties": "Schema", "defs": "Schema"},
    ),
    "ToolConfig": MessageFields(
        frozenset({"function_calling_config", "include_server_side_tool_invocations", "retrieval_config"}),
        {"function_calling_config": "FunctionCallingConfig"},
    ),
    "FunctionCallingConfig": MessageFields(
        frozenset({"allowed_function_names", "mode", "stream_function_call_arguments"})
    ),
    "SafetySetting": MessageFields(frozenset({"category", "method", "threshold"})),
    "GenerationConfig": MessageFields(
        frozenset({
            "audio_timestamp", "audio_transcription_config", "candidate_count", "enable_affective_dialog",
            "enable_enhanced_civic_answers", "frequency_penalty", "image_config", "logprobs", "max_output_tokens",
            "media_resolution", "model_config", "model_selection_config", "presence_penalty", "response_format",
            "response_json_schema", "response_logprobs", "response_mime_type", "response_modalities",
            "response_schema", "routing_config", "seed", "speech_config", "stop_sequences", "temperature",
            "thinking_config", "top_k", "top_p", "translation_config",
        }),
        {"response_schema": "Schema", "thinking_config": "ThinkingConfig"},
    ),
    "ThinkingConfig": MessageFields(frozenset({"include_thoughts", "thinking_budget", "thinking_level"})),
}  # fmt: skip


def refuse_inexact(request: Request) -> Failure | None:
    """Return the failure that lists the unknown fields of a generating request; None where there is none."""
    if request.api != "generate":
        return None
    violations: list[Json] = []
    for path, name in unknown_fields(request.body):
        where = f" at '{path}'" if path else ""
        message = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
        violations.append({"field": path, "description": message} if path else {"description": message})
        if len(violations) == MAX_VIOLATIONS:
            break
    if not violations:
        return None
    details: Json = [{"@type": f"{TYPE}BadRequest", "fieldViolations": violations}]
    message = "\n".join([violation["description"] for violation in violations])
    return Failure("bad_request", message=message, fields={"details": details})


def unknown_fields(body: object) -> Iterator[tuple[str, str]]:
    """Yield the path and the name of each unknown field, in the order of the body."""
    waiting: list[tuple[str, object, str]] = [("", body, "GenerateContentRequest")]
    while waiting:
        path, value, kind = waiting.pop()
        if not kind:
            yield path, str(value)
        elif type(value) is list:
            waiting += reversed([(f"{path}[{index}]", item, kind) for index, item in enumerate(value)])
        elif type(value) is dict:
            waiting += reversed(list(_members(path, value, MESSAGES[kind])))


def _members(
    path: str, fields: Mapping[str, object], known: MessageFields
) -> Iterator[tuple[str, object, str]]:
    """Yield the messages in a message with their paths and kinds, and the names that are unknown without a kind."""
    for name, value in fields.items():
        field = snake_case(name)
        at = f"{path}.{field}" if path else field
        if field not in known.names:
            yield path, name, ""
        elif field in known.messages:
            yield at, value, known.messages[field]
        elif field in known.maps and type(value) is dict:
            for index, item in enumerate(value.values()):
                yield f"{at}[{index}].value", item, known.maps[field]
