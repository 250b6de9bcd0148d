"""What vendors change in OpenAI's objects of the responses and embeddings calls: members added, dropped,
renamed. Each takes one object, whole or an event of a stream, and changes it in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Usage
from mockllm.dialects.vendors.vendor import plain_usage

Object = dict[str, Json]


def response_of(said: Object) -> Object | None:
    """The response that an object is, or that an event holds."""
    if said.get("object") == "response":
        return said
    return said.get("response")


def items_of(said: Object) -> Iterator[Object]:
    """The output items that it holds."""
    if "item" in said:
        yield said["item"]
    response = response_of(said)
    if response is not None:
        yield from response["output"]


def drop(said: Object, *names: str) -> None:
    for name in names:
        said.pop(name, None)


XAI_DEFAULTS: Final = {"temperature": 0.7, "top_p": 0.95}


def xai(said: Object) -> None:
    """No padding, no billing; reasoning has a status and is sealed at its end; the usage has a price."""
    begins = said.get("type") == "response.output_item.added"
    drop(said, "obfuscation")
    for item in items_of(said):
        drop(item, "phase")
        if item["type"] == "reasoning":
            item["status"] = "in_progress" if begins else "completed"
            drop(item, "content", *(("encrypted_content",) if begins else ()))
    response = response_of(said)
    if response is None:
        return
    drop(response, *OWN)
    drop(response["text"], "verbosity")
    drop(response["text"]["format"], "name", "strict", "description")
    for tool in response["tools"]:
        drop(tool, "output_schema")
    thought = ("low", "detailed") if response is said else (None, None)
    response["reasoning"] = dict(zip(("effort", "summary"), thought, strict=True))
    response["metadata"] = {**response["metadata"], "system_fingerprint": "fp_eb3c003fc66c14ed"}
    for name, value in XAI_DEFAULTS.items():
        response[name] = value if response[name] in (1.0, 0.98) else response[name]
    usage = response.get("usage")
    if usage is not None:
        drop(usage["input_tokens_details"], "cache_write_tokens")
        usage |= {"num_sources_used": 0, "num_server_side_tools_used": 0, "cost_in_usd_ticks": 9243500}
        usage["context_details"] = {name: usage[name] for name in ("input_tokens", "output_tokens")}


OWN: Final = ("billing", "moderation", "prompt_cache_retention", "tool_usage")
"""Members of a response that only OpenAI's own have."""
SUMMARIES: Final = {
    "response.reasoning_summary_part.added": "response.content_part.added",
    "response.reasoning_summary_part.done": "response.content_part.done",
    "response.reasoning_summary_text.delta": "response.reasoning_text.delta",
    "response.reasoning_summary_text.done": "response.reasoning_text.done",
}
"""What tells a summary at OpenAI, and the reasoning itself at DeepSeek."""


def _reasoning_text(part: Object) -> Object:
    return {**part, "type": "reasoning_text"}


def deepseek(said: Object) -> None:
    """Reasoning is no summary but the text itself, and is not sealed."""
    drop(said, "obfuscation")
    name = SUMMARIES.get(said.get("type", ""))
    if name is not None:
        said |= {"type": name, "content_index": said.pop("summary_index")}
        if "part" in said:
            said["part"] = _reasoning_text(said["part"])
    begins = said.get("type") == "response.output_item.added"
    for item in items_of(said):
        if item["type"] == "reasoning":
            item["content"] = [_reasoning_text(part) for part in item["summary"]]
            item |= {"summary": [], "status": "in_progress" if begins else "completed"}
            drop(item, "encrypted_content")
        elif item["type"] == "message":
            item["phase"] = "final_answer"
    response = response_of(said)
    if response is None:
        return
    drop(response, "billing", "tool_usage")
    drop(response["reasoning"], "context", "mode")
    for tool in response["tools"]:
        drop(tool, "output_schema", *(name for name in ("description",) if tool[name] is None))
    response |= {"content_filters": None, "moderation": None, "prompt_cache_retention": None}
    response["text"]["verbosity"] = None
    if response.get("usage") is not None:
        drop(response["usage"]["input_tokens_details"], "cache_write_tokens")


def unpadded(said: Object) -> None:
    """OpenAI's, without what only OpenAI bills and pads."""
    drop(said, "obfuscation")
    response = response_of(said)
    if response is not None:
        drop(response, "billing")


COST: Final[Object] = {
    "upstream_inference_cost": 1.4e-07,
    "upstream_inference_prompt_cost": 1.4e-07,
    "upstream_inference_completions_cost": 0,
}


def openrouter(said: Object) -> None:
    """The usage has a price; the settings of the reasoning are told, asked for or not."""
    drop(said, "obfuscation")
    for item in items_of(said):
        if item["type"] == "message":
            item["phase"] = "final_answer"
    response = response_of(said)
    if response is None:
        return
    drop(response, *OWN, "user")
    drop(response["text"], "verbosity")
    response["reasoning"] = {
        "context": "all_turns",
        "effort": "medium",
        "mode": "standard",
        "summary": "detailed",
    }
    if response.get("usage") is not None:
        cost = {
            "upstream_inference_cost": 0.002196,
            "upstream_inference_input_cost": 0.002046,
            "upstream_inference_output_cost": 0.00015,
        }
        response["usage"] |= {"cost": 0.002196, "is_byok": False, "cost_details": cost}


TOGETHER_SEED: Final = 9781472423286745000


def together_completed(said: Object, *, usage: Usage, streamed: bool) -> None:
    """A text is streamed in both the legacy and the chat's form; the last chunk counts, asked or not."""
    if "id" not in said:  # an error in a stream
        return
    said["id"] = blake2b(said["id"].encode(), digest_size=8).hexdigest()
    ended = False
    for choice in said["choices"]:
        ended = choice["finish_reason"] is not None
        if choice["finish_reason"] == "stop":
            choice["finish_reason"] = "eos"
        choice["seed"] = TOGETHER_SEED if ended else None
        if streamed:
            choice["delta"] = {"token_id": 1588, "role": "assistant", "content": choice["text"]}
    if streamed:
        said |= {"object": "completion.chunk", "usage": None}
        if ended:
            said["usage"] = plain_usage(usage)
            usage.tell(said, "usage")


def openrouter_embedded(said: Object) -> None:
    said["usage"] |= {"cost": 1.4e-07, "is_byok": False, "cost_details": COST}
    said |= {"provider": "OpenAI", "id": "gen-emb-1787150093-MHw3ComZXMuOz6TNknXt"}


def mistral_embedded(said: Object) -> None:
    said["id"] = "0055944ccb01401f872b6d65d250760b"
    said["usage"]["completion_tokens"] = 0
    said["usage"] |= dict.fromkeys(
        (
            "prompt_audio_seconds",
            "request_count",
            "prompt_tokens_details",
            "completion_tokens_details",
            "service_tier",
            "prompt_token_details",
        )
    )


def mistral_model(said: Object) -> None:
    """Its own SDK tells the kinds of models apart by their type, and wants to know what each can do."""
    said |= {
        "owned_by": "mistralai",
        "capabilities": {
            "completion_chat": True,
            "completion_fim": False,
            "function_calling": True,
            "fine_tuning": False,
            "vision": True,
            "classification": False,
        },
        "name": said["id"],
        "description": None,
        "max_context_length": 131072,
        "aliases": [],
        "deprecation": None,
        "default_model_temperature": 0.3,
        "type": "base",
    }
