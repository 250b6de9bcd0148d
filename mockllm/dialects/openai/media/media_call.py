"""The common part of OpenAI's calls for media."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Hashable, Iterable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.encoder import Event
from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, Payload
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.errors import error_object


class MediaEventLayout(EventLayout):
    """Where the events of images, speech and transcripts have a usage and a text."""

    def usage(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "usage") if "usage" in payload else None

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta") if type(payload.get("delta")) is str else None


MEDIA_LAYOUT: Final = MediaEventLayout()


class MediaCall(OpenAiCall):
    """The base of calls for media."""

    capabilities = ProtocolCapabilities(
        conversation=False,
        tool_choice=False,
        stop=False,
        choices=False,
        json_object=False,
        refusal=False,
        unsupported_parts=frozenset({"citations", "thinking", "tool_calls"}),
        media=frozenset({"audio", "video"}),
    )

    def event_layout(self, request: Request) -> EventLayout:
        return MEDIA_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        return value_or_digest(request.raw)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        raise NotImplementedError  # pragma: no cover - `from_neutral_request=False`: no `NeutralRequest` is for media

    def decode(self, plan: Plan) -> DecodedResponse | None:
        """Read the text of a transcript, the revised prompt of images, and errors."""
        decoder = ResponseDecoder(plan)
        for payload in payloads(plan):
            match payload:
                case {"error": dict(error)}:
                    decoder.recognized, decoder.error = True, error
                case {"type": "transcript.text.delta", "delta": str(text)}:
                    decoder.recognized = True
                    decoder.add_text("text", text)
                case {"text": str(text)} if "type" not in payload:
                    decoder.recognized = True
                    decoder.add_text("text", text)
                case {"created": int(), "data": [{"revised_prompt": str(text)}, *_]}:
                    decoder.recognized = True
                    decoder.add_text("text", text)
                case {"created": int()} | {"type": str()}:
                    decoder.recognized = True
        return decoder.result()


def error_event(failure: Failure, request: Request, identity: ResponseIdentity) -> Iterable[Event]:
    """Return the event of an error in a stream."""
    return ((dumps({"error": error_object(failure, request, identity)}), None),)


def base64_of(data: bytes) -> str:
    return b64encode(data).decode()


def own_extras(reply: Reply) -> dict[str, Json]:
    """Return the members that the scenario adds."""
    return dict(reply.extras.get("openai", {}))
