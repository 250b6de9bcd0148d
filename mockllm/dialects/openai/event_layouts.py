"""The forms of the streams of OpenAI's protocols. They name the places of calls, finish reasons, roles, usage and
texts in chunks of chat and completions, and in events of responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import objects
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace

REASON: Final = ("finish_reason",)
TEXT_DELTAS: Final = ("response.output_text.delta", "response.output_audio_transcript.delta")
"""The realtime events with a text."""


def _choices(payload: Payload) -> list[Payload]:
    return list(objects(payload.get("choices")))


class ChoicesEventLayout(EventLayout):
    """The common form of the chunks of chat and of completions."""

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        for choice in _choices(payload):
            yield FinishPlace(choice.get("index"), choice, REASON, bool(choice.get("finish_reason")))

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "usage") if "choices" in payload else None

    def choices(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "choices")


class ChatEventLayout(ChoicesEventLayout):
    """The chunks of chat, also of vendors."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        for choice in _choices(payload):
            for call in choice.get("delta", {}).get("tool_calls") or ():
                number = (choice.get("index"), call.get("index", call.get("id")))
                content = call.get("function", call.get("custom", {}))
                arguments = MemberPlace(content, "arguments" if "function" in call else "input")
                yield ToolCallPlace(number, MemberPlace(call, "index"), MemberPlace(call, "id"), arguments)

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        for choice in _choices(payload):
            if choice.get("delta"):
                yield MemberPlace(choice["delta"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        for choice in _choices(payload):
            if type(choice.get("delta", {}).get("content")) is str:
                return MemberPlace(choice["delta"], "content")
        return None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(_choices(payload)[0], "delta")


class CompletionsEventLayout(ChoicesEventLayout):
    """The chunks of legacy completions."""

    def text(self, payload: Payload) -> MemberPlace | None:
        return next((MemberPlace(choice, "text") for choice in _choices(payload)), None)


class ResponsesEventLayout(EventLayout):
    """The events of responses. The finish reason is the status of the whole response."""

    sequence: str | None = "sequence_number"

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        number = payload.get("output_index")
        item: Json = payload.get("item")
        index = MemberPlace(payload, "output_index")
        if type(item) is dict and "call_id" in item:
            arguments = MemberPlace(item, "arguments" if "arguments" in item else "input")
            added = payload.get("type") == "response.output_item.added"
            yield ToolCallPlace(number, index, MemberPlace(item, "call_id"), arguments if added else None)
        elif number in opened and "item_id" in payload:
            yield ToolCallPlace(number, index)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        response = payload.get("response")
        if type(response) is dict:
            ended = response.get("status") in ("completed", "incomplete")
            yield FinishPlace(0, response, ("status",), ended)

    def usage(self, payload: Payload) -> MemberPlace | None:
        response = payload.get("response")
        return MemberPlace(response, "usage") if type(response) is dict else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        item = payload.get("item")
        if type(item) is dict and item.get("type") == "message":
            yield MemberPlace(item, "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta") if payload.get("type") == "response.output_text.delta" else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return self.text(payload)


class RealtimeEventLayout(ResponsesEventLayout):
    """The events of a realtime response. Items appear in events of the conversation, too, which have no index."""

    sequence = None

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        return super().calls(payload, opened) if "output_index" in payload else iter(())

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta") if payload.get("type") in TEXT_DELTAS else None


CHAT_LAYOUT: Final = ChatEventLayout()
COMPLETIONS_LAYOUT: Final = CompletionsEventLayout()
RESPONSES_LAYOUT: Final = ResponsesEventLayout()
REALTIME_LAYOUT: Final = RealtimeEventLayout()
