"""A realtime response that ends before its last event: what was sent of its items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of

TEXT_DELTAS: Final = (".output_text.delta", ".output_audio_transcript.delta")


def sent_output(sent: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return the items of a response whose first events were sent; the last ones may be incomplete."""
    speaks = _begun(sent).get("output_modalities") == ["audio"]
    texts: dict[str, str] = {}
    output: dict[str, dict[str, Json]] = {}
    for event in sent:
        kind, item = text_of(event.get("type")) or "", object_of(event.get("item"))
        if kind == "response.output_item.done":
            output[text_of(item.get("id")) or ""] = item
        elif kind == "response.output_item.added":
            output[text_of(item.get("id")) or ""] = {**item, "status": "incomplete"}
        elif kind.endswith(TEXT_DELTAS):
            id = text_of(event.get("item_id")) or ""
            texts[id] = texts.get(id, "") + (text_of(event.get("delta")) or "")
    for id, item in output.items():
        if item.get("status") == "incomplete" and item.get("type") == "message":
            text = texts.get(id, "")
            item["content"] = [
                {"type": "output_audio", "transcript": text}
                if speaks
                else {"type": "output_text", "text": text}
            ]
    return list(output.values())


def cancelled_response(sent: Sequence[dict[str, Json]], reason: str) -> dict[str, Json]:
    """Return the response whose first events were sent, as its last event has it."""
    details = {"type": "cancelled", "reason": reason}
    output = sent_output(sent)
    return {**_begun(sent), "status": "cancelled", "status_details": details, "output": output}


def _begun(sent: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """Return the response as its first event has it."""
    return object_of(sent[0].get("response")) if sent else {}
