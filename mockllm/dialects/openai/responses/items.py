"""The output items of a response: each part of a reply as the item it is, before and after it is said.

Both the whole answer and the stream take them from here, so that an item is the same wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.randomness import HEX
from mockllm.core.reply.citations import full_text as whole_text
from mockllm.core.reply.citations import span
from mockllm.core.reply.logprobs import part_token_texts, token_logprobs
from mockllm.core.reply.reply import (
    Call,
    Choice,
    Media,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    joined_text,
)
from mockllm.dialects.openai.logprobs import entries
from mockllm.dialects.openai.responses.object import INCOMPLETE, ResponseObjectFields

SEALED: Final = "gAAAAAB"
"""How encrypted reasoning begins."""
PREFIXES: Final = {Thinking: "rs_", Text: "msg_", Refusal: "msg_", Call: "fc_"}


def supported_reply(reply: Reply) -> Reply:
    """The reply without what this protocol never shows: further choices, blocks that are no items of its own,
    and the text of redacted reasoning."""
    first = reply.choices[0]
    if len(reply.choices) == 1 and not any(_changed(part) for part in first.parts):
        return reply
    parts = tuple(_seen(part) for part in first.parts if not _hidden(part))
    return replace(reply, choices=(replace(first, parts=parts),))


def _changed(part: Part) -> bool:
    if type(part) is Media:
        return True
    return _hidden(part) or (type(part) is Thinking and part.redacted and part.chunks != ())


def _hidden(part: Part) -> bool:
    """A block of the chat protocol's is a piece of a message; an item of this one says its type."""
    return type(part) is NativePart and not (
        part.dialect == "openai" and type(part.block) is dict and type(part.block.get("type")) is str
    )


def _seen(part: Part) -> Part:
    """A picture is what the tool made that makes them."""
    if type(part) is Media:
        made = {"type": "image_generation_call", "status": "completed", "result": part.data}
        return NativePart("openai", {**made, "output_format": part.mime.rpartition("/")[2]})
    return replace(part, chunks=()) if type(part) is Thinking and part.redacted else part


def item_id(part: Part, place: int, facts: ResponseObjectFields) -> str:
    """The id of a part's item; `place` counts the items."""
    if type(part) is NativePart:
        given = part.block.get("id")
        return given if type(given) is str else facts.ids.make("item_", 50, str(place), HEX)
    custom = type(part) is Call and part.name in facts.custom
    return facts.ids.make("ctc_" if custom else PREFIXES[type(part)], 50, str(place), HEX)


def status_of(choice: Choice, place: int) -> str:
    """An answer that was cut leaves its last item incomplete."""
    return "incomplete" if choice.finish in INCOMPLETE and place == len(choice.parts) - 1 else "completed"


def item(
    choice: Choice,
    place: int,
    facts: ResponseObjectFields,
    status: str,
    said: str | None,
    logprobs: Sequence[Json] = (),
) -> dict[str, Json]:
    """An item that has said so much, with the probabilities of its tokens; None where it only begins."""
    part = choice.parts[place]
    id = item_id(part, place, facts)
    if type(part) is NativePart:
        return {**part.block, "id": id}
    if type(part) is Thinking:
        return _reasoning(part, id, place, facts, said)
    if type(part) is Call:
        return _call(part, id, place, facts, status, said or "")
    made: dict[str, Json] = {"id": id, "type": "message", "status": status}
    made["content"] = [] if said is None else [content_part(part, said, logprobs)]
    if facts.form.phase:
        calls = any(type(later) is Call for later in choice.parts[place:])
        made["phase"] = "commentary" if calls else "final_answer"
    made["role"] = "assistant"
    return made


def content_part(part: Part, said: str, logprobs: Sequence[Json] = ()) -> dict[str, Json]:
    """What stands in a message's content, or in a reasoning item's summary."""
    if type(part) is Refusal:
        return {"type": "refusal", "refusal": said}
    if type(part) is Thinking:
        return {"type": "summary_text", "text": said}
    found = cited(part) if said else []
    return {"type": "output_text", "annotations": found, "logprobs": list(logprobs), "text": said}


def cited(part: Part) -> list[Json]:
    """The sources of a text."""
    made: list[Json] = []
    if type(part) is not Text:
        return made
    for citation in part.citations:
        start, end = span(citation, whole_text(part))
        told = {"type": "url_citation", "end_index": end, "start_index": start}
        made.append({**told, "title": citation.title or citation.url, "url": citation.url})
    return made


def _reasoning(
    part: Thinking, id: str, place: int, facts: ResponseObjectFields, said: str | None
) -> dict[str, Json]:
    made: dict[str, Json] = {"id": id, "type": "reasoning"}
    if facts.form.recent:
        made["content"] = []
    if facts.sealed or part.signature is not None:
        made["encrypted_content"] = part.signature or facts.ids.make(SEALED, 64, str(place))
    made["summary"] = [content_part(part, said)] if said else []
    return made


def _call(
    part: Call, id: str, place: int, facts: ResponseObjectFields, status: str, said: str
) -> dict[str, Json]:
    call_id = part.id if part.id is not None else facts.ids.make("call_", 24, str(place))
    if part.name in facts.custom:
        return {
            "id": id,
            "type": "custom_tool_call",
            "status": status,
            "call_id": call_id,
            "input": said,
            "name": part.name,
        }
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "arguments": said,
        "call_id": call_id,
        "name": part.name,
    }


def output(choice: Choice, facts: ResponseObjectFields) -> list[Json]:
    """All items of a whole answer."""
    made: list[Json] = []
    for place, part in enumerate(choice.parts):
        said = "" if isinstance(part, NativePart) else joined_text(part.chunks)
        if isinstance(part, Text) and part.whole is not None:
            said = part.whole
        found: list[Json] = []
        if facts.logprobs is not None and isinstance(part, Text):
            found = entries(token_logprobs(part_token_texts(part, streamed=False), facts.logprobs))
        made.append(item(choice, place, facts, status_of(choice, place), said, found))
    return made
