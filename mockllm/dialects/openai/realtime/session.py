"""The state of one realtime WebSocket: the session's settings, the conversation, the audio, and the running response.

The rules read a transcript in place of audio: that of the item, or the body of the rule for the api
`transcription`. Server VAD finds sound and silence in the audio itself (`audio.VoiceDetector`), or a script of the
scenario says when the user speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import count_of, object_of, objects, text_of
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.rendering.websocket_session import (
    NOTHING_TO_DO,
    PlayedSeconds,
    SendMessages,
    StartResponse,
    StopResponse,
    WebSocketAction,
    message_plan,
    nothing_played,
)
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.core.user_speech import UserSpeech
from mockllm.dialects.audio import BYTES_PER_MS, VoiceDetector, transcript_member
from mockllm.dialects.openai.realtime.client_events import (
    EventError,
    item_error,
    read_audio,
    read_event,
)
from mockllm.dialects.openai.realtime.conversation import RealtimeConversation, user_audio_item
from mockllm.dialects.openai.realtime.rate_limits import with_rate_limits
from mockllm.dialects.openai.realtime.running_response import (
    CLIENT_CANCELLED,
    INTERRUPTED,
    RunningResponse,
)
from mockllm.dialects.openai.realtime.settings import (
    TRANSCRIPTION,
    idle_timeout,
    merged,
    modalities_error,
    new_session,
    response_body,
    set_detector,
    update_error,
)
from mockllm.dialects.openai.realtime.speech import playback_ms
from mockllm.dialects.openai.realtime.transcripts import transcript_of, transcript_steps

DEFAULT_REALTIME_MODEL: Final = "gpt-realtime"
RESPONSE: Final = "response.create"
TRANSCRIBE: Final = "transcription"
MIN_COMMIT_MS: Final = 100


class RealtimeSession:
    """See the module. Every method is pure but for the state of the session itself."""

    def __init__(
        self,
        ids: Ids,
        model: str,
        second: int,
        type: str = "realtime",
        script: Sequence[UserSpeech] | None = None,
    ) -> None:
        self._ids = ids
        self._numbers = 0
        self._second = second
        self._session = new_session(ids.make("sess_", 21), model, second, type)
        self._conversation_id = ids.make("conv_", 21)
        self._conversation = RealtimeConversation()
        self._detector = VoiceDetector(script=script)
        self._buffered = 0
        """Milliseconds of audio since the last commit."""
        self._speech_item: str | None = None
        """The item that the present speech becomes."""
        self._untranscribed = 0
        """The number of items whose transcripts are requested and have not ended."""
        self._wanted: dict[str, Json] | None = None
        """The settings of a response that waits for all transcripts."""
        self._running = RunningResponse(self._conversation)

    def opening(self) -> Sequence[WebSocketAction]:
        return (self._send("session.created", {"session": self._session}),)

    def receive(
        self, message: str | bytes, now: float, played: PlayedSeconds = nothing_played
    ) -> Iterable[WebSocketAction]:
        self._running.advance(played(RESPONSE))
        kind, event, error = read_event(message, HANDLERS)
        if error is not None:
            return (self._error(event, *error),)
        return HANDLERS[kind](self, event)

    def lookup(self, lookup: ObjectLookup) -> ObjectLookup:
        return lookup

    def messages(self, queue_name: str, request: Request, plan: Plan) -> Plan:
        """Return the messages of a response; those of a transcription are its events."""
        if queue_name != TRANSCRIBE:
            plan = with_rate_limits(message_plan(plan), self._payload)
            self._running.begin(plan)
            return plan
        item = self._conversation.find(request.fields.get("item_id"))
        steps: Iterable[EventStep] = ()
        if item is not None:
            transcript = transcript_of(plan)
            if transcript is not None:
                item["content"] = [{"type": "input_audio", "transcript": transcript}]
            if self._input.get("transcription") is not None:
                steps = transcript_steps(plan, item["id"], self._payload, by_word=self._transcribes_only)
        return Plan(plan.head, tuple(steps), Framing.WEBSOCKET, plan.delay)

    def ended(self, queue_name: str, sent: float | None) -> Sequence[WebSocketAction]:
        if queue_name == TRANSCRIBE:
            self._untranscribed -= 1
            if self._wanted is None or self._untranscribed:
                return NOTHING_TO_DO
            wanted, self._wanted = self._wanted, None
            return (self._busy({}),) if self._running.active else self._start(wanted)
        interrupted = sent is not None and self._running.stop_reason == INTERRUPTED
        ended = self._running.end(sent)
        self._expect_user(ended.sent, interrupted=interrupted)
        if ended.cancelled is None:
            return NOTHING_TO_DO
        done = self._payload("response.done", {"response": ended.cancelled})
        return (SendMessages((*ended.begin, done)),)  # with its begin the client learns what it has cancelled

    def update_session(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        changes = object_of(event.get("session"))
        error = update_error(event, self._session["type"])
        if error is not None:
            return (self._error(event, *error),)
        if changes.get("type") == TRANSCRIPTION and not self._transcribes_only:
            self._session = new_session(self._session["id"], "", self._second, TRANSCRIPTION)
            self._wanted = None
        self._session = merged(self._session, {name: changes[name] for name in changes if name != "id"})
        self._detector.format = self._format("input")
        set_detector(self._detector, object_of(self._input.get("turn_detection")))
        return (self._send("session.updated", {"session": self._session}),)

    def append_audio(self, event: dict[str, Json]) -> Iterator[WebSocketAction]:
        audio = yield from read_audio(event.get("audio"))
        if isinstance(audio, EventError):
            yield self._error(event, *audio)
            return
        self._buffered += len(audio) // BYTES_PER_MS[self._detector.format]
        yield from (yield from self._detector.react_in_slices(audio, self._react))

    def _react(self, change: str, at: int) -> Sequence[WebSocketAction]:
        detection = self._input.get("turn_detection")
        return REACTIONS[change](self, at, detection) if type(detection) is dict else NOTHING_TO_DO

    def commit_audio(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        if self._buffered < MIN_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {self._buffered}.00ms of audio."
            )
            return (self._error(event, message, "input_audio_buffer_commit_empty"),)
        return self._commit(self._new_id("item_"))

    def clear_audio(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        self._buffered, self._speech_item = 0, None
        self._detector.clear()
        return (self._send("input_audio_buffer.cleared", {}),)

    def create_item(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        item, before = object_of(event.get("item")), text_of(event.get("previous_item_id"))
        conversation = self._conversation
        error = item_error(item) or conversation.id_error(item.get("id")) or conversation.place_error(before)
        if error is not None:
            return (self._error(event, *error),)
        id = text_of(item.get("id")) or self._new_id("item_")
        item = {"id": id, "object": "realtime.item", "status": "completed", **item} | {"id": id}
        previous = conversation.insert(item, before)
        return tuple(
            self._send(name, {"previous_item_id": previous, "item": item})
            for name in ("conversation.item.added", "conversation.item.done")
        )

    def retrieve_item(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        item = self._conversation.find(event.get("item_id"))
        return (
            self._missing(event)
            if item is None
            else (self._send("conversation.item.retrieved", {"item": item}),)
        )

    def delete_item(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        item = self._conversation.remove(event.get("item_id"))
        if item is None:
            return self._missing(event)
        return (self._send("conversation.item.deleted", {"item_id": item["id"]}),)

    def truncate_item(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        """Shorten the transcript of an item to the part that was played."""
        end = count_of(event.get("audio_end_ms")) or 0
        item = self._conversation.truncate(event.get("item_id"), end)
        if item is None:
            return self._missing(event)
        members = {"item_id": item["id"], "content_index": 0, "audio_end_ms": end}
        return (self._send("conversation.item.truncated", members),)

    @property
    def _transcribes_only(self) -> bool:
        """Whether the session has transcripts and no responses."""
        return bool(self._session["type"] == TRANSCRIPTION)

    def create_response(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        if self._transcribes_only:
            message = "Invalid value: 'response.create'. A transcription session has no responses."
            return (self._error(event, message, "invalid_value", "type"),)
        if self._running.active or self._wanted is not None:
            return (self._busy(event),)
        settings = object_of(event.get("response"))
        error = modalities_error(settings, "response")
        if error is not None:
            return (self._error(event, *error),)
        if self._untranscribed:
            self._wanted = settings
            return NOTHING_TO_DO
        return self._start(settings)

    def cancel_response(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        if not self._running.active:
            message = "Cancellation failed: no active response found"
            return (self._error(event, message, "response_cancel_not_active"),)
        self._running.stop_reason = CLIENT_CANCELLED
        return (StopResponse(RESPONSE),)

    def clear_output(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        return (self._send("output_audio_buffer.cleared", {"response_id": ""}),)

    def _speech_started(self, at: int, detection: dict[str, Json]) -> list[WebSocketAction]:
        self._speech_item = self._new_id("item_")
        actions: list[WebSocketAction] = [
            self._send(
                "input_audio_buffer.speech_started", {"audio_start_ms": at, "item_id": self._speech_item}
            )
        ]
        if self._running.active and detection.get("interrupt_response") is not False:
            self._running.stop_reason = INTERRUPTED
            actions.append(StopResponse(RESPONSE))
        return actions

    def _speech_ended(self, at: int, detection: dict[str, Json]) -> list[WebSocketAction]:
        item = self._speech_item or self._new_id("item_")
        self._speech_item = None
        stopped = self._send("input_audio_buffer.speech_stopped", {"audio_end_ms": at, "item_id": item})
        if detection.get("create_response") is not False and not self._transcribes_only:
            self._wanted = {}
        return [stopped, *self._commit(item)]

    def _expect_user(self, sent: Sequence[bytes], *, interrupted: bool) -> None:
        """Set when a silent user is idle: the timeout runs from the end of the playback of the messages."""
        timeout = idle_timeout(object_of(self._input.get("turn_detection")))
        busy = interrupted or self._detector.speaking or self._untranscribed > 0
        if timeout is not None and not busy:
            played = playback_ms(sent, self._format("output"))
            self._detector.idle_at = self._detector.processed_ms + played + timeout

    def _idle(self, at: int, detection: dict[str, Json]) -> list[WebSocketAction]:
        """Commit the silent audio, and request a response to it."""
        item = self._new_id("item_")
        self._wanted = None if self._transcribes_only else {}
        times = {"audio_start_ms": at - (idle_timeout(detection) or 0), "audio_end_ms": at}
        triggered = self._send("input_audio_buffer.timeout_triggered", {**times, "item_id": item})
        return [triggered, *self._commit(item, {"transcript": ""})]

    def _commit(self, id: str, words: dict[str, str] | None = None) -> Sequence[WebSocketAction]:
        """Make the buffered audio an item of the user, and request its transcript."""
        self._buffered = 0
        item = user_audio_item(id)
        previous = self._conversation.insert(item)
        members: dict[str, Json] = {"previous_item_id": previous, "item": item}
        self._untranscribed += 1
        model = self._session.get("model") or object_of(self._input.get("transcription")).get("model")
        body = {"model": model, "item_id": id, **(words or transcript_member(self._detector))}
        return (
            self._send("input_audio_buffer.committed", {"previous_item_id": previous, "item_id": id}),
            self._send("conversation.item.added", members),
            self._send("conversation.item.done", members),
            StartResponse(TRANSCRIBE, dumps(body), TRANSCRIBE),
        )

    def _start(self, settings: dict[str, Json]) -> Sequence[WebSocketAction]:
        """Request a response to the conversation, or to the items of the request."""
        in_conversation = settings.get("conversation") != "none"
        self._running.request(in_conversation=in_conversation)
        self._detector.idle_at = None
        own = settings.get("input")
        items = objects(own) if type(own) is list else self._conversation.items
        body = response_body(settings, self._session, items)
        body["realtime"] |= {
            "conversation_id": self._conversation_id if in_conversation else None,
            "previous_item_id": self._conversation.last,
            "format": self._format("output"),
        }
        return (StartResponse(RESPONSE, dumps(body), RESPONSE),)

    @property
    def _input(self) -> dict[str, Json]:
        return object_of(object_of(self._session.get("audio")).get("input"))

    def _format(self, side: str) -> str:
        format = object_of(object_of(object_of(self._session.get("audio")).get(side)).get("format")).get(
            "type"
        )
        return format if format in BYTES_PER_MS else "audio/pcm"

    def _new_id(self, prefix: str) -> str:
        self._numbers += 1
        return self._ids.make(prefix, 21, str(self._numbers))

    def _payload(self, name: str, members: dict[str, Json]) -> bytes:
        return dumps({"type": name, "event_id": self._new_id("event_"), **members})

    def _send(self, name: str, members: dict[str, Json]) -> SendMessages:
        return SendMessages((self._payload(name, members),))

    def _missing(self, event: dict[str, Json]) -> Sequence[WebSocketAction]:
        message = f"Item with item_id '{event.get('item_id')}' not found."
        return (self._error(event, message, "item_not_found", "item_id"),)

    def _busy(self, event: dict[str, Json]) -> SendMessages:
        message = "Conversation already has an active response in progress. Wait until it is finished."
        return self._error(event, message, "conversation_already_has_active_response")

    def _error(
        self, event: dict[str, Json], message: str, code: str, param: str | None = None
    ) -> SendMessages:
        error = {
            "type": "invalid_request_error",
            "code": code,
            "message": message,
            "param": param,
            "event_id": event.get("event_id"),
        }
        return self._send("error", {"error": error})


Reaction = Callable[[RealtimeSession, int, dict[str, Json]], list[WebSocketAction]]
REACTIONS: Final[dict[str, Reaction]] = {
    "started": RealtimeSession._speech_started,
    "stopped": RealtimeSession._speech_ended,
    "idle": RealtimeSession._idle,
}
"""What follows from where the user speaks."""
RealtimeHandler = Callable[[RealtimeSession, dict[str, Json]], Iterable[WebSocketAction]]
HANDLERS: Final[dict[str, RealtimeHandler]] = {
    "session.update": RealtimeSession.update_session,
    "input_audio_buffer.append": RealtimeSession.append_audio,
    "input_audio_buffer.commit": RealtimeSession.commit_audio,
    "input_audio_buffer.clear": RealtimeSession.clear_audio,
    "conversation.item.create": RealtimeSession.create_item,
    "conversation.item.retrieve": RealtimeSession.retrieve_item,
    "conversation.item.delete": RealtimeSession.delete_item,
    "conversation.item.truncate": RealtimeSession.truncate_item,
    "response.create": RealtimeSession.create_response,
    "response.cancel": RealtimeSession.cancel_response,
    "output_audio_buffer.clear": RealtimeSession.clear_output,
}
