"""The form of Ollama's streams: where its lines have calls, the finish reason, the role and texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.event_layout import CallPlace, EventLayout, FinishPlace, MemberPlace, Payload


class OllamaEventLayout(EventLayout):
    """The lines of /api/chat and /api/generate. A call comes whole, with its arguments as an object."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[CallPlace]:
        message: Json = payload.get("message", {})
        for call in message.get("tool_calls", ()):
            function = call["function"]
            index, arguments = MemberPlace(function, "index"), MemberPlace(function, "arguments")
            yield CallPlace(call.get("id", len(opened)), index, MemberPlace(call, "id"), arguments)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        if "done" in payload:
            yield FinishPlace(0, payload, ("done", "done_reason"), bool(payload["done"]))

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        if "message" in payload:
            yield MemberPlace(payload["message"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        if "message" in payload:
            return MemberPlace(payload["message"], "content")
        return MemberPlace(payload, "response") if "response" in payload else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "message" if "message" in payload else "response")


OLLAMA_LAYOUT: Final = OllamaEventLayout()
