"""DeepSeek's list prices, and its refusals of requests that OpenAI accepts.

The prices are those off-peak. A token costs twice as much on weekdays from 1:00 to 4:00 and from 6:00 to 10:00 UTC.
Their page no longer has `deepseek-chat` and `deepseek-reasoner`, which DeepSeek retired on July 24, 2026. The prices
are those that it stated for `deepseek-v4-flash` until August 16, 2026. Recorded responses of June 2026 to both names
have the model `deepseek-v4-flash`. DeepSeek announced this on April 24, 2026; this project has read the announcement
only in quotations of third parties.

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
from mockllm.dialects.price import Price, PriceList

PRICES: Final = PriceList(
    source="https://api-docs.deepseek.com/quick_start/pricing",
    day="2026-11-22",
    prices={
        "deepseek-flash": Price(0.15, 0.6, cached=0.003),
        "deepseek-v4-flash": Price(0.15, 0.6, cached=0.003),
        "deepseek-v4-pro": Price(0.66, 1.98, cached=0.022),
        "deepseek-chat": Price(0.14, 0.28, cached=0.0028),
        "deepseek-reasoner": Price(0.14, 0.28, cached=0.0028),
    },
    notes=(
        "DeepSeek: prices off-peak, which double on weekdays from 1:00 to 4:00 and from 6:00 to 10:00 UTC.",
        "`deepseek-chat` and `deepseek-reasoner` were retired in July 2026. Recorded responses to both have the "
        "model `deepseek-v4-flash`, whose prices of that time are here.",
    ),
)

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
