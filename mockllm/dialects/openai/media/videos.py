"""Videos: the calls that create one. Each returns the job, which continues in the background (`video_jobs`)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import decoded
from mockllm.core.media.video import VIDEO_TYPE, make_video
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import BackgroundRun, EventStep, Framing, Plan
from mockllm.core.reply.reply import Media, Reply
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.background import timeline_of
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.headers import BODY_HEADERS, STREAM_HEADERS, body_plan, head
from mockllm.dialects.openai.media.media_call import MediaCall, base64_of, own_extras
from mockllm.dialects.openai.media.video_jobs import (
    COMPLETED,
    CONTENT,
    FAILED,
    IN_PROGRESS,
    QUEUED,
    timed,
)
from mockllm.dialects.openai.media.videos_request import (
    DEFAULT_MODEL,
    PREFIX,
    VideoEditRequest,
    VideoRemixRequest,
    VideosRequest,
    check,
)
from mockllm.dialects.openai.webhooks import response_webhooks


class Videos(MediaCall):
    """POST /v1/videos."""

    api = "videos"
    request_class: type[VideosRequest] = VideosRequest

    check = staticmethod(check)

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with a video of the requested size and length, unless it has its own."""
        assert isinstance(request, VideosRequest)
        own = reply.media("video")
        if reply.failure is not None or (own and not own[0].generated):
            return reply
        stated = own[0] if own else Media(VIDEO_TYPE, "")
        size, seconds = stated.size, stated.seconds
        if own and size is not None and seconds is not None:
            return reply
        pixels = request.pixels_of(size)
        data = make_video(pixels, float(request.seconds) if seconds is None else seconds, request.user or "")
        return reply.with_parts(
            [Media(VIDEO_TYPE, base64_of(data), size=size, seconds=seconds, generated=True)]
        )

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return reply.with_parts(reply.media("video")[:1])

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self.encode_stream(reply, request, identity)  # pragma: no cover - always in the background

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the states of the job. Clients get the first one; the others follow in the background."""
        assert isinstance(request, VideosRequest)
        steps = tuple(_states(reply, request, identity))
        return Plan(head(200, STREAM_HEADERS, identity), steps, Framing.SSE)

    def in_background(
        self, stream: Plan, pace: Pacing, request: Request, identity: ResponseIdentity, *, streamed: bool
    ) -> Plan:
        """Return the job as it is at first; its `background` has all states."""
        whole = replace(stream, steps=tuple(timed(iter(stream.steps), pace)))
        first = next(step for step in whole.steps if isinstance(step, EventStep))
        run = BackgroundRun(whole, pace.queued_polls or 0, pace.in_progress_polls or 0)
        return replace(body_plan(loads(first.payload), identity, BODY_HEADERS), background=run)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Store the job, and send the webhooks of its end."""
        run = plan.background
        if run is None or plan.head.status != 200:
            return None
        timeline = timeline_of(run, request.monotonic + plan.delay)
        id = loads(timeline.events[0][2])["id"]
        stored = StoredObject(id, None, b"", b"", timeline=timeline)
        at, name, _ = next(event for event in reversed(timeline.events) if event[1] != CONTENT)
        end = timeline.began + at
        second = int(request.now + end - request.monotonic)
        hooks = () if timeline.polled else response_webhooks(request.object_lookup, id, name, end, second)
        return StorageUpdate((id,), stored, webhooks=hooks)


class VideoRemix(Videos):
    """POST /v1/videos/{id}/remix."""

    api = "video_remix"
    request_class = VideoRemixRequest


class VideoEdits(Videos):
    """POST /v1/videos/edits and /v1/videos/extensions."""

    api = "video_edits"
    request_class = VideoEditRequest


def _states(reply: Reply, request: VideosRequest, identity: ResponseIdentity) -> Iterator[EventStep]:
    video: dict[str, Json] = {
        "id": identity.ids.make(PREFIX, 48),
        "object": "video",
        "created_at": identity.epoch_second,
        "completed_at": None,
        "expires_at": None,
        "status": "queued",
        "progress": 0,
        "model": reply.model or request.model or DEFAULT_MODEL,
        "prompt": request.user,
        "seconds": request.seconds,
        "size": request.size,
        "error": None,
        "remixed_from_video_id": request.source_id,
    }
    video = merged_json(video, own_extras(reply))
    yield _state(QUEUED, video)
    yield _state(IN_PROGRESS, {**video, "status": "in_progress"})
    if reply.failure is not None:
        yield _state(
            FAILED,
            {**video, "status": "failed", "error": _error(reply.failure, request, identity)},
            last=True,
        )
        return
    yield _state(COMPLETED, {**video, "status": "completed", "progress": 100}, last=True)
    for part in reply.media("video"):
        yield EventStep(decoded(part.data) or b"", 1, "end", CONTENT)


def _state(name: str, video: dict[str, Json], *, last: bool = False) -> EventStep:
    return EventStep(dumps(video), 1 if last else 0, "chunk" if last else "open", name)


def _error(failure: Failure, request: VideosRequest, identity: ResponseIdentity) -> dict[str, Json]:
    error = error_object(failure, request, identity)
    return {"code": error["code"] or error["type"], "message": error["message"]}
