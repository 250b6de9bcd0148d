"""The form of the messages of a Live turn: where they have calls, roles, usage and texts.

No message has a finish reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.event_layout import CallPlace, EventLayout, MemberPlace, Payload
from mockllm.dialects.gemini.generate_request import list_of


def _content(payload: Payload) -> Payload | None:
    content: Json = payload.get("serverContent")
    return content if type(content) is dict and "modelTurn" in content else None


class LiveEventLayout(EventLayout):
    """A call comes whole, with its arguments as an object and without an index."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[CallPlace]:
        for number, call in enumerate(list_of(object_of(payload.get("toolCall")).get("functionCalls"))):
            yield CallPlace(number, None, MemberPlace(call, "id"), MemberPlace(call, "args"))

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "usageMetadata") if "usageMetadata" in payload else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        content = _content(payload)
        if content is not None:
            yield MemberPlace(content["modelTurn"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        content = _content(payload)
        parts = [] if content is None else content["modelTurn"]["parts"]
        return next((MemberPlace(part, "text") for part in parts if "text" in part), None)

    def delta(self, payload: Payload) -> MemberPlace | None:
        content = _content(payload)
        return None if content is None else MemberPlace(content, "modelTurn")


LIVE_LAYOUT: Final = LiveEventLayout()
