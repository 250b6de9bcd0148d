"""Reasoning that must come back: which items of a model belong to which reasoning item, and what a request without
it gets.

The session stores the encrypted content of each reasoning item under the item's id. It stores the id of a reasoning
item under the id of the item after it. Sources: public reports for messages and codes, openai/codex#8145 (a content
that was changed), VRSEN/agency-swarm#367 and mastra-ai/mastra#8738 (an item without its reasoning).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.dialects.openai.validators import refuse

BOUND: Final = ("function_call", "custom_tool_call", "message")
"""The types of items that need the reasoning before them."""


def reasoning_links(output: Sequence[dict[str, Json]]) -> dict[str, str]:
    """Return the encrypted contents of the reasoning items of an output, and the ids of those that items need."""
    links: dict[str, str] = {}
    for item, following in pairwise([*output, {}]):
        id, next_id = text_of(item.get("id")), text_of(following.get("id"))
        if item.get("type") != "reasoning" or id is None:
            continue
        links[id] = text_of(item.get("encrypted_content")) or ""
        if next_id is not None and following.get("type") in BOUND:
            links[next_id] = id
    return links


def check_reasoning(items: Sequence[Mapping[str, Json]], lookup: ObjectLookup) -> Failure | None:
    """Return the failure of reasoning that was changed or left out. An item that names no id is not checked."""
    seen: set[str] = set()
    for item in items:
        id = text_of(item.get("id"))
        known = None if id is None else lookup.tool_by_call_id(id)
        if id is None or known is None:
            continue
        seen.add(id)
        if item.get("type") == "reasoning":
            error = _check_content(item, id, known, lookup)
            if error is not None:
                return error
        elif known not in seen:
            message = (
                f"Item '{id}' of type '{item.get('type', 'message')}' was provided without its required 'reasoning' "
                f"item: '{known}'."
            )
            return refuse(message, "input")
    return None


def _check_content(item: Mapping[str, Json], id: str, content: str, lookup: ObjectLookup) -> Failure | None:
    sent = text_of(item.get("encrypted_content"))
    if sent == content or (sent is None and lookup.stored(id) is not None):
        return None
    if sent is None:
        message = (
            f"Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with "
            "`store` set to true, or remove this item from your input."
        )
        return replace(refuse(message, "input"), status=404)
    shown = f"{sent[:4]}...{sent[-4:]}"
    message = (
        f"The encrypted content {shown} could not be verified. Reason: Encrypted content could not be decrypted or "
        "parsed."
    )
    return refuse(message, None, "invalid_encrypted_content")
