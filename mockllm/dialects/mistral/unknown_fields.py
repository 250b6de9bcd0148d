"""Refuses the unknown fields of a chat and of its messages, as Mistral's service does (`validation: exact`).

Sources: the types of the `mistralai` package (3.7) for the fields, and errors of 2024 to 2026 that users quote for
the entries. That those of messages come first is inferred. The content of messages and tools are not walked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.mistral.errors import MALFORMED

FIELDS: Final = frozenset({
    "frequency_penalty", "guardrails", "logprobs", "max_tokens", "messages", "metadata", "min_tokens", "model", "n",
    "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_logprobs", "prompt_mode",
    "random_seed", "reasoning_effort", "repetition_penalty", "response_format", "safe_prompt", "service_tier", "stop",
    "stream", "stream_options", "temperature", "tool_choice", "tools", "top_k", "top_logprobs", "top_p",
    "top_prompt_logprobs",
})  # fmt: skip
"""Those of the package, and `stream_options`, which the service accepts (recordings of 2026)."""
MESSAGES: Final[Mapping[Json, frozenset[str]]] = {
    "system": frozenset({"content", "role"}),
    "user": frozenset({"content", "role"}),
    "assistant": frozenset({"content", "prefix", "role", "tool_calls"}),
    "tool": frozenset({"content", "name", "role", "tool_call_id"}),
}
"""The fields of a message, by its role."""
MESSAGE: Final = "Extra inputs are not permitted"
MAX_ENTRIES: Final = 100
"""The most unknown fields that a refusal lists: a client may send a body full of them."""


def refuse_inexact(request: Request) -> Failure | None:
    """Return the failure that lists the unknown fields of a chat; None where there is none."""
    if request.api != "chat":
        return None
    details = list(islice(_entries(request.fields), MAX_ENTRIES))
    return Failure(MALFORMED, message=MESSAGE, fields={"detail": details}) if details else None


def _entries(fields: dict[str, Json]) -> Iterator[Json]:
    messages = fields.get("messages")
    for number, message in enumerate(messages if type(messages) is list else ()):
        role = message.get("role") if type(message) is dict else None
        if type(role) is str and role in MESSAGES:
            yield from _unknown(message, MESSAGES[role], ["body", "messages", number, role])
    yield from _unknown(fields, FIELDS, ["body"])


def _unknown(fields: dict[str, Json], known: frozenset[str], place: list[Json]) -> Iterator[Json]:
    for name, value in fields.items():
        if name not in known:
            yield {"type": "extra_forbidden", "loc": [*place, name], "msg": MESSAGE, "input": value}
