"""The response object: the request echoed back with its defaults filled in, around what was said.

It stands in a whole answer, and three times in a stream (created, in progress, and at its end).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.randomness import HEX, Ids
from mockllm.core.reply.reply import Finish, Reply, Usage
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.model_families import DEFAULT_MODEL, snapshot
from mockllm.dialects.openai.request_helpers import count_of, object_of, objects, text_of
from mockllm.dialects.openai.responses.model_families import ResponsesFamily, family_of
from mockllm.dialects.openai.responses.request import ResponsesRequest

INCOMPLETE: Final[dict[Finish, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is incomplete; with any other finish it is completed."""
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
SOMEWHERE: Final[dict[str, Json]] = {
    "type": "approximate",
    "city": None,
    "country": "US",
    "region": None,
    "timezone": None,
}
TOOLS: Final[dict[str, dict[str, Json]]] = {
    "function": {"description": None, "name": None, "parameters": None, "strict": True},
    "custom": {"description": None, "name": None, "format": {"type": "text"}},
    "web_search": {"search_context_size": "medium", "user_location": SOMEWHERE},
    "web_search_preview": {"search_context_size": "medium", "user_location": SOMEWHERE},
    "file_search": {
        "filters": None,
        "max_num_results": 20,
        "ranking_options": {"ranker": "auto", "score_threshold": 0.0},
    },
}
"""What each type of tool is echoed with where the request says nothing."""
RECENT: Final[dict[str, dict[str, Json]]] = {
    "function": {"output_schema": None},
    "web_search": {"return_token_budget": "default", "search_content_types": ["text"]},
}
OLDER: Final[dict[str, dict[str, Json]]] = {"web_search": {"filters": None}}
"""What there is beside that in the recent form, and before it."""
SCHEMA: Final[dict[str, Json]] = {
    "type": "json_schema",
    "description": None,
    "name": None,
    "schema": None,
    "strict": False,
}


class ResponseObjectFields(Struct):
    """What an answer says beside the reply itself: its ids, its time, and what it echoes of the request."""

    id: str
    created: int
    model: str
    form: ResponsesFamily
    ids: Ids
    tier: str
    custom: frozenset[str]
    sealed: bool
    """Whether reasoning comes with its encrypted content."""
    echo: dict[str, Json]
    own: dict[str, Json]
    """What the scenario adds at the top level."""
    logprobs: int | None = None
    """How many likeliest tokens each place of a text tells; None where it tells no probabilities."""

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
        """The object. `reason` is why it is incomplete; `tier` the one that was asked for, until it is known
        which one answers."""
        made = {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            **self.echo,
            **self.own,
        }
        made |= {
            "completed_at": self.created if status == "completed" else None,
            "error": error,
            "incomplete_details": None if reason is None else {"reason": reason},
            "output": output,
            "service_tier": self.tier if tier is None else tier,
            "usage": None if usage is None else self.own.get("usage", usage),
        }
        return made


def response_fields(reply: Reply, request: ResponsesRequest, stamp: ResponseIdentity) -> ResponseObjectFields:
    model = reply.model if reply.model is not None else snapshot(request.model or DEFAULT_MODEL)
    found = family_of(model)
    return ResponseObjectFields(
        id=stamp.ids.make("resp_", 50, alphabet=HEX),
        created=stamp.second,
        model=model,
        form=found,
        ids=stamp.ids,
        tier=request.service_tier,
        custom=request.custom,
        sealed=found.recent or "reasoning.encrypted_content" in request.included,
        echo=_echo(request, model, found),
        own=dict(reply.extras.get("openai", {})),
        logprobs=request.logprobs,
    )


def usage(counted: Usage, found: ResponsesFamily) -> dict[str, Json]:
    """Cached tokens are part of the input, reasoning tokens part of the output."""
    details = {"cached_tokens": counted.cached_read}
    if found.recent or counted.cache_write:
        details = {"cache_write_tokens": counted.cache_write, **details}
    return {
        "input_tokens": counted.input,
        "input_tokens_details": details,
        "output_tokens": counted.output,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning},
        "total_tokens": counted.total,
    }


def _echo(request: ResponsesRequest, model: str, found: ResponsesFamily) -> dict[str, Json]:
    """The settings in the order of the wire. What the answer itself decides is None until it is known."""
    return _until_the_prompt(request.fields, model, found) | _after_the_prompt(request.fields, found)


def _until_the_prompt(asked: Mapping[str, Json], model: str, found: ResponsesFamily) -> dict[str, Json]:
    made: dict[str, Json] = {
        "background": asked.get("background") is True,
        "completed_at": None,
        "error": None,
        "frequency_penalty": number(asked.get("frequency_penalty"), 0.0),
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": count_of(asked.get("max_output_tokens")),
        "max_tool_calls": count_of(asked.get("max_tool_calls")),
        "model": model,
    }
    if found.recent:
        made["moderation"] = None
    made |= {
        "output": [],
        "parallel_tool_calls": asked.get("parallel_tool_calls") is not False,
        "presence_penalty": number(asked.get("presence_penalty"), 0.0),
        "previous_response_id": text_of(asked.get("previous_response_id")),
    }
    if asked.get("conversation") is not None:
        named = asked["conversation"]
        made["conversation"] = named if type(named) is dict else {"id": named}
    if asked.get("prompt") is not None:
        made["prompt"] = asked["prompt"]
    return made


def _after_the_prompt(asked: Mapping[str, Json], found: ResponsesFamily) -> dict[str, Json]:
    made: dict[str, Json] = {
        "prompt_cache_key": text_of(asked.get("prompt_cache_key")),
        "prompt_cache_retention": text_of(asked.get("prompt_cache_retention")) or found.retention,
        "reasoning": _reasoning(object_of(asked.get("reasoning")), found),
        "safety_identifier": text_of(asked.get("safety_identifier")),
        "service_tier": None,
        "store": asked.get("store") is not False,
        "temperature": number(asked.get("temperature"), 1.0),
        "text": _text(object_of(asked.get("text"))),
        "tool_choice": "auto" if asked.get("tool_choice") is None else asked["tool_choice"],
    }
    if found.recent:
        made["tool_usage"] = NO_TOOL_USAGE
    return made | {
        "tools": [_tool(entry, found) for entry in objects(asked.get("tools"))],
        "top_logprobs": asked.get("top_logprobs") or 0,
        "top_p": number(asked.get("top_p"), found.top_p),
        "truncation": text_of(asked.get("truncation")) or "disabled",
        "usage": None,
        "user": text_of(asked.get("user")),
        "metadata": object_of(asked.get("metadata")),
    }


def number(value: Json, default: float) -> float:
    return float(value) if type(value) in (int, float) else default


def _reasoning(asked: dict[str, Json], found: ResponsesFamily) -> dict[str, Json]:
    """`auto` is told as what it came to."""
    summary = "detailed" if asked.get("summary") == "auto" else asked.get("summary")
    made = {"effort": asked.get("effort") or found.effort, "summary": summary}
    if not found.recent:
        return made
    made = {"context": asked.get("context") or found.context, **made}
    return made if found.context is None else {**made, "mode": asked.get("mode") or "standard"}


def _text(asked: dict[str, Json]) -> dict[str, Json]:
    wanted = object_of(asked.get("format")) or {"type": "text"}
    if wanted.get("type") == "json_schema":
        wanted = _filled(SCHEMA, wanted)
    return {"format": wanted, "verbosity": asked.get("verbosity") or "medium"}


def _tool(entry: dict[str, Json], found: ResponsesFamily) -> dict[str, Json]:
    kind = text_of(entry.get("type")) or "function"
    own = (RECENT if found.recent else OLDER).get(kind, {})
    return _filled({"type": kind, **own, **TOOLS.get(kind, {})}, entry)


def _filled(defaults: dict[str, Json], asked: dict[str, Json]) -> dict[str, Json]:
    return {**defaults, **{name: value for name, value in asked.items() if value is not None}}
