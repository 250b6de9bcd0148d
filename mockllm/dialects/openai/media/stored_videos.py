"""The calls on videos: GET and DELETE /v1/videos/{id}, GET …/content, and the list of all."""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.media.images import make_image, size_of
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StoredObject, Timeline
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiObjectCall, page
from mockllm.dialects.openai.headers import OPENAI, body_plan, head
from mockllm.dialects.openai.media.video_jobs import content, has_ended, state_at
from mockllm.dialects.openai.media.videos_request import DEFAULT_SIZE, PREFIX, not_found
from mockllm.dialects.openai.validators import refuse
from mockllm.dialects.stored_objects import Deletion, ObjectRequest

POLL_AFTER_MS: Final = "500"
"""The header that the SDK's `videos.poll` reads."""
VARIANTS: Final = {"thumbnail": ("webp", "image/webp"), "spritesheet": ("jpeg", "image/jpeg")}


class StoredVideoRequest(ObjectRequest):
    dialect = "openai"
    api = "stored_videos"
    path_variable = "video"
    id_prefix = PREFIX


class StoredVideoCall(OpenAiObjectCall):
    """The base of the calls on one video."""

    api = "stored_videos"
    request_class = StoredVideoRequest

    def missing(self, request: ObjectRequest) -> Failure:
        return not_found(request.object_id)


class GetVideo(StoredVideoCall):
    """GET /v1/videos/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        timeline = _timeline(stored)
        plan = body_plan(state_at(timeline, request.monotonic), identity)
        if has_ended(timeline, request.monotonic):
            return plan
        headers = (("openai-poll-after-ms", POLL_AFTER_MS),)
        return Plan(plan.head.with_headers(headers), plan.steps)

    def changed(self, stored: StoredObject, request: Request) -> StoredObject | None:
        """Count the read of a job whose state depends on the number of reads."""
        return stored.with_read()


class DeleteVideo(Deletion, StoredVideoCall):
    """DELETE /v1/videos/{id}."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan({"id": stored.id, "object": "video.deleted", "deleted": True}, identity)


class VideoContent(StoredVideoCall):
    """GET /v1/videos/{id}/content: the video, its thumbnail or its sheet of pictures."""

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        timeline = _timeline(stored)
        video = state_at(timeline, request.monotonic)
        if video["status"] != "completed":
            return refuse(f"Video is not ready: its status is '{video['status']}'.")
        variant = VARIANTS.get(request.query.get("variant", "video"))
        if variant is None:
            return _bytes(content(timeline) or b"", "video/mp4", identity)
        size = size_of(str(video["size"])) or size_of(DEFAULT_SIZE)
        assert size is not None
        return _bytes(make_image(variant[0], size, str(video["prompt"])), variant[1], identity)


def _bytes(data: bytes, media_type: str, identity: ResponseIdentity) -> Plan:
    pairs = (("content-type", media_type), *OPENAI)
    return Plan(head(200, pairs, identity), (EventStep(data, 0, "body"),))


class ListVideos(StoredVideoCall):
    """GET /v1/videos."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        stored = request.object_lookup.all_stored(PREFIX)
        videos = [state_at(_timeline(each), request.monotonic) for each in stored]
        return body_plan(page(videos, request.query, "desc"), identity)


def _timeline(stored: StoredObject) -> Timeline:
    assert stored.timeline is not None, "each video is the result of a job"
    return stored.timeline
