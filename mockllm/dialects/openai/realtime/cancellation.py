"""A realtime response that ends before its last event: what was sent of its items."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of

TEXT_DELTAS: Final = (".output_text.delta", ".output_audio_transcript.delta")


def sent_output(response: dict[str, Json], sent: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return the items of a response whose first events were sent; the last ones may be incomplete."""
    output = [event["item"] for event in sent if event.get("type") == "response.output_item.done"]
    begun = [event["item"] for event in sent if event.get("type") == "response.output_item.added"]
    deltas = [event for event in sent if str(event.get("type")).endswith(TEXT_DELTAS)]
    for item in begun[len(output) :]:
        text = "".join(event["delta"] for event in deltas if event.get("item_id") == item["id"])
        part: dict[str, Json] = {"type": "output_text", "text": text}
        if response.get("output_modalities") == ["audio"]:
            part = {"type": "output_audio", "transcript": text}
        cut = {**item, "status": "incomplete"}
        output.append({**cut, "content": [part]} if item.get("type") == "message" else cut)
    return output


def cancelled_response(sent: list[dict[str, Json]], reason: str) -> dict[str, Json]:
    """Return the response whose first events were sent, as its last event has it."""
    response = object_of(sent[0].get("response"))
    details = {"type": "cancelled", "reason": reason}
    output = sent_output(response, sent)
    return {**response, "status": "cancelled", "status_details": details, "output": output}
