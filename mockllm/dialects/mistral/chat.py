"""POST /v1/chat/completions of Mistral: a chat whose messages have the order and the ids that Mistral requires.

The words are from public reports of 2025 and 2026. Those of a last message of the assistant are opencode#19115 and
AiNiee#641. Those of roles are crush#279, onyx#6458 and spring-ai#2380. That of results and calls is
client-python#234. That of ids is ironclaw#1241. The package mistral-common has the table of roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import list_of, text_of
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.request import Request
from mockllm.core.request.typed_memo import MemoKey
from mockllm.dialects.mistral.errors import refusal
from mockllm.dialects.vendors.chat import VendorChat

_is_id: Final = re.compile("[a-zA-Z0-9]{9}").fullmatch
ABSENT_ID: Final = "null"
"""What the package sends for the id of a call that has none."""
_MISPLACED_ROLES: Final = {
    ("system", "tool"),
    ("user", "tool"),
    ("assistant", "system"),
    ("tool", "system"),
    ("tool", "user"),
}
"""The roles of two messages of which the second may not follow the first."""
_ACCEPTED: Final = MemoKey[list[str]]()
"""The key of the role of the last message, where all messages are accepted."""


class MistralChat(VendorChat):
    """The chat of Mistral."""

    def check(self, request: Request) -> Failure | None:
        failure = super().check(request)
        if failure is None:
            return _check_end(request.fields["messages"]) or _check_turns(request)
        if (text_of(failure.fields.get("param")) or "").endswith("].role") and failure.fields["code"] is None:
            return _order_refusal(request.fields["messages"])
        return failure


def _check_end(messages: list[Json]) -> Failure | None:
    """Return the refusal of a last message of the assistant that is no prefix of the response."""
    last = messages[-1]
    if last["role"] != "assistant" or last.get("prefix") is True:
        return None
    return _misplaced(
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
    )


def _order_refusal(messages: list[Json]) -> Failure:
    """Return the refusal of calls without results, or of results without calls."""
    unequal = _misplaced("Not the same number of function calls and responses")
    return _check_end(messages) or _check_roles(messages) or unequal


def _check_roles(messages: list[Json]) -> Failure | None:
    """Return the refusal of the first message whose role may not follow that of the message before."""
    for before, after in pairwise(message["role"] for message in messages):
        if (before, after) in _MISPLACED_ROLES:
            return _misplaced(f"Unexpected role '{after}' after role '{before}'")
    return None


def _misplaced(message: str) -> Failure:
    return refusal(message, "invalid_request_message_order", "3230")


def _check_turns(request: Request) -> Failure | None:
    """Return the refusal of the order of messages, or of the first id of a call that has another form. Of a
    conversation that was read before, only the new messages are read."""
    divided = request.divided_body
    if divided is not None and _accepts_turns(divided):
        return None
    messages = request.fields["messages"]
    misplaced = _check_roles(messages)
    if misplaced is not None:
        return misplaced
    ids = (id for message in messages for id in _wrong_ids(message))
    wrong = next(ids, None)
    if wrong is None:
        return None
    message = f"Tool call id was {wrong} but must be a-z, A-Z, 0-9, with a length of 9."
    return refusal(message, "invalid_function_call", "3280")


def _accepts_turns(divided: DividedBody) -> bool:
    return divided.reduce_turns(memo_key=_ACCEPTED, initial=_last_role, step=_accepts_next) is not None


def _last_role(known: list[str] | None) -> list[str]:
    return [] if known is None else [*known]


def _accepts_next(last_role: list[str], message: Json) -> bool:
    role = message["role"]
    is_misplaced = (*last_role, role) in _MISPLACED_ROLES
    last_role[:] = [role]
    return not is_misplaced and next(_wrong_ids(message), None) is None


def _wrong_ids(message: Json) -> Iterator[str]:
    if message["role"] == "tool":
        ids = [message["tool_call_id"]]
    elif "tool_calls" in message:
        ids = [call["id"] for call in list_of(message["tool_calls"])]
    else:
        return
    yield from (id for id in ids if id != ABSENT_ID and _is_id(id) is None)
