"""The response that a realtime session sends. The conversation has its items as soon as an event announces them."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, read_object, text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.websocket_session import timed_messages
from mockllm.dialects.openai.realtime.cancellation import cancelled_response, sent_output
from mockllm.dialects.openai.realtime.conversation import RealtimeConversation

CLIENT_CANCELLED: Final = "client_cancelled"
INTERRUPTED: Final = "turn_detected"
"""The reasons why a response is stopped: the client cancels it, or the user speaks."""
ADDED: Final = "conversation.item.added"
DONE: Final = "conversation.item.done"
_CHANGE: Final = b'"conversation.item.'


class EndedRealtimeResponse(NamedTuple):
    """A response that was sent or stopped. `sent`: its messages that were sent; `begin`: the first one where none
    was. `cancelled`: a stopped response, as its last event has it."""

    sent: Sequence[bytes]
    begin: tuple[bytes, ...] = ()
    cancelled: dict[str, Json] | None = None


class RunningResponse:
    """See the module. A session uses one object for all its responses."""

    def __init__(self, conversation: RealtimeConversation) -> None:
        self._conversation = conversation
        self.active = False
        self.stop_reason = CLIENT_CANCELLED
        self._in_conversation = True
        self._messages: list[tuple[float, bytes]] = []
        """The messages with their times."""
        self._read = 0
        """The number of messages that have been sent, as far as the session has looked."""
        self._announced: set[str] = set()
        self._incomplete: set[str] = set()
        """The ids of the items that were added to the conversation, and of those that have not ended."""

    def request(self, *, in_conversation: bool) -> None:
        """A response is requested. `in_conversation`: whether its items belong to the conversation."""
        self.active, self._in_conversation = True, in_conversation

    def begin(self, plan: Plan) -> None:
        self._messages, self._read = timed_messages(plan), 0
        self._announced, self._incomplete = set(), set()

    def advance(self, seconds: float) -> None:
        """Carry out what the messages of so many seconds say of the conversation."""
        while self._read < len(self._messages) and self._messages[self._read][0] <= seconds:
            payload = self._messages[self._read][1]
            self._read += 1
            if self._in_conversation and _CHANGE in payload[:64]:
                self._follow(read_object(payload))

    def end(self, sent: float | None) -> EndedRealtimeResponse:
        """End the response. `sent`: the seconds after which it was stopped; None where it was sent to its end."""
        self.advance(inf if sent is None else sent)
        messages = [payload for _, payload in self._messages]
        gone = messages[: self._read]
        self.active, self._messages, self._read = False, [], 0
        if sent is None or not messages:
            self._remember(self._final_output(gone))
            return EndedRealtimeResponse(gone)
        begin = () if gone else (messages[0],)
        cancelled = cancelled_response(
            [read_object(payload) for payload in (*begin, *gone)], self.stop_reason
        )
        self._remember(cancelled["output"])
        return EndedRealtimeResponse(gone, begin, cancelled)

    def _follow(self, event: dict[str, Json]) -> None:
        item = object_of(event.get("item"))
        id = text_of(item.get("id"))
        if event.get("type") == ADDED and id is not None:
            self._conversation.insert(item, text_of(event.get("previous_item_id")))
            self._announced.add(id)
            self._incomplete.add(id)
        elif event.get("type") == DONE and id in self._incomplete:
            self._conversation.complete(item)
            self._incomplete.discard(id)

    def _remember(self, output: Sequence[dict[str, Json]]) -> None:
        """Store the items of a response that has ended. One that the client has deleted meanwhile is not stored."""
        for item in output if self._in_conversation else ():
            id = text_of(item.get("id"))
            if id in self._announced:
                self._conversation.complete(item)
            elif id is not None:
                self._conversation.insert(item)

    def _final_output(self, messages: Sequence[bytes]) -> Sequence[dict[str, Json]]:
        """Return the items of a response that was sent to its end: those of its last event. Where an error or a fault
        has cut it, these are the items as far as they were sent."""
        last = read_object(messages[-1]) if messages else {}
        if last.get("type") == "response.done" and not self._incomplete:
            return list(objects(object_of(last.get("response")).get("output")))
        return sent_output([read_object(payload) for payload in messages])
