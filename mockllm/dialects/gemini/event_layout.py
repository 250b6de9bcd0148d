"""The form of the stream of generateContent: where its chunks have calls, finish reasons, roles, usage and texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.typed_values import list_of
from mockllm.core.rendering.event_layout import CallPlace, EventLayout, FinishPlace, MemberPlace, Payload
from mockllm.core.rendering.plan import Framing
from mockllm.dialects.gemini.wire_format import indented, one_line


def _candidates(payload: Payload) -> list[Payload]:
    return list_of(payload.get("candidates"))


class GenerateEventLayout(EventLayout):
    """The chunks of a response. A call comes whole, with its arguments as an object and without an index."""

    def write(self, payload: Payload, framing: Framing) -> bytes:
        return indented(payload) if framing is Framing.JSON_ARRAY else one_line(payload)

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[CallPlace]:
        for candidate in _candidates(payload):
            for part in candidate.get("content", {}).get("parts", ()):
                if "functionCall" in part:
                    call = part["functionCall"]
                    id, arguments = MemberPlace(call, "id"), MemberPlace(call, "args")
                    yield CallPlace((candidate.get("index"), len(opened)), None, id, arguments)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        for candidate in _candidates(payload):
            reason = candidate.get("finishReason")
            yield FinishPlace(candidate.get("index"), candidate, ("finishReason",), bool(reason))

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "usageMetadata") if "responseId" in payload else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        for candidate in _candidates(payload):
            if "content" in candidate:
                yield MemberPlace(candidate["content"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        for candidate in _candidates(payload):
            for part in candidate.get("content", {}).get("parts", ()):
                if "text" in part:
                    return MemberPlace(part, "text")
        return None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(_candidates(payload)[0], "content")

    def choices(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "candidates")


GENERATE_LAYOUT: Final = GenerateEventLayout()
