"""OpenAI's videos: jobs by time and by reads."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.openai.media.forms import FILE, NO_RULES, form_request
from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, raw_request

PATH = "/v1/videos"
RULES = """
rules:
  - match: {api: videos, user: slow}
    reply: {video: {duration: 1s, size: 32x32}}
    pace: {queued: 2s, in_progress: 4s}
  - match: {api: videos, user: polled}
    reply: {video: {data: cGlj}}
    pace: {queued_polls: 1, in_progress_polls: 1}
  - match: {api: videos, user: failing}
    reply: {chunks: [{error: server_error}]}
  - match: {api: videos, user: sized}
    reply: {video: {size: 32x32}}
    pace: {ttft: 1s}
"""


def create(server: VirtualServer, prompt: str = "a dog", **body: Any) -> dict[str, Any]:
    built = server.respond(raw_request(PATH, {"prompt": prompt, **body}))
    assert built.status == 200
    return dict(built.json)


def get(server: VirtualServer, path: str, later: float = 0.0, **more: Any) -> ClientResponse:
    return server.respond(raw_request(f"{PATH}/{path}", method="GET", now=NOW + later, **more))


def test_job_without_a_rule_ends_within_a_second() -> None:
    server = VirtualServer(NO_RULES)
    video = create(server, seconds="8", size="1792x1024")
    assert (video["status"], video["progress"], video["model"]) == ("queued", 0, "sora-2")
    states = [get(server, video["id"], later).json["status"] for later in (0.1, 0.3, 0.8)]
    assert states == ["queued", "in_progress", "completed"]
    assert get(server, f"{video['id']}/content", 1).bytes[4:8] == b"ftyp"


def test_states_last_as_the_rule_says() -> None:
    server = VirtualServer(RULES)
    id = create(server, "slow")["id"]
    seen = [get(server, id, later) for later in (1, 4, 7)]
    assert [each.json["status"] for each in seen] == ["queued", "in_progress", "completed"]
    assert seen[1].json["progress"] == 50
    assert "openai-poll-after-ms" in seen[0].headers
    assert "openai-poll-after-ms" not in seen[2].headers
    assert seen[2].json["completed_at"] == NOW + 6


def test_reads_decide_the_state_where_the_rule_counts_them() -> None:
    server = VirtualServer(RULES)
    id = create(server, "polled")["id"]
    assert [get(server, id).json["status"] for _ in range(4)] == [
        "queued",
        "in_progress",
        "completed",
        "completed",
    ]
    assert get(server, f"{id}/content").bytes == b"pic"


def test_failed_job_has_the_error_and_no_content() -> None:
    server = VirtualServer(RULES)
    id = create(server, "failing")["id"]
    video = get(server, id, 1).json
    assert (video["status"], video["error"]["code"]) == ("failed", "server_error")
    assert "its status is 'failed'" in get(server, f"{id}/content", 1).message


def test_content_has_variants_and_comes_at_the_end() -> None:
    server = VirtualServer(RULES)
    id = create(server, "sized")["id"]
    assert get(server, f"{id}/content").status == 400
    assert get(server, f"{id}/content", 1, query="variant=thumbnail").bytes[8:12] == b"WEBP"
    assert get(server, f"{id}/content", 1, query="variant=spritesheet").bytes[:2] == b"\xff\xd8"
    assert get(server, f"{id}/content", 1).headers["content-type"] == "video/mp4"


def test_remix_and_edits_take_over_the_form_of_their_source() -> None:
    server = VirtualServer(NO_RULES)
    id = create(server, seconds="12", size="1280x720", model="sora-2-pro")["id"]
    remix = server.respond(raw_request(f"{PATH}/{id}/remix", {"prompt": "at night"})).json
    assert (remix["seconds"], remix["size"], remix["model"]) == ("12", "1280x720", "sora-2-pro")
    assert remix["remixed_from_video_id"] == id
    edit = server.respond(raw_request(f"{PATH}/edits", {"prompt": "x", "video": {"id": id}})).json
    assert edit["seconds"] == "12"
    form = form_request(f"{PATH}/extensions", {"video": FILE}, prompt="x", seconds="8")
    assert server.respond(form).json["seconds"] == "8"
    missing = server.respond(raw_request(f"{PATH}/video_none/remix", {"prompt": "x"}))
    assert (missing.status, missing.message) == (404, "Video with id 'video_none' not found.")


def test_videos_are_listed_and_deleted() -> None:
    server = VirtualServer(NO_RULES)
    first, second = create(server)["id"], create(server)["id"]
    listed = server.respond(raw_request(PATH, method="GET")).json
    assert [video["id"] for video in listed["data"]] == [second, first]
    deleted = server.respond(raw_request(f"{PATH}/{first}", method="DELETE")).json
    assert deleted == {"id": first, "object": "video.deleted", "deleted": True}
    assert get(server, first).status == 404
    assert server.respond(raw_request(f"{PATH}/{first}", method="DELETE")).status == 404
    assert get(server, "conv_1/content").status == 404


def test_end_of_a_job_is_sent_to_webhooks() -> None:
    server = VirtualServer(RULES)
    hook = {"name": "mine", "url": "http://127.0.0.1:9/x", "event_types": ["video.completed"]}
    server.respond(raw_request("/v1/webhook_endpoints", hook))
    built = server.respond(raw_request(PATH, {"prompt": "slow"}))
    (webhook,) = built.planned.webhooks
    assert b"video.completed" in webhook.payload
    assert server.respond(raw_request(PATH, {"prompt": "polled"})).planned.webhooks == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt": None}, "Missing required parameter: 'prompt'."),
        ({"seconds": "5"}, "Invalid value: '5'."),
        ({"size": "1x1"}, "Invalid value: '1x1'."),
    ],
)
def test_wrong_request_is_refused(body: dict[str, Any], message: str) -> None:
    response = VirtualServer(NO_RULES).respond(raw_request(PATH, {"prompt": "x", **body}))
    assert (response.status, response.message.startswith(message)) == (400, True)


def test_body_that_is_no_json_is_refused() -> None:
    assert VirtualServer(NO_RULES).respond(raw_request(PATH, b"{")).status == 400


def test_wrong_values_fall_back_without_a_check() -> None:
    rules = "{validation: off, rules: [{match: {api: videos}, reply: {}}]}"
    video = VirtualServer(rules).respond(raw_request(PATH, {"seconds": "long", "size": "big"})).json
    assert (video["seconds"], video["size"]) == ("4", "720x1280")


def test_refused_request_stores_no_job() -> None:
    server = VirtualServer("rules: [{match: {api: videos}, error: rate_limit}]")
    assert server.respond(raw_request(PATH, {"prompt": "x"})).status == 429
    assert server.respond(raw_request(PATH, method="GET")).json["data"] == []
