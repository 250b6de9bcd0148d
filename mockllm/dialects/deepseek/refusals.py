"""DeepSeek's refusals of requests that OpenAI accepts.

The refusal of calls is from a recording of 2026, with an assistant's message and another call between a call and its
output. That a message alone is accepted there is inferred. The refusals of chats are from recordings of May and
August 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.dialects.openai.responses.request import CALLS, RESULTS
from mockllm.dialects.openai.validators import refuse

THINKING: Final = "deepseek-v4"
"""The first words of the models that think unless the request disables it."""


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


def check_chat(body: dict[str, Json]) -> Failure | None:
    """Return the refusal of a part that is no text, or of a forced call while the model thinks."""
    for number, message in enumerate(objects(body.get("messages"))):
        for part in objects(message.get("content")):
            kind = text_of(part.get("type"))
            if kind is not None and kind != "text":
                return refuse(
                    f"Failed to deserialize the JSON body into the target type: messages[{number}]: unknown "
                    f"variant `{kind}`, expected `text` at line 1 column {_end_of_messages(body)}"
                )
    forced = body.get("tool_choice") == "required" or type(body.get("tool_choice")) is dict
    default = "enabled" if (text_of(body.get("model")) or "").startswith(THINKING) else None
    if forced and object_of(body.get("thinking")).get("type", default) == "enabled":
        return refuse("Thinking mode does not support this tool_choice")
    return None


def _end_of_messages(body: dict[str, Json]) -> int:
    """Return the column where the messages end in a body without spaces."""
    names = list(body)
    before = names[: names.index("messages") + 1]
    return len(dumps({name: body[name] for name in before})) - 1


def _refusal(id: str | None) -> Failure:
    refusal = refuse(f"No tool output found for tool call {id}.")
    return replace(refusal, headers=(("content-type", "application/octet-stream"),))
