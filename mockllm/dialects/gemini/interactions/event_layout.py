"""The form of the stream of an interaction: where its events have calls, the status, usage and texts. No event has a
role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace

ENDED: Final = ("completed", "requires_action", "incomplete")


class InteractionEventLayout(EventLayout):
    """Only the first event of a call has its id. The finish reason is the status of the interaction."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        number, index = payload.get("index"), MemberPlace(payload, "index")
        step: Json = payload.get("step")
        delta: Json = payload.get("delta")
        if type(step) is dict and step.get("type") == "function_call":
            yield ToolCallPlace(number, index, MemberPlace(step, "id"))
        elif type(delta) is dict and delta.get("type") == "arguments_delta":
            yield ToolCallPlace(number, index, arguments=MemberPlace(delta, "arguments"))
        elif payload.get("event_type") == "step.stop" and number in opened:
            yield ToolCallPlace(number, index)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        interaction: Json = payload.get("interaction")
        if type(interaction) is dict:
            yield FinishPlace(0, interaction, ("status",), interaction.get("status") in ENDED)

    def usage(self, payload: Payload) -> MemberPlace | None:
        interaction: Json = payload.get("interaction")
        return MemberPlace(interaction, "usage") if type(interaction) is dict else None

    def text(self, payload: Payload) -> MemberPlace | None:
        delta: Json = payload.get("delta")
        is_text = type(delta) is dict and delta.get("type") == "text"
        return MemberPlace(delta, "text") if is_text else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta")


INTERACTION_LAYOUT: Final = InteractionEventLayout()
