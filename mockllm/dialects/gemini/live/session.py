"""The state of one Live WebSocket: the setup, the conversation, the audio, and the running turn of the model.

The rules read a transcript in place of audio: the body of the rule for the api `transcription`. The server finds
sound and silence in the audio itself (`VoiceDetector`), unless the client sends the activity or a script says when
the user speaks. Sources: `dialect.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.randomness import HEX, Ids
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.rendering.websocket_session import (
    MAX_CONVERSATION,
    NOTHING_TO_DO,
    SERVE_OTHERS,
    ChangeStoredObjects,
    CloseWebSocket,
    PlayedSeconds,
    SendMessages,
    ServeOthers,
    StartResponse,
    StopResponse,
    WebSocketAction,
    message_plan,
    nothing_played,
    timed_messages,
)
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.core.user_speech import UserSpeech
from mockllm.dialects.audio import VoiceDetector, decode_in_slices, transcript_member
from mockllm.dialects.gemini.camel_case import camel_case_fields
from mockllm.dialects.gemini.generate_request import list_of
from mockllm.dialects.gemini.live.dialect import MALFORMED, model_turn, read_messages, stored_contents
from mockllm.dialects.gemini.live.setup import LiveSettings, LiveSetupRequest, read_settings, resumption

SETUP: Final = "setup"
TURN: Final = "turn"
TRANSCRIBE: Final = "transcription"
MAX_CONTENTS: Final = 2000
"""The contents of a conversation; the oldest are evicted first."""
INVALID: Final = "Request contains an invalid argument."
ALREADY_SET: Final = "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set '{}'"
"""What Google's parser says of a message with two members, here of the second one."""
_RATE: Final = re.compile(r"rate=(\d{1,6})")
INPUT_RATE: Final = 16_000
"""Samples in a second of a client's audio that states no rate."""


class LiveSession:
    """See the module. Every method is pure but for the state of the session itself."""

    def __init__(self, ids: Ids, script: Sequence[UserSpeech] | None = None) -> None:
        self._ids, self._numbers = ids, 0
        self._setup: dict[str, Json] | None = None
        self._settings = LiveSettings()
        self._handle: str | None = None
        """The handle that resumes the session, after the present turn."""
        self._contents: list[Json] = []
        self._sizes: list[int] = []
        """The bytes of each content."""
        self._place = 0
        """Where the content of the running turn goes: behind those that it was made from."""
        self._detector = VoiceDetector(rate=INPUT_RATE, script=script)
        self._speech = False
        """Whether audio has come since the user's last turn."""
        self._active = False
        """Whether the setup or a turn of the model runs."""
        self._queued = False
        """Whether the model's next turn begins when the running one, or the setup, has ended."""
        self._events: Sequence[tuple[float, bytes]] = ()
        self._session = ""
        """The session of the server that has what the running turn stores."""
        self._calls: list[str] = []
        """The ids of the calls whose results have not come."""

    # --- the interface of WebSockets -------------------------------------------------------------

    def opening(self) -> Sequence[WebSocketAction]:
        return NOTHING_TO_DO

    def receive(
        self, message: str | bytes, now: float, played: PlayedSeconds = nothing_played
    ) -> Iterable[WebSocketAction]:
        try:
            data = message if isinstance(message, bytes) else message.encode("utf-8", "replace")
            fields = object_of(camel_case_fields(loads(data)))
        except JSONDecodeError:
            return (CloseWebSocket(MALFORMED, "Invalid JSON payload received."),)
        unknown = next((name for name in fields if name not in HANDLERS), None)
        if unknown is not None:
            reason = f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.'
            return (CloseWebSocket(MALFORMED, reason),)
        members = [(name, value) for name, value in fields.items() if value is not None]
        if len(members) > 1:
            return (CloseWebSocket(MALFORMED, ALREADY_SET.format(members[1][0])),)
        name, value = members[0] if members else ("", None)
        if (name == SETUP) == (self._setup is not None):
            return (CloseWebSocket(MALFORMED, "setup must be the first message and only the first."),)
        return HANDLERS[name](self, object_of(value)) if name else NOTHING_TO_DO

    def lookup(self, lookup: ObjectLookup) -> ObjectLookup:
        return lookup

    def messages(self, queue_name: str, request: Request, plan: Plan) -> Plan:
        """Return the messages of a turn, of a setup, or of a transcription."""
        if queue_name == TRANSCRIBE:
            return self._transcribed(plan)
        plan = message_plan(plan, Framing.WEBSOCKET_BINARY)
        if isinstance(request, LiveSetupRequest):
            self._insert(0, request.restored or ())
            return plan
        self._events, self._session = timed_messages(plan), request.session or ""
        if self._settings.output_transcripts:
            return plan
        steps = [
            step
            for step in plan.steps
            if not (isinstance(step, EventStep) and b'"outputTranscription"' in step.payload)
        ]
        return Plan(plan.head, steps, plan.framing, plan.delay, plan.delivery)

    def ended(self, queue_name: str, sent: float | None) -> Sequence[WebSocketAction]:
        if queue_name == TRANSCRIBE:
            return self._generate()
        self._active = False
        actions = [] if queue_name == SETUP else self._end_of_turn(sent)
        queued, self._queued = self._queued, False
        return [*actions, *self._generate()] if queued else actions

    def _end_of_turn(self, sent: float | None) -> list[WebSocketAction]:
        """Add the turn, as far as it was sent, to the conversation. `sent`: see `ended`."""
        events, self._events = self._events, ()
        sent_messages = read_messages(payload for at, payload in events if sent is None or at <= sent)
        turn = model_turn(sent_messages)
        self._insert(self._place, turn)
        self._calls = [
            str(call["id"])
            for message in sent_messages
            for call in list_of(object_of(message.get("toolCall")).get("functionCalls"))
        ]
        actions: list[WebSocketAction] = []
        if sent is not None:
            if self._handle is not None:
                update = stored_contents(self._handle, self._contents[: self._place + len(turn)])
                actions.append(ChangeStoredObjects(self._session, update))
            actions.append(self._send({"serverContent": {"interrupted": True}}))
            actions.append(self._send({"serverContent": {"turnComplete": True}}))
        if self._handle is not None:
            actions.append(self._send(resumption(self._handle)))
        return actions

    # --- the messages of the client --------------------------------------------------------------

    def set_up(self, setup: dict[str, Json]) -> Sequence[WebSocketAction]:
        self._setup, self._active = setup, True
        self._settings = read_settings(setup)
        self._detector.silence_ms = self._settings.silence_ms
        if self._settings.resumable:
            self._handle = self._new_handle()
        body = {**setup, "live": {"handle": self._handle}}
        return (StartResponse(SETUP, dumps(body), SETUP),)

    def add_content(self, content: dict[str, Json]) -> Sequence[WebSocketAction]:
        """Add turns; the client's content interrupts the model."""
        self._add(*map(_without_data, list_of(content.get("turns"))))
        actions = self._interrupt()
        if content.get("turnComplete") is not True:
            return actions
        return [*actions, *self._generate()]

    def process(self, media: dict[str, Json]) -> Iterator[WebSocketAction]:
        """Take realtime input: a text, audio, an image, or the user's activity."""
        actions: list[WebSocketAction] = []
        if media.get("activityStart") is not None:
            self._speech = True
            actions += self._barge_in()
        blobs = [object_of(blob) for blob in (*list_of(media.get("mediaChunks")), media.get("audio"))]
        for blob in filter(None, (*blobs, object_of(media.get("video")))):
            mime = str(blob.get("mimeType"))
            actions += (
                (yield from self._audio(blob, mime)) if mime.startswith("audio/") else self._image(mime)
            )
            yield SERVE_OTHERS
        text = media.get("text")
        if type(text) is str:
            self._add({"role": "user", "parts": [{"text": text}]})
            actions += [*self._barge_in(), *self._generate()]
        ends = media.get("audioStreamEnd") is True and self._detector.speaking
        if ends or media.get("activityEnd") is not None:
            actions += self._end_of_speech()
        yield from actions

    def answer_calls(self, response: dict[str, Json]) -> Sequence[WebSocketAction]:
        """Add the results of calls; the model continues when it has those of all calls."""
        results = [object_of(result) for result in list_of(response.get("functionResponses"))]
        words = [result.get(name) for result in results for name in ("id", "scheduling")]
        if not all(word is None or type(word) is str for word in words):
            return (CloseWebSocket(MALFORMED, INVALID),)
        self._add({"role": "user", "parts": [{"functionResponse": result} for result in results]})
        finished = {result.get("id") for result in results}
        self._calls = [id for id in self._calls if id not in finished]
        scheduling = {result.get("scheduling") for result in results}
        if self._calls or scheduling == {"SILENT"}:
            return NOTHING_TO_DO
        if self._active and "INTERRUPT" not in scheduling:
            self._queued = True
            return NOTHING_TO_DO
        return [*self._interrupt(), *self._generate()]

    # --- speech ------------------------------------------------------------------------------------

    def _audio(
        self, blob: dict[str, Json], mime: str
    ) -> Generator[ServeOthers, None, Sequence[WebSocketAction]]:
        text = blob.get("data")
        # protobuf reads base64 in both alphabets; google-genai writes the one for addresses
        data = yield from decode_in_slices(
            text.replace("-", "+").replace("_", "/") if type(text) is str else text
        )
        if data is None:
            return (CloseWebSocket(MALFORMED, INVALID),)
        rate = _RATE.search(mime)
        self._detector.rate = int(rate[1]) if rate else INPUT_RATE
        self._speech = True
        return (yield from self._detector.react_in_slices(data, self._react))

    def _react(self, change: str, at: int) -> Sequence[WebSocketAction]:
        if not self._settings.automatic:
            return NOTHING_TO_DO
        if change == "started":
            self._speech = True
            return self._barge_in()
        return self._end_of_speech()

    def _image(self, mime: str) -> Sequence[WebSocketAction]:
        self._add({"role": "user", "parts": [{"inlineData": {"mimeType": mime, "data": ""}}]})
        return NOTHING_TO_DO

    def _end_of_speech(self) -> Sequence[WebSocketAction]:
        """Request the transcript of the audio that has come."""
        if not self._speech:
            return NOTHING_TO_DO
        self._speech = False
        assert self._setup is not None
        transcript = transcript_member(self._detector)
        self._detector.clear()
        body: dict[str, Json] = {"model": self._setup.get("model"), "contents": [], "live": transcript}
        return (StartResponse(TRANSCRIBE, dumps(body), TRANSCRIBE),)

    def _transcribed(self, plan: Plan) -> Plan:
        """Add the transcript to the conversation. Return the message that has it, if the client requests it. The
        protocol has no message for a transcript that failed."""
        failed = plan.head.status >= 400
        text = "" if failed else sent_bytes(plan).decode("utf-8", "replace")
        parts: list[Json] = [{"inlineData": {"mimeType": "audio/pcm", "data": ""}}]
        self._add({"role": "user", "parts": [*parts, {"text": text}] if text else parts})
        steps: tuple[EventStep, ...] = ()
        if self._settings.input_transcripts and not failed:
            message = {"serverContent": {"inputTranscription": {"text": text}}}
            steps = (EventStep(dumps(message), 0, "body"),)
        return Plan(plan.head, steps, Framing.WEBSOCKET_BINARY, plan.delay)

    # --- turns -------------------------------------------------------------------------------------

    def _barge_in(self) -> Sequence[WebSocketAction]:
        return self._interrupt() if self._settings.interrupts else NOTHING_TO_DO

    def _interrupt(self) -> list[WebSocketAction]:
        """End the model's turn, and cancel the calls that it waits for."""
        actions: list[WebSocketAction] = [StopResponse(TURN)] if self._active else []
        if self._calls:
            actions.append(self._send({"toolCallCancellation": {"ids": self._calls}}))
            self._calls = []
        return actions

    def _generate(self) -> Sequence[WebSocketAction]:
        """Request the model's next turn; after the running one or the setup, if one runs."""
        if self._active:
            self._queued = True
            return NOTHING_TO_DO
        self._active, self._place = True, len(self._contents)
        if self._handle is not None:
            self._handle = self._new_handle()
        assert self._setup is not None
        known = ("model", "systemInstruction", "tools", "toolConfig", "generationConfig")
        setup = {name: self._setup[name] for name in known if name in self._setup}
        body = {**setup, "contents": self._contents, "live": {"handle": self._handle}}
        return (StartResponse(TURN, dumps(body), TURN),)

    def _add(self, *contents: Json) -> None:
        self._insert(len(self._contents), contents)

    def _insert(self, place: int, contents: Sequence[Json]) -> None:
        self._contents[place:place] = contents
        self._sizes[place:place] = [len(dumps(content)) for content in contents]
        size, dropped = sum(self._sizes), 0
        while len(self._sizes) - dropped > MAX_CONTENTS or (
            size > MAX_CONVERSATION and len(self._sizes) - dropped > 1
        ):
            size -= self._sizes[dropped]
            dropped += 1
        del self._contents[:dropped], self._sizes[:dropped]
        self._place = max(self._place - dropped, 0)

    def _new_handle(self) -> str:
        self._numbers += 1
        return self._ids.make("live_", 32, str(self._numbers), HEX)

    def _send(self, message: dict[str, Json]) -> SendMessages:
        return SendMessages((dumps(message),), binary=True)


LiveHandler = Callable[[LiveSession, dict[str, Json]], Iterable[WebSocketAction]]
HANDLERS: Final[dict[str, LiveHandler]] = {
    SETUP: LiveSession.set_up,
    "clientContent": LiveSession.add_content,
    "realtimeInput": LiveSession.process,
    "toolResponse": LiveSession.answer_calls,
}


def _without_data(content: Json) -> Json:
    """Return a content without the bytes of its media, which no rule reads."""
    parts: list[Json] = []
    for part in list_of(object_of(content).get("parts")):
        blob = object_of(part).get("inlineData")
        parts.append({**part, "inlineData": {**blob, "data": ""}} if type(blob) is dict else part)
    return {**object_of(content), "parts": parts}
