"""DeepSeek's refusal of calls without outputs, in a request of its responses.

From a recording of 2026, with an assistant's message and another call between a call and its output. That a message
alone is accepted there is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.dialects.openai.responses.request import CALLS, RESULTS
from mockllm.dialects.openai.validators import refuse


def check_calls(items: Sequence[dict[str, Json]]) -> Failure | None:
    """Return the refusal of the first call whose output is missing, or comes after the calls of a later message."""
    waiting: dict[str | None, bool] = {}
    """The calls without an output so far, and whether a message of the assistant came since."""
    for item in items:
        kind = item.get("type")
        if kind in RESULTS:
            waiting.pop(text_of(item.get("call_id")), None)
        elif kind in CALLS:
            if any(waiting.values()):
                break
            waiting[text_of(item.get("call_id"))] = False
        elif item.get("role") == "assistant":
            waiting = dict.fromkeys(waiting, True)
    return _refusal(next(iter(waiting))) if waiting else None


def _refusal(id: str | None) -> Failure:
    refusal = refuse(f"No tool output found for tool call {id}.")
    return replace(refusal, headers=(("content-type", "application/octet-stream"),))
