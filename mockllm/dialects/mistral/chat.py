"""POST /v1/chat/completions of Mistral: a chat whose messages have the order and the ids that Mistral requires.

The words are from public reports of 2025 and 2026. Those of a last message of the assistant are opencode#19115 and
AiNiee#641. Those of results and calls are crush#279 and client-python#234. That of ids is ironclaw#1241.
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
_IDS_ACCEPTED: Final = MemoKey[bool]()


class MistralChat(VendorChat):
    """The chat of Mistral."""

    def check(self, request: Request) -> Failure | None:
        failure = super().check(request)
        if failure is None:
            return _check_end(request.fields["messages"]) or _check_ids(request)
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
    end = _check_end(messages)
    if end is not None:
        return end
    for before, after in pairwise(message["role"] for message in messages):
        if after == "tool" and before not in ("assistant", "tool"):
            return _misplaced(f"Unexpected role 'tool' after role '{before}'")
    return _misplaced("Not the same number of function calls and responses")


def _misplaced(message: str) -> Failure:
    return refusal(message, "invalid_request_message_order", "3230")


def _check_ids(request: Request) -> Failure | None:
    """Return the refusal of the first id of a call that has another form. Of a conversation that was read before,
    only the new messages are read."""
    divided = request.divided_body
    if divided is not None and _accepts_turns(divided):
        return None
    ids = (id for message in request.fields["messages"] for id in _wrong_ids(message))
    wrong = next(ids, None)
    if wrong is None:
        return None
    message = f"Tool call id was {wrong} but must be a-z, A-Z, 0-9, with a length of 9."
    return refusal(message, "invalid_function_call", "3280")


def _accepts_turns(divided: DividedBody) -> bool:
    accepted = divided.reduce_turns(memo_key=_IDS_ACCEPTED, initial=_accepted, step=_accepts_next)
    return accepted is not None


def _accepted(known: bool | None) -> bool:
    return True


def _accepts_next(known: bool, message: Json) -> bool:
    return next(_wrong_ids(message), None) is None


def _wrong_ids(message: Json) -> Iterator[str]:
    if message["role"] == "tool":
        ids = [message["tool_call_id"]]
    elif "tool_calls" in message:
        ids = [call["id"] for call in list_of(message["tool_calls"])]
    else:
        return
    yield from (id for id in ids if id != ABSENT_ID and _is_id(id) is None)
