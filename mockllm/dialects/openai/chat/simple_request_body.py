"""The form of small chat requests, which every check of a chat request accepts.

Such a body has a model, a few messages of a role and a text, and no other fields than the usual ones. Most requests
of load tests are so. The full check runs a dozen functions, whose code a busy server fetches from memory each time.
That costs 2 to 3 µs of the 20 to 30 µs that the request takes.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.metadata import check_metadata
from mockllm.dialects.openai.model_restrictions import NO_RESTRICTIONS, restrictions_of

_MAX_MESSAGES: Final = 8
"""Longer conversations repeat their messages, and the full check reads only new ones."""
_SPEAKERS: Final = ("user", "assistant")
_INSTRUCTIONS: Final = ("system", "developer")
_MAX_TOKENS: Final = 1_000_000


def is_simple_request_body(body: dict[str, Json], *, messages_are_plain: bool = False) -> bool:
    """Return whether a body has this form. `messages_are_plain`: the messages are known to be non-empty, each with
    only a role and a text."""
    model, messages = body.get("model"), body.get("messages")
    if (
        type(model) is not str
        or not model
        or type(messages) is not list
        or not 0 < len(messages) <= _MAX_MESSAGES
    ):
        return False
    others = len(body) - 2 - (type(body.get("stream")) is bool)
    if others > 0:
        is_unrestricted = restrictions_of(model) is NO_RESTRICTIONS
        if not is_unrestricted or _usual_settings(body) != others:
            return False
        if messages_are_plain:
            return True
    for message in reversed(
        messages
    ):  # an agent's last message is usually a tool result, which ends the loop
        if type(message) is not dict or len(message) != 2 or type(message.get("content")) is not str:
            return False
        role = message.get("role")
        if role not in _SPEAKERS and (role not in _INSTRUCTIONS or restrictions_of(model).roles):
            return False
    return True


def _usual_settings(body: dict[str, Json]) -> int:
    """Return the number of the settings that most clients send, with values that all models without
    restrictions accept."""
    temperature, top_p = body.get("temperature", -1), body.get("top_p", -1)
    max_tokens = body.get("max_tokens", -1)
    metadata = body.get("metadata")
    count = int(type(metadata) is dict and check_metadata(metadata) is None)
    count += type(temperature) in (int, float) and 0 <= temperature <= 2
    count += type(top_p) in (int, float) and 0 <= top_p <= 1
    count += type(max_tokens) is int and 0 < max_tokens <= _MAX_TOKENS
    return count
