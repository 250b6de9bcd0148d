"""Vendors' changes to OpenAI's objects of the responses and embeddings calls: members added, dropped or renamed;
and OpenAI's form of requests that OpenAI would refuse.

Each edit changes one object in place: a body, or an event of a stream. Only the check uses a request in OpenAI's
form; rules, journals and readers get the request as it was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.openai.responses.object import DEFAULT_LOCATION

Object = dict[str, Json]


def response_of(payload: Object) -> Object | None:
    """Return the response that an object is, or that an event contains."""
    if payload.get("object") == "response":
        return payload
    return payload.get("response")


def items_of(payload: Object) -> Iterator[Object]:
    if "item" in payload:
        yield payload["item"]
    response = response_of(payload)
    if response is not None:
        yield from response["output"]


def drop(payload: Object, *names: str) -> None:
    for name in names:
        payload.pop(name, None)


def _serve_by_default(response: Object) -> None:
    """Name the tier that serves from the first event on."""
    if response["service_tier"] == "auto":
        response["service_tier"] = "default"


def _without_own_settings(tool: Object) -> None:
    """Drop the settings of a tool that only OpenAI echoes."""
    drop(tool, "output_schema", "return_token_budget", "search_content_types")


XAI_DEFAULTS: Final = {"temperature": 0.7, "top_p": 0.95}


def xai(payload: Object) -> None:
    """Drop padding and billing. Reasoning has a status and is sealed at its end; the usage has a price."""
    opens = payload.get("type") == "response.output_item.added"
    drop(payload, "obfuscation")
    for item in items_of(payload):
        drop(item, "phase")
        if item["type"] == "reasoning":
            item["status"] = "in_progress" if opens else "completed"
            drop(item, "content", *(("encrypted_content",) if opens else ()))
    response = response_of(payload)
    if response is None:
        return
    _serve_by_default(response)
    drop(response, *OPENAI_MEMBERS)
    drop(response["text"], "verbosity")
    drop(response["text"]["format"], "name", "strict", "description")
    for tool in response["tools"]:
        _without_own_settings(tool)
        if tool.get("user_location") == DEFAULT_LOCATION:
            drop(tool, "user_location")
    reasoning = ("low", "detailed") if response is payload else (None, None)
    response["reasoning"] = dict(zip(("effort", "summary"), reasoning, strict=True))
    response["metadata"] = {**response["metadata"], "system_fingerprint": "fp_eb3c003fc66c14ed"}
    for name, value in XAI_DEFAULTS.items():
        response[name] = value if response[name] in (1.0, 0.98) else response[name]
    usage = response.get("usage")
    if usage is not None:
        drop(usage["input_tokens_details"], "cache_write_tokens")
        used = [item["type"] for item in response["output"] if item["type"] in XAI_TOOLS]
        usage |= {
            "num_sources_used": 0,
            "num_server_side_tools_used": len(used),
            "cost_in_usd_ticks": 9243500,
        }
        if used:
            usage["server_side_tool_usage_details"] = {
                name: used.count(type) for type, name in XAI_TOOLS.items()
            }
        usage["context_details"] = {name: usage[name] for name in ("input_tokens", "output_tokens")}


XAI_TOOLS: Final = {
    "web_search_call": "web_search_calls",
    "x_search_call": "x_search_calls",
    "code_interpreter_call": "code_interpreter_calls",
    "file_search_call": "file_search_calls",
    "mcp_call": "mcp_calls",
    "document_search_call": "document_search_calls",
    "image_generation_call": "image_generation_calls",
}
"""The names by which the usage counts the calls of xAI's tools, by the types of their items."""
OPENAI_MEMBERS: Final = (
    "billing",
    "moderation",
    "prompt_cache_options",
    "prompt_cache_retention",
    "tool_usage",
)
"""Members of a response that only OpenAI sends."""
REASONING_EVENTS: Final = {
    "response.reasoning_summary_part.added": "response.content_part.added",
    "response.reasoning_summary_part.done": "response.content_part.done",
    "response.reasoning_summary_text.delta": "response.reasoning_text.delta",
    "response.reasoning_summary_text.done": "response.reasoning_text.done",
}
"""OpenAI's events of a summary, and DeepSeek's events of the reasoning itself."""


def _reasoning_text(part: Object) -> Object:
    return {**part, "type": "reasoning_text"}


def deepseek(payload: Object) -> None:
    """Send the reasoning itself instead of a summary, without encrypted content."""
    drop(payload, "obfuscation")
    name = REASONING_EVENTS.get(payload.get("type", ""))
    if name is not None:
        payload |= {"type": name, "content_index": payload.pop("summary_index")}
        if "part" in payload:
            payload["part"] = _reasoning_text(payload["part"])
    opens = payload.get("type") == "response.output_item.added"
    for item in items_of(payload):
        if item["type"] == "reasoning":
            item["content"] = [_reasoning_text(part) for part in item["summary"]]
            item |= {"summary": [], "status": "in_progress" if opens else "completed"}
            drop(item, "encrypted_content")
        elif item["type"] == "message":
            item["phase"] = "final_answer"
    response = response_of(payload)
    if response is None:
        return
    _serve_by_default(response)
    drop(response, "billing", "prompt_cache_options", "tool_usage")
    drop(response["reasoning"], "context", "mode")
    for tool in response["tools"]:
        _without_own_settings(tool)
        drop(tool, *(name for name in ("description",) if tool.get(name) is None))
        if tool.get("search_context_size") == "medium":  # the default of OpenAI's echo
            tool["search_context_size"] = None
        if tool.get("user_location") == DEFAULT_LOCATION:
            tool["user_location"] = None
    response |= {"content_filters": None, "moderation": None, "prompt_cache_retention": None}
    response["text"]["verbosity"] = None
    if response.get("usage") is not None:
        drop(response["usage"]["input_tokens_details"], "cache_write_tokens")


def unpadded(payload: Object) -> None:
    """Drop the padding and the billing of OpenAI's objects."""
    drop(payload, "obfuscation")
    response = response_of(payload)
    if response is not None:
        drop(response, "billing")


COST: Final[Object] = {
    "upstream_inference_cost": 1.4e-07,
    "upstream_inference_prompt_cost": 1.4e-07,
    "upstream_inference_completions_cost": 0,
}


def openrouter(payload: Object) -> None:
    """Drop what only OpenAI sends, and add a price to the usage."""
    drop(payload, "obfuscation")
    response = response_of(payload)
    if response is None:
        return
    drop(response, *OPENAI_MEMBERS, "user")
    drop(response["text"], "verbosity")
    if response.get("usage") is not None:
        cost = {
            "upstream_inference_cost": 0.002196,
            "upstream_inference_input_cost": 0.002046,
            "upstream_inference_output_cost": 0.00015,
        }
        response["usage"] |= {"cost": 0.002196, "is_byok": False, "cost_details": cost}


TOGETHER_SEED: Final = 9781472423286745000


def together_completion(payload: Object, *, usage: Usage, streamed: bool) -> None:
    """Stream a text in both the legacy and the chat form; the last chunk always contains the usage."""
    if "id" not in payload:  # an error in a stream
        return
    payload["id"] = blake2b(payload["id"].encode(), digest_size=8).hexdigest()
    ended = False
    for choice in payload["choices"]:
        ended = choice["finish_reason"] is not None
        if choice["finish_reason"] == "stop":
            choice["finish_reason"] = "eos"
        choice["seed"] = TOGETHER_SEED if ended else None
        if streamed:
            choice["delta"] = {"token_id": 1588, "role": "assistant", "content": choice["text"]}
    if streamed:
        payload |= {"object": "completion.chunk", "usage": None}
        if ended:
            payload["usage"] = plain_usage(usage)
            usage.put_into(payload, "usage")


def openrouter_embeddings(payload: Object) -> None:
    payload["usage"] |= {"cost": 1.4e-07, "is_byok": False, "cost_details": COST}
    payload |= {"provider": "OpenAI", "id": "gen-emb-1787150093-MHw3ComZXMuOz6TNknXt"}


def mistral_embeddings(payload: Object) -> None:
    payload["id"] = "0055944ccb01401f872b6d65d250760b"
    payload["usage"]["completion_tokens"] = 0
    payload["usage"] |= dict.fromkeys(
        (
            "prompt_audio_seconds",
            "request_count",
            "prompt_tokens_details",
            "completion_tokens_details",
            "service_tier",
            "prompt_token_details",
        )
    )


def perplexity_embeddings(payload: Object) -> None:
    payload["usage"]["cost"] = {"currency": "USD", "input_cost": 2.8e-08, "total_cost": 2.8e-08}


CAPABILITIES: Final = {
    "codestral": ("completion_chat", "completion_fim", "function_calling"),
    "mistral-embed": (),
    "codestral-embed": (),
    "mistral-moderation": ("moderation",),
    "mistral-ocr": ("ocr", "vision"),
    "magistral": ("completion_chat", "function_calling", "reasoning", "vision"),
    "voxtral": ("completion_chat", "audio", "audio_transcription"),
}
"""The capabilities of a model, by the beginning of its name; the longest beginning counts."""
CHAT_CAPABILITIES: Final = ("completion_chat", "function_calling", "vision")
ALL_CAPABILITIES: Final = (
    "completion_chat", "function_calling", "reasoning", "completion_fim", "fine_tuning", "vision", "ocr",
    "classification", "moderation", "audio", "audio_transcription",
)  # fmt: skip


def mistral_model(payload: Object) -> None:
    """Add the model's type and capabilities: Mistral's SDK distinguishes models by their type and requires
    capabilities (`ModelCapabilities`, mistralai 3.7)."""
    starts = [start for start in CAPABILITIES if payload["id"].startswith(start)]
    able = CAPABILITIES[max(starts, key=len)] if starts else CHAT_CAPABILITIES
    payload |= {
        "owned_by": "mistralai",
        "capabilities": {name: name in able for name in ALL_CAPABILITIES},
        "name": payload["id"],
        "description": None,
        "max_context_length": 131072,
        "aliases": [],
        "deprecation": None,
        "default_model_temperature": 0.3,
        "type": "base",
    }
