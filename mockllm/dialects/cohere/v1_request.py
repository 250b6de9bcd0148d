"""Parses requests of Cohere's API, version 1: chat and generate. No property raises on any JSON.

Fields are those of the `cohere` package (7.3, `cohere/raw_base_client.py`) and of recorded requests. The types of a
tool's parameters are Python's; LiteLLM sends those of JSON Schema.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import list_of, object_of, objects, text_of, texts
from mockllm.core.request.messages import CallPart, MessagePart, ResultPart, Role
from mockllm.core.request.request import Message, TextPart, Tool
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.dialects.cohere.request import CohereChatRequest, CohereGenerationRequest
from mockllm.dialects.neutral_request import OPEN_SCHEMA, without_empty

ROLES: Final[dict[str, Role]] = {"SYSTEM": "system", "USER": "user", "CHATBOT": "assistant", "TOOL": "tool"}
_PYTHON_TYPES: Final = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict",
}  # fmt: skip
_JSON_TYPES: Final = {python: name for name, python in _PYTHON_TYPES.items()}
MAX_REPEATED: Final = 1_000_000
"""The bytes of the longest request whose turns or prompt the response repeats."""
MAX_GENERATIONS: Final = 5
_FIELDS: Final = frozenset({
    "model", "stream", "max_tokens", "temperature", "seed", "stop_sequences", "k", "p", "frequency_penalty",
    "presence_penalty", "raw_prompting",
})  # fmt: skip


class CohereV1Request(CohereGenerationRequest):
    """The base of both requests. Responses repeat what the model reads."""

    @property
    def as_events(self) -> bool:
        """Whether the client requests server-sent events in place of lines of JSON: the SDK's parameter `accepts`."""
        return "text/event-stream" in self.headers.get("accepts", "")

    @property
    def is_repeated(self) -> bool:
        """Whether the response repeats the turns, or the prompt."""
        return len(self.raw) <= MAX_REPEATED

    @property
    def echoed_characters(self) -> int:
        return len(self.raw) if self.is_repeated else 0


class CohereV1ChatRequest(CohereV1Request, CohereChatRequest):
    """A request to /v1/chat: a message, or the results of tools, after the earlier turns."""

    api = "chat_v1"
    omits_thinking = True  # which no response of version 1 has
    documented_fields = _FIELDS | {
        "message", "preamble", "chat_history", "conversation_id", "prompt_truncation", "connectors",
        "search_queries_only", "documents", "citation_quality", "max_input_tokens", "tools", "tool_results",
        "force_single_step", "response_format", "safety_mode",
    }  # fmt: skip

    @cached_property
    def turns(self) -> list[dict[str, Json]]:
        """All turns, in the form of `chat_history`."""
        message, results = text_of(self.fields.get("message")), list_of(self.fields.get("tool_results"))
        turns = list(objects(self.fields.get("chat_history")))
        turns += [{"role": "USER", "message": message}] if message else []
        return turns + ([{"role": "TOOL", "tool_results": results}] if results else [])

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """The turns. Results that follow no turn of the assistant name the calls of the one that is not there."""
        found: list[Message] = []
        if preamble := text_of(self.fields.get("preamble")):
            found.append(Message("system", (TextPart(preamble),)))
        for turn in self.turns:
            role = ROLES.get((text_of(turn.get("role")) or "").upper())
            results = list(objects(turn.get("tool_results"))) if role == "tool" else []
            if results and (not found or found[-1].role in ("system", "user")):
                found.append(Message("assistant", tuple(_call(each.get("call")) for each in results)))
            if role is not None:
                found.append(Message(role, tuple(map(_result, results)) if results else _contents(turn)))
        return tuple(found)

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        named = (tool for tool in objects(self.fields.get("tools")) if type(tool.get("name")) is str)
        return tuple(
            Tool(tool["name"], _schema(tool.get("parameter_definitions")), text_of(tool.get("description")))
            for tool in named
        )


def _contents(turn: dict[str, Json]) -> tuple[MessagePart, ...]:
    text = text_of(turn.get("message"))
    first: tuple[MessagePart, ...] = (TextPart(text),) if text else ()
    return (*first, *map(_call, objects(turn.get("tool_calls"))))


def _call(call: Json) -> CallPart:
    fields = object_of(call)
    return CallPart(None, text_of(fields.get("name")), fields.get("parameters"))


def _result(result: dict[str, Json]) -> ResultPart:
    """Return a result, whose text is its only output, or the list of its outputs."""
    outputs = list_of(result.get("outputs"))
    text = dumps(outputs[0] if len(outputs) == 1 else outputs).decode()
    return ResultPart(None, text_of(object_of(result.get("call")).get("name")), text)


def _schema(definitions: Json) -> dict[str, Json]:
    """Return the JSON Schema of a tool's parameters."""
    if type(definitions) is not dict:
        return dict(OPEN_SCHEMA)
    needed = [name for name, each in definitions.items() if object_of(each).get("required") is True]
    properties = {name: _property(object_of(each)) for name, each in definitions.items()}
    return {"type": "object", "properties": properties, **({"required": needed} if needed else {})}


def _property(parameter: dict[str, Json]) -> dict[str, Json]:
    kind = (text_of(parameter.get("type")) or "").partition("[")[0].lower()
    known = _JSON_TYPES.get(kind, kind if kind in _PYTHON_TYPES else None)
    return without_empty({"type": known, "description": parameter.get("description")})


def parameter_definitions(schema: Json) -> dict[str, Json]:
    """Return the parameters of a tool with this JSON Schema, of which only the first level has a form."""
    needed = list_of(object_of(schema).get("required"))
    found = object_of(object_of(schema).get("properties"))
    properties = {name: object_of(each) for name, each in found.items()}
    return {
        name: without_empty({
            "description": each.get("description"),
            "type": _PYTHON_TYPES.get(text_of(each.get("type")) or "", "str"),
            "required": name in needed or None,
        })
        for name, each in properties.items()
    }  # fmt: skip


class CohereGenerateRequest(CohereV1Request):
    """A request to /v1/generate: a bare prompt."""

    api = "generate"
    documented_fields = _FIELDS | {
        "prompt", "num_generations", "truncate", "preset", "end_sequences", "return_likelihoods", "logit_bias",
    }  # fmt: skip

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        prompt = text_of(self.fields.get("prompt"))
        return (Message("user", (TextPart(prompt),)),) if prompt else ()

    @cached_property
    def output_bounds(self) -> OutputBounds:
        bounds, count = super().output_bounds, self.fields.get("num_generations")
        n = min(max(count, 1), MAX_GENERATIONS) if type(count) is int else 1
        return bounds._replace(n=n, stop=(*bounds.stop, *texts(self.fields.get("end_sequences"))))
