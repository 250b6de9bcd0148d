"""The response object: the echoed request with defaults, around the output.

A non-streaming response contains it once; a stream contains it three times (created, in progress, and at the end).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import count_of, object_of, objects, text_of
from mockllm.core.randomness import HEX
from mockllm.core.reply.reply import Choice, Finish, Reply, Usage
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.model_families import DEFAULT_MODEL, ResponsesFamily, responses_family, snapshot
from mockllm.dialects.openai.moderated import response_moderation
from mockllm.dialects.openai.responses.request import ResponsesRequest, is_named_function

INCOMPLETE: Final[dict[Finish, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""The reason of an incomplete response by finish reason; with any other finish it is completed."""


def incomplete_reason(choice: Choice) -> str | None:
    """Return the reason of an incomplete response; None where it is completed."""
    return choice.raw_finish or INCOMPLETE.get(choice.finish)


NO_TOOL_USAGE: Final[dict[str, Json]] = {
    "image_gen": {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "total_tokens": 0,
    },
    "web_search": {"num_requests": 0},
}
DEFAULT_LOCATION: Final[dict[str, Json]] = {
    "type": "approximate",
    "city": None,
    "country": "US",
    "region": None,
    "timezone": None,
}
TOOLS: Final[dict[str, dict[str, Json]]] = {
    "function": {
        "description": None,
        "name": None,
        "output_schema": None,
        "parameters": None,
        "strict": True,
    },
    "custom": {"description": None, "name": None, "format": {"type": "text"}},
    "web_search": {
        "return_token_budget": "default",
        "search_content_types": ["text"],
        "search_context_size": "medium",
        "user_location": DEFAULT_LOCATION,
    },
    "web_search_preview": {"search_context_size": "medium", "user_location": DEFAULT_LOCATION},
    "file_search": {
        "filters": None,
        "max_num_results": 20,
        "ranking_options": {"ranker": "auto", "score_threshold": 0.0},
    },
    "image_generation": {
        "background": "auto",
        "moderation": "auto",
        "n": 1,
        "output_compression": 100,
        "output_format": "png",
        "quality": "auto",
        "size": "auto",
    },
    "mcp": {"headers": None, "server_description": None},
    "tool_search": {"description": None, "parameters": None},
}
"""The defaults with which each type of tool is echoed."""
LAST_TOOLS: Final = ("tool_search", "namespace")
"""The types of tools that are echoed behind all others, in this order."""
SILENT_SETTINGS: Final = ("external_web_access",)
"""The settings of a tool that are not echoed."""
SCHEMA: Final[dict[str, Json]] = {
    "type": "json_schema",
    "description": None,
    "name": None,
    "schema": None,
    "strict": False,
}


SEALED_PREFIX: Final = "gAAAAAB"
"""The prefix of encrypted content: of reasoning, and of a compacted conversation."""


class ResponseObjectFields:
    """The fields of a response other than the reply itself: its ids, its time, and the echoed request."""

    def __init__(self, reply: Reply, request: ResponsesRequest, identity: ResponseIdentity) -> None:
        model = reply.model if reply.model is not None else snapshot(request.model or DEFAULT_MODEL)
        self.id = identity.ids.make("resp_", 50, alphabet=HEX)
        self.created = identity.epoch_second
        self.form = responses_family(model)
        self.ids = identity.ids
        self.tier = request.service_tier
        self.custom_tools = request.custom_tools
        self.namespaces = request.namespaces(self.form)
        """The namespaces of tools, by their names."""
        fields = request.fields
        tools = _tools(request, self.form)
        self.echo = _echo_to_prompt(fields, model) | _echo_after_prompt(fields, self.form, tools)
        """The settings in the order of the wire. Fields of the output are None until they are known."""
        metadata = fields.get("client_metadata") if request.provider == "openai" else None
        self.turn_id = text_of(object_of(metadata).get("turn_id"))
        """The id of the client's turn, where the client sends one, as Codex does. Only OpenAI knows it."""
        self.own = dict(reply.extras.get("openai", {}))
        """The top-level fields that the scenario adds."""
        self.moderation = response_moderation(request, reply)
        """The moderation of request and reply; None where the request wants none."""
        self.file_search = request.file_search
        """The search in the vector stores that the request names, whose files a text may cite."""
        self.logprobs = request.logprobs
        """The number of likeliest tokens at each position of a text; None where the response has no probabilities."""

    def response(
        self,
        status: str,
        output: list[Json],
        usage: Json = None,
        *,
        reason: str | None = None,
        error: Json = None,
        tier: str | None = None,
    ) -> dict[str, Json]:
        """Return the object. `reason` is the reason of an incomplete response. `tier` is the requested tier,
        until the serving tier is known."""
        result = {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            **merged_json(self.echo, self.own),
        }
        result |= {
            "completed_at": self.created if status == "completed" else None,
            "error": error,
            "incomplete_details": None if reason is None else {"reason": reason},
            "output": output,
            "service_tier": self.tier if tier is None else tier,
            "usage": None if usage is None else merged_json(usage, self.own.get("usage", {})),
        }
        if self.moderation is not None and status in ("completed", "incomplete"):
            result["moderation"] = merged_json(self.moderation, self.own.get("moderation") or {})
        return result


def usage(counted: Usage) -> dict[str, Json]:
    """Return the usage. Cached tokens are part of the input, reasoning tokens part of the output.

    `cache_write_tokens` came in 2026; the SDK requires it of every model.
    """
    return {
        "input_tokens": counted.input,
        "input_tokens_details": {
            "cache_write_tokens": counted.cache_write,
            "cached_tokens": counted.cache_read,
        },
        "output_tokens": counted.output,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning},
        "total_tokens": counted.total,
    }


def _echo_to_prompt(fields: Mapping[str, Json], model: str) -> dict[str, Json]:
    result: dict[str, Json] = {
        "background": fields.get("background") is True,
        "completed_at": None,
        "error": None,
        "frequency_penalty": number_or_default(fields.get("frequency_penalty"), 0.0),
        "incomplete_details": None,
        "instructions": fields.get("instructions"),
        "max_output_tokens": count_of(fields.get("max_output_tokens")),
        "max_tool_calls": count_of(fields.get("max_tool_calls")),
        "model": model,
        "moderation": None,
        "output": [],
        "parallel_tool_calls": fields.get("parallel_tool_calls") is not False,
        "presence_penalty": number_or_default(fields.get("presence_penalty"), 0.0),
        "previous_response_id": text_of(fields.get("previous_response_id")),
    }
    if fields.get("conversation") is not None:
        conversation = fields["conversation"]
        result["conversation"] = conversation if type(conversation) is dict else {"id": conversation}
    if fields.get("prompt") is not None:
        result["prompt"] = fields["prompt"]
    return result


def _echo_after_prompt(
    fields: Mapping[str, Json], family: ResponsesFamily, tools: list[Json]
) -> dict[str, Json]:
    result: dict[str, Json] = {"prompt_cache_key": text_of(fields.get("prompt_cache_key"))}
    if fields.get("prompt_cache_options") is not None:
        result["prompt_cache_options"] = fields["prompt_cache_options"]
    return result | {
        "prompt_cache_retention": text_of(fields.get("prompt_cache_retention")) or family.retention,
        "reasoning": _reasoning(object_of(fields.get("reasoning")), family),
        "safety_identifier": text_of(fields.get("safety_identifier")),
        "service_tier": None,
        "store": fields.get("store") is not False,
        "temperature": number_or_default(fields.get("temperature"), 1.0),
        "text": _text(object_of(fields.get("text"))),
        "tool_choice": "auto" if fields.get("tool_choice") is None else fields["tool_choice"],
        "tool_usage": NO_TOOL_USAGE,
        "tools": tools,
        "top_logprobs": fields.get("top_logprobs") or 0,
        "top_p": number_or_default(fields.get("top_p"), family.top_p),
        "truncation": text_of(fields.get("truncation")) or "disabled",
        "usage": None,
        "user": text_of(fields.get("user")),
        "metadata": object_of(fields.get("metadata")),
    }


def number_or_default(value: Json, default: float) -> float:
    return float(value) if type(value) in (int, float) else default


def _reasoning(requested: dict[str, Json], family: ResponsesFamily) -> dict[str, Json]:
    """Return the reasoning settings; `auto` is replaced by the value that the service selects."""
    summary = "detailed" if requested.get("summary") == "auto" else requested.get("summary")
    context = requested.get("context")
    return {
        "context": family.context if context in (None, "auto") else context,
        "effort": requested.get("effort") or family.effort,
        **({} if family.context is None else {"mode": requested.get("mode") or "standard"}),
        "summary": summary,
    }


def _text(requested: dict[str, Json]) -> dict[str, Json]:
    format_ = object_of(requested.get("format")) or {"type": "text"}
    if format_.get("type") == "json_schema":
        format_ = _with_defaults(SCHEMA, format_)
    return {"format": format_, "verbosity": requested.get("verbosity") or "medium"}


def _tools(request: ResponsesRequest, family: ResponsesFamily) -> list[Json]:
    """Return the echoed tools: functions, the search, then namespaces, also of each function that came later."""
    echoed = [
        _late_tool(tool) if _is_loaded(tool, request.loaded_tools) else _tool(tool)
        for tool in request.own_tools
    ]
    echoed += [
        _late_tool(tool) if is_named_function(tool) and not family.adds_functions else _tool(tool)
        for tool in request.added_tools
    ]
    return sorted(
        echoed, key=lambda tool: LAST_TOOLS.index(tool["type"]) if tool["type"] in LAST_TOOLS else -1
    )


def _is_loaded(entry: dict[str, Json], loaded: frozenset[str]) -> bool:
    is_late = entry.get("type") == "function" and entry.get("defer_loading") is True
    return is_late and text_of(entry.get("name")) in loaded


def _late_tool(entry: dict[str, Json]) -> dict[str, Json]:
    """Return the namespace of a function that came later. The SDK requires a description."""
    function = {name: value for name, value in entry.items() if name != "defer_loading"}
    named = {"description": entry.get("description") or "", "name": entry["name"]}
    return {"type": "namespace", **named, "tools": [_tool(function)]}


def _tool(entry: dict[str, Json]) -> dict[str, Json]:
    kind = text_of(entry.get("type")) or "function"
    if kind == "namespace":
        entry = {**entry, "tools": [_tool(tool) for tool in objects(entry.get("tools"))]}
    echoed = {name: value for name, value in entry.items() if name not in SILENT_SETTINGS}
    return _with_defaults({"type": kind, **TOOLS.get(kind, {})}, echoed)


def _with_defaults(defaults: dict[str, Json], requested: dict[str, Json]) -> dict[str, Json]:
    return {**defaults, **{name: value for name, value in requested.items() if value is not None}}
