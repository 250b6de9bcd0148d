"""What Azure's content filters add to OpenAI's objects: results for the prompt and for each choice. Everything
is safe, but for an answer that a filter has cut.

From recordings of 2025 and 2026. Keys stand in alphabetical order, as they do there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Harm, Reply

SAFE: Final[Json] = {"filtered": False, "severity": "safe"}
UNSEEN: Final[Json] = {"filtered": False, "detected": False}
HARMS: Final[dict[str, Json]] = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
PROMPT: Final[dict[str, Json]] = dict(sorted({**HARMS, "jailbreak": UNSEEN}.items()))
ANSWER: Final[dict[str, Json]] = dict(
    sorted({**HARMS, "protected_material_code": UNSEEN, "protected_material_text": UNSEEN}.items())
)
FOUND: Final[Json] = {"filtered": True, "severity": "medium"}
REFUSED: Final[dict[str, Json]] = {**PROMPT, "violence": FOUND}
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


def harms(reply: Reply) -> tuple[Harm, ...]:
    """What a filter found, or would have found, in each choice."""
    return tuple(choice.flagged or "violence" for choice in reply.choices)


def whole(said: dict[str, Json], found: Sequence[Harm]) -> dict[str, Json]:
    """A whole chat answer. `found`: what a filter that has cut a choice found in it."""
    said.pop("service_tier", None)
    for choice in said["choices"]:
        choice["content_filter_results"] = _results(choice, choice["message"].get("content"), found)
        choice.setdefault("logprobs", None)
    _fingerprint(said)
    return dict(ordered({**said, "prompt_filter_results": PROMPTS}))


def chunk(said: dict[str, Json], found: Sequence[Harm]) -> dict[str, Json]:
    """A chunk of a stream."""
    if not said["model"].startswith("gpt-5"):
        said.pop("service_tier", None)
    for choice in said["choices"]:
        choice["content_filter_results"] = _results(choice, choice["delta"].get("content"), found)
        choice.setdefault("logprobs", None)
    _fingerprint(said)
    return dict(ordered(said))


def _results(choice: dict[str, Json], text: Json, found: Sequence[Harm]) -> Json:
    """Only a text is looked at."""
    if choice["finish_reason"] == "content_filter":
        return {**ANSWER, found[choice["index"]]: FOUND}
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
    """A response, or an event that holds one: what was looked at stands in `content_filters`. What a filter found
    is always the same: the object that is changed here does not say it."""
    held = said if said.get("object") == "response" else said.get("response")
    if held is None:
        return
    held.pop("billing", None)
    cut = (held["incomplete_details"] or {}).get("reason") == "content_filter"
    held["content_filters"] = [
        {
            "blocked": cut and source == "completion",
            "source_type": source,
            "content_filter_raw": [],
            "content_filter_results": results,
            "content_filter_offsets": {"start_offset": 0, "end_offset": 72, "check_offset": 0},
        }
        for source, results in (
            ("prompt", PROMPT),
            ("completion", {**ANSWER, "violence": FOUND} if cut else ANSWER),
        )
    ]
