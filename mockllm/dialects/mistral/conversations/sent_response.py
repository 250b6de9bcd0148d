"""The response of a conversation as it was sent: that of a body, or the one that a whole stream adds up to."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import read_object, text_of
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.dialects.mistral.conversations.encoder import CALL_DELTA, DONE, STARTED, TEXT_DELTA
from mockllm.dialects.mistral.conversations.entries import CALL, EXECUTION, HANDOFF, OUTPUT
from mockllm.dialects.mistral.conversations.outputs import thought, with_plain_content

OF_EVENTS: Final = ("type", "output_index", "content_index", "content", "arguments")
"""The members of events that their entries do not have, or have in another form."""
ENTRY_KINDS: Final = {
    TEXT_DELTA: OUTPUT,
    CALL_DELTA: CALL,
    **{f"{kind}.{end}": kind for kind in (EXECUTION, HANDOFF) for end in ("started", "done")},
}
"""The types of the entries to which events belong."""


def sent_response(plan: Plan) -> dict[str, Json]:
    """Return the id of the conversation and the outputs; an empty object for a stream without its end."""
    if plan.framing is Framing.PLAIN:
        (body,) = [payload for _, payload in events(plan)]
        return read_object(body)
    outputs: dict[int, dict[str, Json]] = {}
    id, done = None, False
    for _, payload in events(plan):
        event = read_object(payload)
        kind, place = event.get("type"), event.get("output_index")
        if kind == STARTED:
            id = event.get("conversation_id")
        elif kind == DONE:
            done = True
        elif type(place) is int:
            _add(outputs, place, event)
    entries = [with_plain_content(outputs[place]) for place in sorted(outputs)]
    return {"conversation_id": id, "outputs": entries} if done else {}


def _add(outputs: dict[int, dict[str, Json]], place: int, event: dict[str, Json]) -> None:
    """Add an event to the entry of its place."""
    name = text_of(event.get("type")) or ""
    kind = ENTRY_KINDS.get(name)
    if kind is None:
        return
    own = {member: value for member, value in event.items() if member not in OF_EVENTS}
    entry = outputs.setdefault(place, {"type": kind, **own})
    if entry["type"] != kind:  # a fault gave two entries one place
        return
    arguments = text_of(event.get("arguments")) or ""
    if kind == OUTPUT:
        _add_content(entry.setdefault("content", []), event.get("content"))
    elif kind == CALL:
        entry["arguments"] = entry.get("arguments", "") + arguments
    else:
        entry |= own if kind == HANDOFF else {"arguments": arguments, **entry, **own}


def _add_content(content: list[dict[str, Json]], chunk: Json) -> None:
    """Add a chunk of a message: text continues a text, and thinking continues thinking."""
    last = content[-1] if content else {}
    match chunk:
        case str(text):
            if last.get("type") == "text":
                last["text"] += text
            else:
                content.append({"type": "text", "text": text})
        case {"type": "thinking", "thinking": [{"text": str(text)}]}:
            if last.get("type") == "thinking":
                last["thinking"][0]["text"] += text
            else:
                content.append(thought(text))
