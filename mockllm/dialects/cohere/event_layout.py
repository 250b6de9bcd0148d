"""The form of Cohere's streams: where its events have calls, the finish reason, the role and texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.event_layout import CallPlace, EventLayout, FinishPlace, MemberPlace, Payload


class CohereEventLayout(EventLayout):
    """The events of /v2/chat, with their content in `delta.message`."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[CallPlace]:
        kind = payload.get("type")
        index = MemberPlace(payload, "index")
        if kind in ("tool-call-start", "tool-call-delta"):
            call: Json = payload["delta"]["message"]["tool_calls"]
            arguments = MemberPlace(call["function"], "arguments")
            id = MemberPlace(call, "id") if kind == "tool-call-start" else None
            yield CallPlace(payload["index"], index, id, arguments)
        elif kind == "tool-call-end":
            yield CallPlace(payload["index"], index)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        if payload.get("type") == "message-end":
            yield FinishPlace(0, payload["delta"], ("finish_reason",), True)

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload["delta"], "usage") if payload.get("type") == "message-end" else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        if payload.get("type") == "message-start":
            yield MemberPlace(payload["delta"]["message"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        if payload.get("type") == "tool-plan-delta":
            plan: Json = payload["delta"]
            return MemberPlace(plan["message"], "tool_plan")
        if payload.get("type") != "content-delta":
            return None
        content: Json = payload["delta"]["message"]["content"]
        return MemberPlace(content, "text") if "text" in content else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta")


COHERE_LAYOUT: Final = CohereEventLayout()
