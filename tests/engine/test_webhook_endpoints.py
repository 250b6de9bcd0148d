"""The calls on webhook endpoints. What they send is in `test_background_responses.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, raw_request

BODY: dict[str, Any] = {"event_types": ["response.completed"], "name": "n", "url": "http://localhost:1/h"}
DOWN = """
modifiers:
  - {match: {headers: {x-down: "1"}}, error: unavailable}
"""


class Endpoints:
    def __init__(self, settings: str = "") -> None:
        self.game = VirtualServer(f"rules: [{{reply: hi}}]\n{DOWN}{settings}")
        self.built = self.call("", BODY).json
        self.id = self.built["id"]

    def call(self, path: str, body: Any = None, method: str | None = None, **more: Any) -> ClientResponse:
        verb = method or ("GET" if body is None else "POST")
        return self.game.respond(raw_request(f"/v1/webhook_endpoints{path}", body, method=verb, **more))


def test_secret_is_shown_once() -> None:
    server = Endpoints()
    secret = server.built.pop("signing_secret")
    assert secret.startswith("whsec_")
    assert server.call(f"/{server.id}").json == server.built
    assert server.call("").json["data"] == [server.built]


def test_update_changes_the_named_fields() -> None:
    server = Endpoints()
    later = server.call(f"/{server.id}", {"name": "x"}, now=NOW + 5).json
    assert (later["name"], later["url"]) == ("x", BODY["url"])
    assert later["updated_at"] == server.built["updated_at"] + 5
    again = server.call(f"/{server.id}", {"name": "x"}, now=NOW + 9).json
    assert again == later == server.call(f"/{server.id}").json


def test_rotation_makes_another_secret() -> None:
    server = Endpoints()
    rotated = server.call(f"/{server.id}/rotate_secret", {}).json
    assert rotated["signing_secret"] != server.built["signing_secret"]
    sent = server.call(f"/{server.id}/test", {"event_type": "response.failed"})
    assert sent.planned.webhooks[0].secret == rotated["signing_secret"]


def test_sample_events_replace_none() -> None:
    """Two samples of one second are about the same object: none, so each is sent."""
    server = Endpoints()
    sent = [
        server.call(f"/{server.id}/test", {"event_type": f"response.{end}"})
        for end in ("failed", "completed")
    ]
    assert [hook.subject for each in sent for hook in each.planned.webhooks] == ["", ""]


def test_deleted_endpoint_is_not_found() -> None:
    server = Endpoints()
    assert server.call(f"/{server.id}", method="DELETE").json["deleted"] is True
    for path, body, method in (
        ("", None, "GET"),
        ("", {"name": "x"}, "POST"),
        ("", None, "DELETE"),
        ("/test", {"event_type": "response.failed"}, "POST"),
        ("/rotate_secret", {}, "POST"),
    ):
        gone = server.call(f"/{server.id}{path}", body, method)
        assert gone.status == 404
        assert gone.planned.webhooks == ()


def test_failed_calls_change_nothing() -> None:
    server = Endpoints()
    down: dict[str, Any] = {"headers": {"x-down": "1"}}
    for path, body, method in (
        ("", BODY, "POST"),
        (f"/{server.id}", {"name": "x"}, "POST"),
        (f"/{server.id}", None, "DELETE"),
        (f"/{server.id}/test", {"event_type": "response.failed"}, "POST"),
        (f"/{server.id}/rotate_secret", {}, "POST"),
    ):
        failed = server.call(path, body, method, **down)
        assert (failed.status, failed.planned.webhooks) == (503, ())
    assert [endpoint["name"] for endpoint in server.call("").json["data"]] == ["n"]


@pytest.mark.parametrize(
    "body", [b"no json", {}, {**BODY, "url": 7}, {**BODY, "event_types": []}, {**BODY, "name": None}]
)
def test_invalid_endpoint_is_refused(body: Any) -> None:
    assert Endpoints().call("", body).status == 400


def test_test_needs_an_event_type() -> None:
    server = Endpoints()
    assert server.call(f"/{server.id}/test", {}).status == 400
    lenient = Endpoints("validation: lenient")
    accepted = lenient.call(f"/{lenient.id}/test", {})
    assert (accepted.status, accepted.planned.webhooks) == (200, ())


def test_event_types_are_listed() -> None:
    game = VirtualServer("rules: [{reply: hi}]")
    listed = game.respond(raw_request("/v1/webhook_event_types", method="GET")).json
    assert "response.cancelled" in listed["data"]


@pytest.mark.parametrize(
    "url", ["", "hook", "/hook", "http://", "http://[", "https:///hook", "localhost:1/h"]
)
def test_url_without_a_host_is_refused(url: str) -> None:
    server = Endpoints()
    for path in ("", f"/{server.id}"):
        refused = server.call(path, {**BODY, "url": url})
        assert (refused.status, refused.json["error"]["param"]) == (400, "url")
    assert server.call(f"/{server.id}").json["url"] == BODY["url"]
