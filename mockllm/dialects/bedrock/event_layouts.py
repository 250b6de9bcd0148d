"""The forms of Bedrock's streams: the events of Converse, of Nova, and of the model providers whose bodies have only
texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace


class ConverseEventLayout(EventLayout):
    """The events of Converse. Each member is in one event only, but the index of a call."""

    def inner(self, payload: Payload) -> Payload:
        """Return the members of an event."""
        return payload

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        event = self.inner(payload)
        number, index = event.get("contentBlockIndex"), MemberPlace(event, "contentBlockIndex")
        start: Json = event.get("start", {}).get("toolUse")
        delta: Json = event.get("delta", {}).get("toolUse")
        if start is not None:
            yield ToolCallPlace(number, index, MemberPlace(start, "toolUseId"))
        elif delta is not None:
            yield ToolCallPlace(number, index, arguments=MemberPlace(delta, "input"))
        elif number in opened and "delta" not in event:
            yield ToolCallPlace(number, index)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        event = self.inner(payload)
        if "stopReason" in event:
            yield FinishPlace(0, event, ("stopReason",), True)

    def usage(self, payload: Payload) -> MemberPlace | None:
        event = self.inner(payload)
        return MemberPlace(event, "usage") if "usage" in event else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        event = self.inner(payload)
        if "role" in event:
            yield MemberPlace(event, "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        delta: Json = self.inner(payload).get("delta", {})
        return MemberPlace(delta, "text") if "text" in delta else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(self.inner(payload), "delta")


class NovaEventLayout(ConverseEventLayout):
    """Converse's events, each in an object with its name."""

    def inner(self, payload: Payload) -> Payload:
        event = next(iter(payload.values()), None)
        return event if type(event) is dict else {}


REASONS: Final = ("completionReason", "stop_reason", "finish_reason")
TEXTS: Final = ("outputText", "generation", "text")


class InvokedTextEventLayout(EventLayout):
    """The events of Titan, Llama, Mistral and Cohere: a text, and at the end a reason."""

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        for event in (payload, *payload.get("outputs", ())):
            for member in REASONS:
                if member in event:
                    yield FinishPlace(0, event, (member,), bool(event[member]))

    def text(self, payload: Payload) -> MemberPlace | None:
        for event in (payload, *payload.get("outputs", ())):
            for member in TEXTS:
                if member in event:
                    return MemberPlace(event, member)
        return None

    def choices(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "outputs") if "outputs" in payload else None


CONVERSE_LAYOUT: Final = ConverseEventLayout()
NOVA_LAYOUT: Final = NovaEventLayout()
TEXT_LAYOUT: Final = InvokedTextEventLayout()
