"""What vendors change in OpenAI's objects of the responses and embeddings calls: members added, dropped,
renamed. Each takes one object, whole or an event of a stream, and changes it in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json import Json

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
    """No padding, no billing; reasoning has a status and is always sealed; the usage has a price."""
    drop(said, "obfuscation")
    for item in items_of(said):
        drop(item, "phase")
        if item["type"] == "reasoning":
            item["status"] = (
                "in_progress" if said.get("type") == "response.output_item.added" else "completed"
            )
            drop(item, "content")
    response = response_of(said)
    if response is None:
        return
    drop(response, "billing", "moderation", "prompt_cache_retention", "tool_usage")
    drop(response["text"], "verbosity")
    response["reasoning"] = {"effort": response["reasoning"]["effort"] or "low", "summary": "detailed"}
    response["metadata"] = {**response["metadata"], "system_fingerprint": "fp_eb3c003fc66c14ed"}
    for name, value in XAI_DEFAULTS.items():
        response[name] = value if response[name] == 1.0 else response[name]
    drop(response["text"]["format"], "name", "strict", "description")
    usage = response["usage"]
    if usage is not None:
        usage |= {"num_sources_used": 0, "num_server_side_tools_used": 0, "cost_in_usd_ticks": 9243500}
        usage["context_details"] = {name: usage[name] for name in ("input_tokens", "output_tokens")}


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
    """The usage has a price."""
    unpadded(said)
    response = response_of(said)
    if response is not None and response["usage"] is not None:
        cost = {
            "upstream_inference_cost": 0.002196,
            "upstream_inference_input_cost": 0.002046,
            "upstream_inference_output_cost": 0.00015,
        }
        response["usage"] |= {"cost": 0.002196, "is_byok": False, "cost_details": cost}


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
