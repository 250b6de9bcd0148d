"""Azure's content filters: results for the prompt and for each choice, added to OpenAI's objects. Everything
is safe, except a response that a filter has cut.

From recordings of 2025 and 2026. Keys are in alphabetical order, as in the recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.reply.reply import Harm, Reply

SAFE: Final[Json] = {"filtered": False, "severity": "safe"}
UNDETECTED: Final[Json] = {"filtered": False, "detected": False}
HARMS: Final[dict[str, Json]] = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
PROMPT: Final[dict[str, Json]] = dict(sorted({**HARMS, "jailbreak": UNDETECTED}.items()))
COMPLETION: Final[dict[str, Json]] = dict(
    sorted({**HARMS, "protected_material_code": UNDETECTED, "protected_material_text": UNDETECTED}.items())
)
DETECTED: Final[Json] = {"filtered": True, "severity": "medium"}
REFUSED_PROMPT: Final[dict[str, Json]] = {**PROMPT, "violence": DETECTED}
"""The results for a refused prompt."""
PROMPT_RESULTS: Final[Json] = [{"prompt_index": 0, "content_filter_results": PROMPT}]
FIRST_CHUNK: Final[dict[str, Json]] = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
    "prompt_filter_results": PROMPT_RESULTS,
}
"""The first chunk of a stream, which has no content and no choice."""

LATENCIES: Final[dict[str, Json]] = {
    "engine_tbt_ms": 8,
    "engine_ttft_ms": 27,
    "engine_ttlt_ms": 180,
    "pre_inference_ms": 129,
    "service_tbt_ms": 8,
    "service_ttft_ms": 421,
    "service_ttlt_ms": 590,
    "total_duration_ms": 470,
    "user_visible_ttft_ms": 292,
}
"""The latencies in the usage of a reasoning model's body, and beside the usage of its stream. From recordings of June
to August 2026; no other model was recorded since. The numbers are fixed, as no dialect reads a clock."""
_REASONING: Final = ("gpt-5", "o1", "o3", "o4")
"""The beginnings of the names of reasoning models."""


def harms(reply: Reply) -> tuple[Harm, ...]:
    """Return the harm that a filter detected, or would have detected, in each choice."""
    return tuple(choice.flagged or "violence" for choice in reply.choices)


def filter_body(payload: dict[str, Json], detected: Sequence[Harm]) -> dict[str, Json]:
    """Add the results to a non-streaming chat response. `detected` are the harms of cut choices."""
    if not payload["model"].startswith(_REASONING):
        payload.pop("service_tier", None)
    elif payload.get("usage") is not None:
        _add(payload["usage"], "latency_checkpoint", LATENCIES)
    for choice in payload["choices"]:
        _add(choice, "content_filter_results", _results(choice, choice["message"].get("content"), detected))
        choice.setdefault("logprobs", None)
    _fingerprint(payload)
    _add(payload, "prompt_filter_results", PROMPT_RESULTS)
    return dict(sort_keys(payload))


def filter_chunk(payload: dict[str, Json], detected: Sequence[Harm]) -> dict[str, Json]:
    """Add the results to a chunk of a stream."""
    if not payload["model"].startswith(_REASONING):
        payload.pop("service_tier", None)
    for choice in payload["choices"]:
        _add(choice, "content_filter_results", _results(choice, choice["delta"].get("content"), detected))
        choice.setdefault("logprobs", None)
    _fingerprint(payload)
    if (
        payload.get("usage") is not None
        and not payload["choices"]
        and payload["model"].startswith(_REASONING)
    ):
        _add(payload, "latency_checkpoint", LATENCIES)
    return dict(sort_keys(payload))


def _add(target: dict[str, Json], name: str, value: Json) -> None:
    """Add a member. What `extras` of the reply have written there is merged into it."""
    target[name] = merged_json(value, target[name]) if name in target else value


def _results(choice: dict[str, Json], text: Json, detected: Sequence[Harm]) -> Json:
    """Return the results of a choice; only a text is filtered."""
    if choice["finish_reason"] == "content_filter":
        return {**COMPLETION, detected[choice["index"]]: DETECTED}
    return COMPLETION if text else {}


def _fingerprint(payload: dict[str, Json]) -> None:
    """Add a system fingerprint, which all of Azure's models have except reasoning models."""
    if payload["system_fingerprint"] is None and not payload["model"].startswith(_REASONING):
        payload["system_fingerprint"] = "fp_b6f445fc1c"


def sort_keys(value: Json) -> Json:
    """Return the same tree with all keys in alphabetical order."""
    if isinstance(value, dict):
        return {name: sort_keys(value[name]) for name in sorted(value)}
    return [sort_keys(item) for item in value] if isinstance(value, list) else value


def filter_response(payload: dict[str, Json]) -> None:
    """Add `content_filters` to a response, or to an event that contains one. They are null until the response ends.
    The detected harm is constant, because the changed object does not contain it."""
    response_object = payload if payload.get("object") == "response" else payload.get("response")
    if response_object is None:
        return
    _without_newer_members(response_object)
    if response_object["status"] in ("queued", "in_progress"):
        response_object["content_filters"] = None
        return
    cut = (response_object["incomplete_details"] or {}).get("reason") == "content_filter"
    response_object["content_filters"] = [
        {
            "blocked": cut and source == "completion",
            "source_type": source,
            "content_filter_raw": [],
            "content_filter_results": results,
            "content_filter_offsets": {"start_offset": 0, "end_offset": 72, "check_offset": 0},
        }
        for source, results in _response_results(response_object["model"], cut=cut)
    ]


def _without_newer_members(response: dict[str, Json]) -> None:
    """Remove what Azure's responses lack: billing, and for GPT-5.5 two members of the summer of 2026 (a recording of
    July 2026)."""
    response.pop("billing", None)
    if response["model"].startswith("gpt-5.5"):
        response.pop("tool_usage", None)
        if response["usage"] is not None:
            response["usage"]["input_tokens_details"].pop("cache_write_tokens", None)


def _response_results(model: str, *, cut: bool) -> Sequence[tuple[str, Json]]:
    """Return the results of the prompt and of the output. For GPT-5.6 Azure rates neither (a recording of August
    2026), unless a filter has cut the output."""
    if cut:
        return ("prompt", PROMPT), ("completion", {**COMPLETION, "violence": DETECTED})
    if model.startswith("gpt-5.6"):
        return (("prompt", {}),)
    return ("prompt", PROMPT), ("completion", COMPLETION)
