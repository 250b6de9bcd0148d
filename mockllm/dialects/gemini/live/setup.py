"""The start of a Live session: the handshake, the setup message and what it selects, and transcripts of audio.

Source: google-genai's `types.LiveClientSetup` and the messages of live sessions that `dialect.py` names. An unknown
handle closes the WebSocket with 1008 and `Requested entity was not found.`, as recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import (
    DEFAULT_DELIVERY,
    SWITCHING_PROTOCOLS,
    EventStep,
    Framing,
    Plan,
    ResponseHead,
)
from mockllm.core.rendering.websocket_session import WebSocketSession
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.core.user_speech import UserSpeech
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall, VoiceDialect
from mockllm.dialects.gemini.generate_check import GeminiDialect
from mockllm.dialects.gemini.generate_request import GeminiRequest, list_of
from mockllm.dialects.gemini.live.dialect import LiveRequest, closing_plan, stored_contents
from mockllm.dialects.gemini.validators import integer_of


class LiveSettings(NamedTuple):
    """The values of a setup for the session itself."""

    automatic: bool = True
    """Whether the server finds speech in the audio."""
    silence_ms: int = 500
    interrupts: bool = True
    """Whether activity of the user ends the model's turn."""
    input_transcripts: bool = False
    output_transcripts: bool = False
    resumable: bool = False


def read_settings(setup: dict[str, Json]) -> LiveSettings:
    """Return the settings of a setup in camelCase."""
    realtime = object_of(setup.get("realtimeInputConfig"))
    detection = object_of(realtime.get("automaticActivityDetection"))
    quiet = integer_of(detection.get("silenceDurationMs"))
    return LiveSettings(
        automatic=detection.get("disabled") is not True,
        silence_ms=500 if quiet is None or quiet < 1 else quiet,
        interrupts=realtime.get("activityHandling") != "NO_INTERRUPTION",
        input_transcripts=setup.get("inputAudioTranscription") is not None,
        output_transcripts=setup.get("outputAudioTranscription") is not None,
        resumable=setup.get("sessionResumption") is not None,
    )


class LiveHandshakeRequest(GeminiRequest):
    api = "handshake"

    @cached_property
    def vertex(self) -> bool:
        return "google.cloud.aiplatform" in self.path


class LiveLookup(UncheckedCall, GeminiDialect):
    """The base of the calls whose responses no reply makes."""


class LiveHandshake(LiveLookup, VoiceDialect):
    """The handshake. A rule that names its path or api may refuse it with `http` or `error`, or say when the user
    speaks."""

    api: str = "handshake"
    request_class: type[Request] = LiveHandshakeRequest

    def __init__(
        self, session: Callable[[ResponseIdentity, Sequence[UserSpeech] | None], WebSocketSession]
    ) -> None:
        """`session` makes the session of the WebSocket."""
        self._session = session

    def open_voice_session(
        self, speeches: Sequence[UserSpeech] | None, request: Request, identity: ResponseIdentity
    ) -> Plan:
        """Return the response of a session whose user speaks so. None: the received audio decides."""
        session = self._session
        opened = replace(DEFAULT_DELIVERY, websocket_factory=lambda: session(identity, speeches))
        return Plan(ResponseHead(SWITCHING_PROTOCOLS, ()), (), delivery=opened)


class LiveSetupRequest(LiveRequest):
    """The setup message; its member `live` has the handle for the next resumption."""

    api = "live_setup"
    generates = False

    @cached_property
    def resumed(self) -> str | None:
        """The handle of the session that continues."""
        handle = object_of(self.message.get("sessionResumption")).get("handle")
        return handle if type(handle) is str and handle else None

    @cached_property
    def restored(self) -> list[Json] | None:
        """The conversation of that session; None where there is none."""
        stored = None if self.resumed is None else self.object_lookup.stored(self.resumed)
        return None if stored is None else list_of(object_of(loads(stored.request_body)).get("contents"))


class LiveSetup(LiveLookup):
    """A setup message. A rule that names its api may close the WebSocket with `error`."""

    api: str = "live_setup"
    request_class: type[Request] = LiveSetupRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, LiveSetupRequest)
        return None if request.model is not None else Failure("bad_request", message="model is required.")

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return closing_plan(failure, request)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, LiveSetupRequest)
        if request.resumed is not None and request.restored is None:
            return Failure(
                "not_found", note="a handle exists when a session with `sessionResumption` has sent it"
            )
        messages: list[dict[str, Json]] = [{"setupComplete": {}}]
        if request.settings.get("handle") is not None:
            messages.append(resumption(request.settings["handle"]))
        steps = tuple(EventStep(dumps(message), 0, "body") for message in messages)
        return Plan(ResponseHead(200, ()), steps, Framing.WEBSOCKET_BINARY)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, LiveSetupRequest)
        handle = request.settings.get("handle")
        return stored_contents(handle, request.restored or []) if type(handle) is str else None


def resumption(handle: Json) -> dict[str, Json]:
    """Return the message that names the handle of a session."""
    return {"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}}


class LiveTranscriptionRequest(LiveRequest):
    api = "transcription"
    generates = False
    evaluates = True


class LiveTranscription(LiveLookup):
    """The transcript of audio: the body of the `http` of a rule that names the api, or the words of the script."""

    api: str = "transcription"
    request_class: type[Request] = LiveTranscriptionRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, LiveTranscriptionRequest)
        transcript = request.settings.get("transcript")
        body = transcript.encode() if type(transcript) is str else b""
        return Plan(ResponseHead(200, ()), (EventStep(body, 0, "body"),))
