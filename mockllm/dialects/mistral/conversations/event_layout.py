"""The form of the stream of a conversation's response: where its events have calls, the usage, roles and texts. No
event has a finish reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, Payload, ToolCallPlace
from mockllm.dialects.mistral.conversations.encoder import CALL_DELTA, DONE, TEXT_DELTA


class ConversationEventLayout(EventLayout):
    """Each event of a call has its id and a part of its arguments."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        if payload.get("type") == CALL_DELTA:
            index, id = MemberPlace(payload, "output_index"), MemberPlace(payload, "tool_call_id")
            yield ToolCallPlace(payload.get("output_index"), index, id, MemberPlace(payload, "arguments"))

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "usage") if payload.get("type") == DONE else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        if payload.get("type") == TEXT_DELTA:
            yield MemberPlace(payload, "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        is_text = payload.get("type") == TEXT_DELTA and type(payload.get("content")) is str
        return MemberPlace(payload, "content") if is_text else None


CONVERSATION_LAYOUT: Final = ConversationEventLayout()
