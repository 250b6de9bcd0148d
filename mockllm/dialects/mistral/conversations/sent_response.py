"""The response of a conversation as it was sent: that of a body, or the one that a whole stream adds up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
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
        (body,) = [payload for payload, _ in events(plan)]
        return read_object(body)
    outputs: dict[int, dict[str, Json]] = {}
    chunks: dict[int, list[Json]] = {}
    id, done = None, False
    for payload, _ in events(plan):
        event = read_object(payload)
        kind, place = event.get("type"), event.get("output_index")
        if kind == STARTED:
            id = event.get("conversation_id")
        elif kind == DONE:
            done = True
        elif type(place) is int:
            _add(outputs, chunks.setdefault(place, []), place, event)
    for place, entry in outputs.items():
        if entry["type"] == OUTPUT:
            entry["content"] = list(_joined(chunks[place]))
        elif entry["type"] == CALL:
            entry["arguments"] = "".join(chunk for chunk in chunks[place] if type(chunk) is str)
    entries = [with_plain_content(outputs[place]) for place in sorted(outputs)]
    return {"conversation_id": id, "outputs": entries} if done else {}


def _add(outputs: dict[int, dict[str, Json]], chunks: list[Json], place: int, event: dict[str, Json]) -> None:
    """Add an event to the entry of its place, and what continues the entry to its chunks."""
    name = text_of(event.get("type")) or ""
    kind = ENTRY_KINDS.get(name)
    if kind is None:
        return
    own = {} if chunks else {member: value for member, value in event.items() if member not in OF_EVENTS}
    entry = outputs.setdefault(place, {"type": kind, **own})
    if entry["type"] != kind:  # a fault gave two entries one place
        return
    if kind in (OUTPUT, CALL):
        chunks.append(event.get("content" if kind == OUTPUT else "arguments"))
    elif kind == HANDOFF:
        entry |= own
    else:
        entry |= {"arguments": text_of(event.get("arguments")) or "", **entry, **own}


def _joined(chunks: Sequence[Json]) -> Iterator[dict[str, Json]]:
    """Yield the contents of a message: text continues a text, and thinking continues thinking."""
    for is_text, group in groupby(filter(None, map(_text_of_chunk, chunks)), itemgetter(0)):
        text = "".join(text for _, text in group)
        yield {"type": "text", "text": text} if is_text else thought(text)


def _text_of_chunk(chunk: Json) -> tuple[bool, str] | None:
    """Return whether a chunk is text or thinking, and what it adds. None: it is neither."""
    match chunk:
        case str(text):
            return True, text
        case {"type": "thinking", "thinking": [{"text": str(text)}]}:
            return False, text
    return None
