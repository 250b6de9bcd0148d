"""The common part of Mistral's calls for audio: their events, and what a client reads of their responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.encoder import Encoder, Event, encode
from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, Payload
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.media.media_call import MediaEventLayout
from mockllm.dialects.vendors.errors import VendorCall, error_body, head
from mockllm.dialects.vendors.vendor import Vendor

DELTA: Final = "transcription.text.delta"


def audio_event(name: str, members: Mapping[str, Json]) -> Event:
    """Return an event; its type is its name, too."""
    return dumps({**members, "type": name}), name


class MistralAudioEncoder(Encoder):
    """The base of the encoders of streams."""

    def __init__(self, reply: Reply, request: Request, identity: ResponseIdentity, vendor: Vendor) -> None:
        super().__init__(reply)
        self._request, self._identity, self._vendor = request, identity, vendor

    def error_events(self, failure: Failure) -> Iterable[Event]:
        body = error_body(self._vendor, failure, self._request, self._identity)
        return ((dumps(body), self._vendor.errors.event),)


class MistralAudioLayout(MediaEventLayout):
    """Where an event of a transcript has its text."""

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "text") if payload.get("type") == DELTA else None


LAYOUT: Final = MistralAudioLayout()


class MistralAudioCall(VendorCall):
    """The base of the calls."""

    def body_plan(self, body: Json, identity: ResponseIdentity) -> Plan:
        return Plan(head(self.vendor, identity, "application/json"), (EventStep(dumps(body), 0, "body"),))

    def stream_plan(self, encoder: Encoder, identity: ResponseIdentity) -> Plan:
        stream_head = head(self.vendor, identity, self.vendor.form.media)
        return Plan(stream_head, tuple(encode(encoder)), Framing.SSE)

    def event_layout(self, request: Request) -> EventLayout:
        return LAYOUT

    def decode(self, plan: Plan) -> DecodedResponse | None:
        """Read the text of a transcript, and errors."""
        decoder = ResponseDecoder(plan)
        for payload in payloads(plan):
            match payload:
                case {"type": "transcription.text.delta", "text": str(text)}:
                    decoder.recognized = True
                    decoder.add_text("text", text)
                case {"text": str(text)} if "type" not in payload:
                    decoder.recognized = True
                    decoder.add_text("text", text)
                case {"message": str()} | {"detail": str()}:
                    decoder.recognized, decoder.error = True, payload
                case {"type": str()} | {"audio_data": str()}:
                    decoder.recognized = True
        return decoder.result()
