"""What Azure's content filters add to OpenAI's objects: results for the prompt and for each choice. Everything
is safe, but for an answer that a filter has cut.

From recordings of 2025 and 2026. Keys stand in alphabetical order, as they do there.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json import Json

SAFE: Final[Json] = {"filtered": False, "severity": "safe"}
UNSEEN: Final[Json] = {"filtered": False, "detected": False}
HARMS: Final[dict[str, Json]] = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
PROMPT: Final[dict[str, Json]] = dict(sorted({**HARMS, "jailbreak": UNSEEN}.items()))
ANSWER: Final[dict[str, Json]] = dict(
    sorted({**HARMS, "protected_material_code": UNSEEN, "protected_material_text": UNSEEN}.items())
)
CUT: Final[dict[str, Json]] = {**ANSWER, "violence": {"filtered": True, "severity": "medium"}}
"""Of an answer that a filter has cut."""
REFUSED: Final[dict[str, Json]] = {**PROMPT, "violence": {"filtered": True, "severity": "medium"}}
"""Of a prompt that is refused."""
PROMPTS: Final[Json] = [{"prompt_index": 0, "content_filter_results": PROMPT}]
FIRST: Final[dict[str, Json]] = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
    "prompt_filter_results": PROMPTS,
}
"""The first chunk of a stream, which says nothing and has no choice."""


def whole(said: dict[str, Json]) -> dict[str, Json]:
    """A whole chat answer."""
    said.pop("service_tier", None)
    for choice in said["choices"]:
        choice["content_filter_results"] = _results(choice, choice["message"].get("content"))
        choice.setdefault("logprobs", None)
    _fingerprint(said)
    return dict(ordered({**said, "prompt_filter_results": PROMPTS}))


def chunk(said: dict[str, Json]) -> dict[str, Json]:
    """A chunk of a stream."""
    if not said["model"].startswith("gpt-5"):
        said.pop("service_tier", None)
    for choice in said["choices"]:
        choice["content_filter_results"] = _results(choice, choice["delta"].get("content"))
        choice.setdefault("logprobs", None)
    _fingerprint(said)
    return dict(ordered(said))


def _results(choice: dict[str, Json], text: Json) -> Json:
    """Only a text is looked at."""
    if choice["finish_reason"] == "content_filter":
        return CUT
    return ANSWER if text else {}


def _fingerprint(said: dict[str, Json]) -> None:
    """Azure's models have one, but for the reasoning ones."""
    if said["system_fingerprint"] is None and not said["model"].startswith(("gpt-5", "o1", "o3", "o4")):
        said["system_fingerprint"] = "fp_b6f445fc1c"


def ordered(value: Json) -> Json:
    """The same tree with all keys in alphabetical order."""
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(each) for each in value] if isinstance(value, list) else value


def response(said: dict[str, Json]) -> None:
    """A response, or an event that holds one: what was looked at stands in `content_filters`."""
    held = said if said.get("object") == "response" else said.get("response")
    if held is None:
        return
    held.pop("billing", None)
    held["content_filters"] = [
        {
            "blocked": False,
            "source_type": source,
            "content_filter_raw": [],
            "content_filter_results": results,
            "content_filter_offsets": {"start_offset": 0, "end_offset": 72, "check_offset": 0},
        }
        for source, results in (("prompt", PROMPT), ("completion", ANSWER))
    ]
