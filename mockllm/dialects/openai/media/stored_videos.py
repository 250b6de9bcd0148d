"""The calls on videos: GET and DELETE /v1/videos/{id}, GET …/content, and the list of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.media.images import make_image, size_of
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StorageUpdate, StoredResponse, Timeline
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import LookupCall, page
from mockllm.dialects.openai.headers import OPENAI, body_plan, head
from mockllm.dialects.openai.media.video_jobs import content, has_ended, state_at
from mockllm.dialects.openai.media.videos_request import DEFAULT_SIZE, not_found, stored_video
from mockllm.dialects.openai.validators import refuse

POLL_AFTER_MS: Final = "500"
"""The header that the SDK's `videos.poll` reads."""
VARIANTS: Final = {"thumbnail": ("webp", "image/webp"), "spritesheet": ("jpeg", "image/jpeg")}


class StoredVideoRequest(Request):
    dialect = "openai"
    api = "stored_videos"


class StoredVideoCall(LookupCall):
    """The base of the calls on one video."""

    api = "stored_videos"
    request_class = StoredVideoRequest

    def own_response(
        self, request: Request, models: Sequence[str], identity: ResponseIdentity
    ) -> Plan | Failure:
        stored = stored_video(request)
        if stored is None or stored.timeline is None:
            return not_found(request.path_variables.get("video", ""))
        return self.respond(stored.timeline, request, identity)

    def respond(self, timeline: Timeline, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        raise NotImplementedError  # pragma: no cover - abstract


class GetVideo(StoredVideoCall):
    """GET /v1/videos/{id}."""

    def respond(self, timeline: Timeline, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        plan = body_plan(state_at(timeline, request.monotonic), identity)
        if has_ended(timeline, request.monotonic):
            return plan
        headers = (("openai-poll-after-ms", POLL_AFTER_MS),)
        return Plan(plan.head.with_headers(headers), plan.steps)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Count the read of a job whose state depends on the number of reads."""
        stored = stored_video(request)
        read = None if stored is None or plan.head.status != 200 else stored.with_read()
        return read and StorageUpdate((read.id,), read)


class DeleteVideo(StoredVideoCall):
    """DELETE /v1/videos/{id}."""

    def respond(self, timeline: Timeline, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        id = request.path_variables["video"]
        return body_plan({"id": id, "object": "video.deleted", "deleted": True}, identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        stored = stored_video(request)
        return None if stored is None or plan.head.status != 200 else StorageUpdate(forgotten=(stored.id,))


class VideoContent(StoredVideoCall):
    """GET /v1/videos/{id}/content: the video, its thumbnail or its sheet of pictures."""

    def respond(self, timeline: Timeline, request: Request, identity: ResponseIdentity) -> Plan | Failure:
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


class ListVideos(LookupCall):
    """GET /v1/videos."""

    api = "stored_videos"
    request_class = StoredVideoRequest

    def own_response(
        self, request: Request, models: Sequence[str], identity: ResponseIdentity
    ) -> Plan | Failure:
        videos = [self._state(stored, request) for stored in request.response_lookup.all_stored("video_")]
        return body_plan(page([video for video in videos if video], request.query, "desc"), identity)

    def _state(self, stored: StoredResponse, request: Request) -> dict[str, object]:
        return {} if stored.timeline is None else state_at(stored.timeline, request.monotonic)
