"""The form of the stream of messages: where its events have calls, stop reasons, the role, usage and texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.event_layout import CallPlace, EventLayout, FinishPlace, MemberPlace, Payload


class MessagesEventLayout(EventLayout):
    """The events of a message. Only the first event of a call has its id."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[CallPlace]:
        number = payload.get("index")
        index = MemberPlace(payload, "index")
        block: Json = payload.get("content_block")
        delta: Json = payload.get("delta")
        if type(block) is dict and block.get("type") == "tool_use":
            yield CallPlace(number, index, MemberPlace(block, "id"))
        elif type(delta) is dict and delta.get("type") == "input_json_delta":
            yield CallPlace(number, index, arguments=MemberPlace(delta, "partial_json"))
        elif payload.get("type") == "content_block_stop" and number in opened:
            yield CallPlace(number, index)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        name = {"message_start": "message", "message_delta": "delta"}.get(payload.get("type", ""))
        if name is not None:
            members = ("stop_reason", "stop_sequence", "stop_details")
            yield FinishPlace(0, payload[name], members, bool(payload[name].get("stop_reason")))

    def usage(self, payload: Payload) -> MemberPlace | None:
        if payload.get("type") == "message_delta":
            return MemberPlace(payload, "usage")
        return MemberPlace(payload["message"], "usage") if payload.get("type") == "message_start" else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        if payload.get("type") == "message_start":
            yield MemberPlace(payload["message"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        delta: Json = payload.get("delta")
        is_text = type(delta) is dict and delta.get("type") == "text_delta"
        return MemberPlace(delta, "text") if is_text else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta")


MESSAGES_LAYOUT: Final = MessagesEventLayout()
