"""POST /v1/chat and /v1/generate: a Reply as one object, or as lines of JSON that are one event each.

From recordings of 2024 and 2025, and the types of the `cohere` package (7.3). The last event has the whole response.
A call has no id: its result repeats it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.reply.reply import Reply, texts_of
from mockllm.core.request.request import Request
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.cohere.chat import CohereChat, response_format
from mockllm.dialects.cohere.errors import error_plan_v1, head, required
from mockllm.dialects.cohere.lookups import body_plan
from mockllm.dialects.cohere.parameter_ranges import check_generation
from mockllm.dialects.cohere.request import DEFAULT_MODEL
from mockllm.dialects.cohere.v1_encoder import V1_LAYOUT, CohereV1Encoder, whole
from mockllm.dialects.cohere.v1_request import (
    ROLES,
    CohereGenerateRequest,
    CohereV1ChatRequest,
    CohereV1Request,
    parameter_definitions,
)
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, without_empty

_CONTENTS: Final = ("message", "tool_calls", "tool_results")
_NAMES: Final[dict[Json, str]] = {role: name for name, role in ROLES.items()}


class CohereV1Chat(CohereChat):
    """POST /v1/chat."""

    api = "chat_v1"
    request_class: type[Request] = CohereV1ChatRequest
    capabilities = ProtocolCapabilities(
        tool_choice=False,
        choices=False,
        refusal=False,
        tool_call_ids=False,
        cache_write=False,
        unsupported_parts=frozenset({"images", "thinking"}),
        framings=frozenset({Framing.NDJSON, Framing.SSE}),
    )
    error = staticmethod(error_plan_v1)

    def check(self, request: Request) -> Failure | None:
        failure = self.check_readable(request) or required(request.fields, message=str)
        return failure or _check_turns(request.fields) or check_generation(request.fields)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, CohereV1Request)
        return body_plan(whole(reply, request, identity, streamed=False), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, CohereV1Request)
        steps = tuple(encode(CohereV1Encoder(reply, request, identity)))
        if request.as_events:
            return Plan(head(200, "text/event-stream", identity), steps, Framing.SSE)
        return Plan(head(200, "application/stream+json", identity), steps, Framing.NDJSON)

    def event_layout(self, request: Request) -> EventLayout:
        return V1_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, CohereV1Request)
        return request.as_events, value_or_digest(request.raw)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Write a request: the last turn is its message, or its results."""
        turns = [_turn(turn) for turn in request.turns]
        last = turns.pop() if turns else {}
        tools = [
            without_empty({
                "name": tool.name,
                "description": tool.description,
                "parameter_definitions": parameter_definitions(tool.schema) or None,
            })
            for tool in request.tools
        ]  # fmt: skip
        own = {
            "message": last.get("message", ""),
            "preamble": request.system,
            "chat_history": turns,
            "tools": tools,
            "tool_results": last.get("tool_results"),
            "response_format": response_format(request.response_format, "schema"),
        }
        return _wire("/cohere/v1/chat", request, own)


def _turn(turn: dict[str, Json]) -> dict[str, Json]:
    if "content" not in turn:
        return turn
    return {"role": _NAMES.get(turn.get("role"), "USER"), "message": turn["content"]}


def _wire(path: str, request: NeutralRequest, own: dict[str, Json]) -> WireRequest:
    common = {"max_tokens": request.max_tokens, "stop_sequences": list(request.stop)}
    body = {"model": request.model or DEFAULT_MODEL, **without_empty({**own, **common})}
    return WireRequest(path, request.headers(), {**body, "stream": request.stream is True})


def _check_turns(fields: dict[str, Json]) -> Failure | None:
    """Return the failure of turns that the service refuses; users reported these messages."""
    message, results, history = (
        fields["message"],
        fields.get("tool_results"),
        list_of(fields.get("chat_history")),
    )
    if not all(type(turn) is dict and any(map(turn.get, _CONTENTS)) for turn in history):
        problem = "all elements in history must have a message."
    elif not message and not results:
        problem = "message must be at least 1 token long or tool results must be specified."
    elif message and results and fields.get("force_single_step") is not True:
        problem = "cannot specify both message and tool_results in multistep mode"
    elif message and history and history[-1].get("tool_results"):
        problem = "cannot specify message if the last entry in chat history contains tool results"
    else:
        return None
    return Failure("bad_request", message=f"invalid request: {problem}")


class CohereGenerate(CohereV1Chat):
    """POST /v1/generate: texts after a prompt."""

    api = "generate"
    request_class: type[Request] = CohereGenerateRequest
    capabilities = ProtocolCapabilities(
        conversation=False,
        system_text=False,
        tool_choice=False,
        response_schema=False,
        json_object=False,
        refusal=False,
        cache_read=False,
        cache_write=False,
        reasoning=False,
        unsupported_parts=frozenset({"citations", "images", "thinking", "tool_calls"}),
        framings=CohereV1Chat.capabilities.framings,
    )

    def check(self, request: Request) -> Failure | None:
        failure = self.check_readable(request) or required(request.fields, prompt=str)
        return failure or check_generation(request.fields)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        choices = tuple(replace(choice, parts=texts_of(choice.parts)) for choice in reply.choices)
        return replace(reply, choices=choices)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Write a request with a prompt; the call has no tools."""
        own = {"prompt": request.user, "num_generations": request.n}
        return _wire("/cohere/v1/generate", request, own)
