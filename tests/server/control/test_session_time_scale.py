"""The time scale of a session, set while the server runs."""

from __future__ import annotations

from tests.server.control.live_server import Steered

LIMITED = {"error": {"type": "rate_limit", "retry_after": "5s"}}


def stated(server: Steered, session: str | None) -> str:
    return server.ask(session=session).headers["retry-after-ms"]


def test_session_has_its_own_time_scale(server: Steered) -> None:
    server.call("POST", "/api/rules", LIMITED)
    assert server.call("PATCH", "/api/sessions/fast", {"time_scale": 0.01}).status == 200
    assert [stated(server, "fast"), stated(server, "other"), stated(server, None)] == ["50", "5000", "5000"]
    scales = {each["id"]: each["time_scale"] for each in server.call("GET", "/api/sessions").json["sessions"]}
    assert scales == {"fast": 0.01, "other": None}
    assert server.call("PATCH", "/api/sessions/fast", {"time_scale": None}).status == 200
    assert stated(server, "fast") == "5000"


def test_invalid_time_scale_or_session_is_refused(server: Steered) -> None:
    for wrong in (0, True, "2"):
        assert server.call("PATCH", "/api/sessions/fast", {"time_scale": wrong}).status == 422
    assert server.call("PATCH", "/api/sessions/fast", {"time_scale": 2}).status == 200
    assert server.call("PATCH", "/api/sessions/a%20b", {"time_scale": 0.1}).status == 400
