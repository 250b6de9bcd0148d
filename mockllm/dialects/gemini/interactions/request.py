"""Reads a request for an interaction as one of generateContent: steps and contents become its contents.

No function raises on any JSON. Sources: google-genai's `CreateModelInteraction`, `Step` and `Content`; the turns with
roles are those of the first versions of the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.request.stored_history import chain, is_long_history
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.gemini.cached_content import with_cached
from mockllm.dialects.gemini.generate_request import GenerateRequest, list_of
from mockllm.dialects.gemini.interactions.stored_interactions import input_steps, read_input, steps_at

CHOICES: Final = {"auto": "AUTO", "any": "ANY", "none": "NONE", "validated": "VALIDATED"}
ROLES: Final = {"user": "user", "model": "model"}


class InteractionRequest(GenerateRequest):
    """POST …/interactions."""

    api = "interactions"
    turns_field = None

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @cached_property
    def sse(self) -> bool:
        return self.stream

    @property
    def background(self) -> bool:  # type: ignore[override]  # a constant of other calls
        return self.fields.get("background") is True

    @cached_property
    def model(self) -> str | None:
        name = self.fields.get("model") or self.fields.get("agent")
        return (text_of(name) or "").rpartition("/")[2] or None

    @property
    def names_agent(self) -> bool:
        """Whether the request names an agent."""
        return self.fields.get("agent") is not None

    @cached_property
    def previous(self) -> StoredObject | None:
        id = self.fields.get("previous_interaction_id")
        return self.object_lookup.stored(id) if type(id) is str else None

    @cached_property
    def conversation_name(self) -> str | None:
        return None if self.previous is None else self.previous.conversation_name or self.previous.id

    @cached_property
    def before(self) -> list[StoredObject]:
        """All stored interactions that lead to the request, the oldest first."""
        return chain(self.previous, self.object_lookup)

    @cached_property
    def history(self) -> list[Json]:
        """The steps that all interactions which lead to this one have now, the oldest first."""
        return [step for one in self.before for step in (*input_steps(one), *steps_at(one, self.monotonic))]

    @property
    def history_is_long(self) -> bool:
        return is_long_history(self.before)

    @cached_property
    def message(self) -> dict[str, Json]:
        """The request in the form of generateContent."""
        fields, config = self.fields, object_of(self.fields.get("generation_config"))
        steps = [*self.history, *read_input(fields.get("input"))]
        message: dict[str, Json] = {
            "contents": [content for step in steps for content in _contents(object_of(step))],
            "tools": [_tool(object_of(tool)) for tool in list_of(fields.get("tools"))],
            "systemInstruction": fields.get("system_instruction"),
            "generationConfig": {
                "maxOutputTokens": config.get("max_output_tokens"),
                "stopSequences": config.get("stop_sequences"),
                **_format(fields.get("response_format"), fields.get("response_mime_type")),
            },
            "toolConfig": {"functionCallingConfig": _calling(config.get("tool_choice"))},
        }
        return message if self.cached is None else with_cached(message, self.cached)

    @cached_property
    def summarizes(self) -> bool:
        """Whether thoughts are shown; otherwise only their signature is."""
        return object_of(self.fields.get("generation_config")).get("thinking_summaries") == "auto"


def _contents(step: dict[str, Json]) -> Sequence[Json]:
    """Return the contents of a step; at most one."""
    kind, content = step.get("type"), step.get("content")
    if step.get("role") is not None:  # a turn
        return [{"role": ROLES.get(str(step["role"]), "user"), "parts": _parts(content)}]
    match kind:
        case "user_input":
            return [{"role": "user", "parts": _parts(content)}]
        case "model_output":
            return [{"role": "model", "parts": _parts(content)}]
        case "thought":
            texts = [part.get("text") for part in map(object_of, list_of(step.get("summary")))]
            text = "".join(text for text in texts if type(text) is str)
            return [{"role": "model", "parts": [{"text": text, "thought": True}]}]
        case "function_call":
            call = {"id": step.get("id"), "name": step.get("name"), "args": step.get("arguments")}
            return [{"role": "model", "parts": [{"functionCall": call}]}]
        case "function_result":
            return [{"role": "user", "parts": [{"functionResponse": _result(step)}]}]
    return [{"role": "model", "parts": [{str(kind): {}}]}] if kind is not None else []


def _parts(content: Json) -> list[Json]:
    parts: list[Json] = []
    for item in [content] if type(content) is str else list_of(content):
        fields = object_of(item)
        if type(item) is str or fields.get("type") == "text":
            parts.append({"text": item if type(item) is str else fields.get("text")})
        else:
            mime = fields.get("mime_type") or f"{fields.get('type')}/*"
            parts.append({"inlineData": {"mimeType": mime, "data": ""}})
    return parts


def _result(step: dict[str, Json]) -> dict[str, Json]:
    result = step.get("result")
    if type(result) is list:
        texts = [object_of(part).get("text") for part in result]
        result = "\n".join(text for text in texts if type(text) is str)
    key = "error" if step.get("is_error") is True else "output"
    return {"id": step.get("call_id"), "name": step.get("name"), "response": {key: result}}


def _tool(tool: dict[str, Json]) -> Json:
    if tool.get("type") != "function":
        return {str(tool.get("type")): {}}
    declaration: dict[str, Json] = {"name": tool.get("name"), "description": tool.get("description")}
    declaration["parametersJsonSchema"] = tool.get("parameters")
    return {"functionDeclarations": [declaration]}


def _format(format: Json, mime: Json) -> dict[str, Json]:
    """Return the settings of a response format: an object of the type `text`, or the schema itself."""
    entries = [object_of(entry) for entry in list_of(format)]
    texts = (each for each in entries if each.get("type") == "text" or each.get("schema") is not None)
    fields = next(texts, None)
    if fields is not None:
        return {
            "responseMimeType": fields.get("mime_type") or mime,
            "responseJsonSchema": fields.get("schema"),
        }
    schema = {"responseJsonSchema": entries[0]} if entries and entries[0] else {}
    return {"responseMimeType": mime, **schema}


def _calling(choice: Json) -> dict[str, Json]:
    allowed = object_of(object_of(choice).get("allowed_tools"))
    mode = allowed.get("mode") if allowed else choice
    config: dict[str, Json] = {"mode": CHOICES.get(mode) if type(mode) is str else None}
    return {**config, "allowedFunctionNames": allowed["tools"]} if "tools" in allowed else config
