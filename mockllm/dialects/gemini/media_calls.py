"""Imagen's `predict` and Veo's `predictLongRunning` with its operations.

Forms: `_GenerateImagesResponse_from_vertex`, `_GenerateVideosOperation_from_vertex` and `Operations` of google-genai
3.4, which has both calls for Vertex AI alone; Gemini's API has them for other clients. No recording was at hand: the
names of operations, `@type` and the form of Gemini's operations are inferred from the API's reference.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Hashable, Iterator
from typing import ClassVar, Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import decoded, object_of, text_of
from mockllm.core.media.images import IMAGE_TYPES, ImageSize, make_image
from mockllm.core.media.video import VIDEO_TYPE, make_video
from mockllm.core.randomness import HEX
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import BackgroundRun, EventStep, Framing, Plan, ResponseHead, WaitStep
from mockllm.core.reply.reply import Media, Reply
from mockllm.core.request.messages import Message, TextPart
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import server_url
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject, Timeline, state_seconds
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.background import timeline_of
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.gemini.errors import error_object
from mockllm.dialects.gemini.generate_check import GeminiDialect, check_readable
from mockllm.dialects.gemini.generate_request import GeminiRequest, list_of
from mockllm.dialects.gemini.media_output import image_size
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan
from mockllm.dialects.gemini.validators import integer_of
from mockllm.dialects.gemini.wire_format import JSON, indented
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.stored_objects import ObjectCall, ObjectRequest

MAX_IMAGES: Final = 8
DEFAULT_SECONDS: Final = 8
MAX_SECONDS: Final = 60
RUNNING: Final = "running"
DONE: Final = "done"
CONTENT: Final = "content"
DEFAULT_QUEUED: Final = 0.2
DEFAULT_IN_PROGRESS: Final = 0.5
"""Seconds until an operation runs and is done, where no scenario sets them."""
OPERATIONS: Final = "operations/"


class PredictRequest(GeminiRequest):
    """A request whose prompt is in its first instance."""

    makes_media = True
    family: ClassVar[str] = ""

    @cached_property
    def model(self) -> str | None:
        return self.family + self.path_variables.get("variant", "")

    @cached_property
    def prompt(self) -> str:
        instance = object_of(next(iter(list_of(self.message.get("instances"))), None))
        prompt = instance.get("prompt")
        return prompt if type(prompt) is str else ""

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return (Message("user", (TextPart(self.prompt),)),)

    @cached_property
    def parameters(self) -> dict[str, Json]:
        return object_of(self.message.get("parameters"))

    def number(self, name: str, default: int, highest: int) -> int:
        """Return a parameter that is a number of at least 1."""
        value = integer_of(self.parameters.get(name))
        return default if value is None else min(highest, max(1, value))


class ImagenRequest(PredictRequest):
    api = "images"
    family = "imagen"


class VeoRequest(PredictRequest):
    api = "videos"
    family = "veo"
    background = True

    @cached_property
    def size(self) -> ImageSize:
        short = 1080 if self.parameters.get("resolution") == "1080p" else 720
        long = short * 16 // 9
        return (
            ImageSize(short, long) if self.parameters.get("aspectRatio") == "9:16" else ImageSize(long, short)
        )


class PredictCall(GeminiDialect):
    """The base of both calls."""

    generates = False
    capabilities = ProtocolCapabilities(
        conversation=False,
        tool_choice=False,
        stop=False,
        choices=False,
        json_object=False,
        refusal=False,
        unsupported_parts=frozenset({"citations", "thinking", "tool_calls"}),
        media=frozenset({"video"}),
    )

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, PredictRequest)
        error = check_readable(request)
        if error is not None or request.prompt:
            return error
        return Failure("bad_request", message="Prompt is required: instances[0].prompt is empty.")

    def event_layout(self, request: Request) -> EventLayout:
        return EventLayout()

    def encoding_key(self, request: Request) -> Hashable:
        return value_or_digest(request.raw)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        raise NotImplementedError  # pragma: no cover - no `NeutralRequest` is for media

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return None


class Imagen(PredictCall):
    """POST …/models/imagen…:predict."""

    api = "images"
    request_class = ImagenRequest

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with the requested number of images, unless it has its own."""
        assert isinstance(request, ImagenRequest)
        own = reply.media("images")
        if own or reply.failure is not None:
            return reply.with_parts(own)
        output = object_of(request.parameters.get("outputOptions")).get("mimeType")
        format = next((name for name, mime in IMAGE_TYPES.items() if mime == output), "png")
        size = image_size(request.parameters.get("aspectRatio"))
        images = [
            make_image(format, size, f"{request.prompt} {number}")
            for number in range(request.number("sampleCount", 1, MAX_IMAGES))
        ]
        generated = [
            Media(IMAGE_TYPES[format], b64encode(image).decode(), generated=True) for image in images
        ]
        return reply.with_parts(generated)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return reply.with_parts(reply.media("images"))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        predictions: list[Json] = [
            {"mimeType": part.mime, "bytesBase64Encoded": part.data} for part in reply.media("images")
        ]
        body = merged_json({"predictions": predictions}, dict(reply.extras.get(self.name, {})))
        return json_plan(body)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self.encode_body(reply, request, identity)


class Veo(PredictCall):
    """POST …/models/veo…:predictLongRunning: an operation, which continues in the background."""

    api = "videos"
    request_class = VeoRequest

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with the requested number of videos, unless it has its own."""
        assert isinstance(request, VeoRequest)
        own = reply.media("video")
        if any(not part.generated for part in own) or reply.failure is not None:
            return reply.with_parts(own)
        seconds = request.number("durationSeconds", DEFAULT_SECONDS, MAX_SECONDS)
        videos = [
            make_video(request.size, seconds, f"{request.prompt} {number}")
            for number in range(request.number("sampleCount", 1, 4))
        ]
        generated = [Media(VIDEO_TYPE, b64encode(video).decode(), generated=True) for video in videos]
        return reply.with_parts(generated)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return reply.with_parts(reply.media("video"))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self.encode_stream(reply, request, identity)  # pragma: no cover - always in the background

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the states of the operation. Clients get the first one; the second one follows in the background."""
        assert isinstance(request, VeoRequest)
        return Plan(ResponseHead(200, JSON), tuple(_states(reply, request, identity)), Framing.SSE)

    def in_background(
        self, stream: Plan, pace: Pacing, request: Request, identity: ResponseIdentity, *, streamed: bool
    ) -> Plan:
        """Return the operation as it is at first. It is done after `queued` and `in_progress` together."""
        queued = state_seconds(pace.queued, pace.queued_polls, DEFAULT_QUEUED)
        wait = (
            queued + state_seconds(pace.in_progress, pace.in_progress_polls, DEFAULT_IN_PROGRESS)
        ) * pace.slowdown
        steps = [step for step in stream.steps if isinstance(step, EventStep)]
        whole = replace(stream, steps=(steps[0], WaitStep(wait, 0), *steps[1:]))
        run = BackgroundRun(whole, pace.queued_polls or 0, pace.in_progress_polls or 0)
        body = indented({"name": loads(steps[0].payload)["name"]}) + b"\n"
        return Plan(ResponseHead(200, JSON), (EventStep(body, 0, "body"),), background=run)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        run = plan.background
        if run is None or plan.head.status != 200:
            return None
        timeline = timeline_of(run, request.monotonic + plan.delay)
        id = OPERATIONS + loads(timeline.events[0][2])["name"].rpartition("/")[2]
        return StorageUpdate((id,), StoredObject(id, None, b"", b"", timeline=timeline))


def _states(reply: Reply, request: VeoRequest, identity: ResponseIdentity) -> Iterator[EventStep]:
    base = request.path.partition(":")[0].removeprefix("/").partition("/")[2]
    id = identity.ids.make("", 32, alphabet=HEX)
    running: dict[str, Json] = {"name": f"{base}/{OPERATIONS}{id}"}
    yield EventStep(dumps(running), 0, "open", RUNNING)
    done: dict[str, Json] = {**running, "done": True}
    videos = reply.media("video")
    if reply.failure is not None:
        error = object_of(error_object(reply.failure, request).get("error"))
        done["error"] = {"code": error.get("code"), "message": error.get("message")}
    elif request.vertex:
        shown = [{"bytesBase64Encoded": part.data, "mimeType": part.mime} for part in videos]
        kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
        done["response"] = {"@type": kind, "raiMediaFilteredCount": 0, "videos": shown}
    else:
        address = server_url(request, f"{request.path.partition(':')[0]}/{OPERATIONS}{id}:download")
        samples = [
            {"video": {"uri": f"{address}?alt=media&sample={number}"}} for number in range(len(videos))
        ]
        kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
        done["response"] = {"@type": kind, "generateVideoResponse": {"generatedSamples": samples}}
    yield EventStep(dumps(merged_json(done, dict(reply.extras.get("gemini", {})))), 1, "end", DONE)
    if not request.vertex:
        for part in videos:
            yield EventStep(decoded(part.data) or b"", 1, "end", CONTENT)


class OperationRequest(ObjectRequest, GeminiRequest):
    """GET …/operations/{id} and POST …:fetchPredictOperation, which names the operation in its body."""

    api = "operations"

    @cached_property
    def object_id(self) -> str:
        in_body = (text_of(self.message.get("operationName")) or "").rpartition("/")[2]
        return OPERATIONS + (self.path_variables.get("operation", "").partition(":")[0] or in_body)


class Operation(ObjectCall, GeminiStoredCall):
    """The state of an operation."""

    api = "operations"
    request_class = OperationRequest

    def missing(self, request: ObjectRequest) -> Failure:
        return Failure("not_found", message="Operation not found.")

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        timeline = stored.timeline
        assert timeline is not None, "each operation is the result of a job"
        if request.path.endswith(":download"):
            return _download(timeline, request)
        body = loads(timeline.events[1 if _is_done(timeline, request) else 0][2])
        return json_plan(body)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        """Count the read of an operation whose state depends on the number of reads."""
        return stored.with_read()


def _is_done(timeline: Timeline, request: Request) -> bool:
    return not timeline.polled and timeline.elapsed(request.monotonic) >= timeline.events[1][0]


def _download(timeline: Timeline, request: Request) -> Plan | Failure:
    """Return a video of an operation that is done."""
    videos = [payload for _, name, payload in timeline.events if name == CONTENT]
    sample = request.query.get("sample", "0")
    chosen = dict(zip(map(str, range(len(videos))), videos, strict=True)).get(sample)
    if chosen is None or not _is_done(timeline, request):
        return Failure("not_found", message="The operation has no such video.")
    head = ResponseHead(200, (("content-type", VIDEO_TYPE),))
    return Plan(head, (EventStep(chosen, 0, "body"),))
