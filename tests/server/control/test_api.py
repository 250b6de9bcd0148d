"""Each call of the control API, with good and bad input, on a live server."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.server.control.api_types import JSON
from mockllm.server.control.routes import ROUTES, find
from tests.server.control.live_server import Steered

GOOD: list[tuple[str, str, Any, Any]] = [
    ("GET", "/api/requests", None, "requests"),
    ("GET", "/api/requests?limit=1&missed=true&status=404", None, "requests"),
    ("GET", "/api/requests/export", None, None),
    ("GET", "/api/requests/export?format=har", None, "log"),
    ("DELETE", "/api/requests", None, "forgotten"),
    ("POST", "/api/verify", {"max_cost": 0}, "passed"),
    ("POST", "/api/verify", {"expect": [], "no_unmatched": True}, "passed"),
    ("POST", "/api/explain", {"user": "hello"}, "outcome"),
    ("POST", "/api/reload", None, "rules"),
    ("POST", "/api/reset", {"what": ["metrics"]}, "reset"),
    ("GET", "/api/rules", None, "rules"),
    ("POST", "/api/rules", {"rules": [{"reply": "x"}]}, "names"),
    ("POST", "/api/rules?session=s", "match: {user: x}\nreply: x\n", "names"),
    ("PUT", "/api/rules/mine", {"reply": "x"}, "names"),
    ("DELETE", "/api/rules", None, "names"),
    ("POST", "/api/rules/preview", "repyl: x", "errors"),
    ("GET", "/api/rules/a.yaml%3Ahello", None, "yaml"),
    ("GET", "/api/costs?text=hello", None, None),
    ("POST", "/api/release/gate", None, None),
    ("GET", "/api/hunt", None, "report"),
    ("GET", "/api/mcp", None, "servers"),
    ("GET", "/api/files", None, "files"),
    ("GET", "/api/files/a.yaml", None, "text"),
    ("POST", "/api/files/a.yaml/check", "rules: [{repyl: x}]", "errors"),
    ("GET", "/api/overlay.yaml", None, None),
    ("GET", "/api/config", None, "global"),
    ("PATCH", "/api/config/global", {"delay": "1ms"}, "global"),
    ("GET", "/api/config/endpoints", None, "endpoints"),
    ("PATCH", "/api/config/endpoints/openai-chat", {"delay": "1ms"}, "settings"),
    ("PATCH", "/api/config/endpoints/%2Fv1%2Fmessages", {"pace": {"jitter": "1ms"}}, "settings"),
    ("DELETE", "/api/config/endpoints/openai-chat", None, "settings"),
    ("POST", "/api/config/reset", None, "global"),
    ("GET", "/api/verdicts", None, "clients"),
    ("GET", "/api/verdicts?session=s&client=c&since=1.5&over=true&format=json", None, "clients"),
    ("GET", "/api/metrics", None, "endpoints"),
    ("GET", "/api/metrics/latency/openai-chat", None, "latency"),
    ("GET", "/api/metrics/latency/none", None, "latency"),
    ("POST", "/api/metrics/reset", None, "done"),
    ("GET", "/api/detailed-metrics", None, "seconds"),
    ("GET", "/api/detailed-metrics/export/json", None, "series"),
    ("GET", "/api/detailed-metrics/export/csv", None, None),
    ("GET", "/api/rate-limit/strategies", None, "strategies"),
    ("POST", "/api/rate-limit/reset", None, "done"),
    ("POST", "/api/rate-limit/reset/openai-chat", None, "done"),
    ("GET", "/api/failure-modes", None, "faults"),
    ("GET", "/api/openapi.json", None, "paths"),
    ("GET", "/api/sessions", None, "sessions"),
    ("PATCH", "/api/sessions/mine", {"time_scale": 0.01}, "done"),
    ("GET", "/api/climates", None, "climates"),
    ("GET", "/api/climates?endpoint=openai-chat", None, "climates"),
    ("GET", "/api/overlay", None, "items"),
    ("PATCH", "/api/config/global", {"climate": "storm"}, "global"),
    ("GET", "/api/verdicts", None, "clients"),
    ("POST", "/api/config/reset", {}, "global"),
    ("PATCH", "/api/config/global", {"chance": "5%"}, "global"),
    ("GET", "/api/metrics/latency/%2Fv1beta%2Fmodels%2Fgemini-2.5-pro:generateContent", None, "latency"),
    ("DELETE", "/api/config/endpoints/%2Fv1%2Fresponses", None, "settings"),
    ("POST", "/api/rate-limit/reset/%2Fv1%2Fmessages", None, "done"),
    ("POST", "/api/rules?session=a.b_c~d:e@[1]-2", {"reply": "x"}, "names"),
]


@pytest.mark.parametrize(("method", "path", "body", "key"), GOOD, ids=[f"{m} {p}" for m, p, *_ in GOOD])
def test_valid_call_returns_200(server: Steered, method: str, path: str, body: Any, key: str | None) -> None:
    server.ask("hello")
    server.ask("nobody answers this")
    got = server.call(method, path, body)
    assert got.status == 200, got.text
    assert got.headers["cache-control"] == "no-store"
    if key is not None:
        assert got.headers["content-type"] == JSON
        assert key in got.json


def test_every_route_has_a_valid_call() -> None:
    """But for those that need something that is there: they have tests of their own."""
    requested = set()
    for method, path, *_ in GOOD:
        found = find(method, path.partition("?")[0])
        requested.add((found[0].method, found[0].path))
    left = {(route.method, route.path) for route in ROUTES} - requested
    tested_elsewhere = {
        ("GET", "/api/requests/{id}"),
        ("GET", "/api/requests/{id}/code"),
        ("GET", "/api/requests/{id}/conversation"),
        ("GET", "/api/requests/{id}/rule"),
        ("POST", "/api/requests/{id}/send"),
        ("DELETE", "/api/rules/{name}"),
        ("PUT", "/api/files/{file}"),
        ("DELETE", "/api/sessions/{session}"),
    }
    missing = [f"{method} {path}" for method, path in sorted(left - tested_elsewhere)]
    assert missing == [], "add a valid call of each to GOOD, or its path to those that have a test elsewhere"
    assert tested_elsewhere <= left, "GOOD has a call of these: remove them here"


def test_refused_method_lists_each_allowed_one_once(server: Steered) -> None:
    got = server.call("POST", "/api/requests/export")
    assert (got.status, got.headers["allow"]) == (405, "GET")
    assert got.json["detail"].endswith("; use GET.")


BAD: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/api", None, 404, "openapi.json"),
    ("GET", "/api/nope", None, 404, "openapi.json"),
    ("PUT", "/api/requests", None, 405, "GET"),
    ("POST", "/metrics", None, 405, "GET"),
    ("GET", "/api/requests?limit=0", None, 422, "limit"),
    ("GET", "/api/requests?limti=1", None, 422, "limti"),
    ("GET", "/api/requests?left=flying", None, 422, "left"),
    ("GET", "/api/requests/export?format=xml", None, 422, "format"),
    ("GET", "/api/verdicts?format=xml", None, 422, "format"),
    ("GET", "/api/verdicts?over=perhaps", None, 422, "over"),
    ("GET", "/api/verdicts?sesion=s", None, 422, "sesion"),
    ("POST", "/api/verdicts", None, 405, "GET"),
    ("PUT", "/api/files/pack.yaml", "name: x", 403, "it is the manifest of a pack"),
    ("PUT", "/api/files/a.txt", "name: x", 403, "its name ends in .yaml or .yml"),
    ("GET", "/api/requests/99999", None, 404, "99999"),
    ("GET", "/api/requests/first", None, 404, "first"),
    ("POST", "/api/verify", "{", 400, "JSON"),
    ("POST", "/api/verify", {"expekt": []}, 422, "expekt"),
    ("POST", "/api/verify", "", 422, "nothing to verify"),
    ("POST", "/api/verify", {}, 422, "nothing to verify"),
    ("POST", "/api/verify", {"expect": []}, 422, "nothing to verify"),
    ("POST", "/api/verify", {"session": "s", "since": 1, "in_order": True}, 422, "nothing to verify"),
    ("POST", "/api/verify", {"expect": [{"match": {"usr": "x"}}]}, 422, "expect[0].match.usr"),
    ("POST", "/api/verify", {"expect": [{"exactly": 1, "at_least": 1}]}, 422, "expect[0].exactly"),
    ("POST", "/api/verify", {"expect": [{"at_most": 1, "at_least": 2}]}, 422, "expect[0].at_most"),
    ("POST", "/api/verify", {"expect": [{"exactly": -1}]}, 422, "expect[0].exactly"),
    ("POST", "/api/verify", {"expect": [{"match": {"api_key": "x"}}]}, 422, "expect[0].match.api_key"),
    ("POST", "/api/explain", "", 400, "JSON"),
    ("POST", "/api/explain", {"usr": "x"}, 422, "usr"),
    ("POST", "/api/explain", {"request_id": 99999}, 404, "99999"),
    ("POST", "/api/reset", {"what": ["everything"]}, 422, "what[0]"),
    ("POST", "/api/rules", "", 422, "expected rules"),
    ("POST", "/api/rules", {"rules": []}, 422, "expected rules"),
    ("POST", "/api/rules", "rules: [{reply: x", 422, ""),
    ("POST", "/api/rules", {"rules": [{"reply": "x", "mtach": {}}]}, 422, "rules[0].mtach"),
    ("POST", "/api/rules", {"reply": "x", "match": {"modle": "m"}}, 422, "match.modle"),
    ("POST", "/api/rules", {"rules": [{"reply": "x"}], "use": ["default"]}, 422, "use"),
    ("POST", "/api/rules", {"reply": "x", "replaces": "a.yaml:nope"}, 422, "replaces"),
    ("POST", "/api/rules?session=s", {"reply": "x", "replaces": "a.yaml:hello"}, 422, "replaces"),
    ("POST", "/api/rules", {"reply": {"text": {"file": "/etc/passwd"}}}, 422, "/etc/passwd"),
    ("PUT", "/api/rules/mine", {"name": "other", "reply": "x"}, 422, "name"),
    ("PUT", "/api/rules/mine", {"rules": [{"reply": "x"}, {"reply": "y"}]}, 422, "one rule"),
    ("DELETE", "/api/rules/nope", None, 404, "nope"),
    ("PATCH", "/api/config/global", {"dealy": "1s"}, 422, "dealy"),
    ("PATCH", "/api/config/global", {"delay": 10}, 422, "delay"),
    ("PATCH", "/api/config/endpoints/openai-chat", {"faults": ["nope"]}, 422, "faults"),
    ("PATCH", "/api/config/endpoints/openai-chatt", {}, 404, "openai-chat"),
    ("DELETE", "/api/config/endpoints/%2Fnope", None, 404, "openai-chat"),
    ("GET", "/api/metrics/latency/nope", None, 404, "openai-chat"),
    ("POST", "/api/rate-limit/reset/nope", None, 404, "openai-chat"),
    ("PATCH", "/api/config/global", [], 422, "expected an object, found []"),
    ("PATCH", "/api/config/global", {"chance": "often"}, 422, "chance"),
    ("PATCH", "/api/config/endpoints/openai-chat", {"chance": 2, "error": "overloaded"}, 422, "chance"),
    ("PATCH", "/api/config/endpoints/openai-chat", {"limit": {"strategy": "nope"}}, 422, "limit.strategy"),
    ("GET", "/api/metrics?since=1", None, 422, "since"),
    ("GET", "/api/requests?limit=1&limit=2", None, 422, "limit"),
    ("GET", "/api/requests?since=nan", None, 422, "since"),
    ("GET", "/api/requests?since=-1", None, 422, "since"),
    ("GET", "/api/requests?after=-1", None, 422, "after"),
    ("POST", "/api/verify", {"since": -5}, 422, "since"),
    ("DELETE", "/api/rules/settings%20global", None, 404, "/api/config"),
    ("GET", "/api/requests?status=ok", None, 422, "status"),
    ("GET", "/api/requests?missed=maybe", None, 422, "missed"),
    ("GET", "/api/requests?limit=99999999999999999999999", None, 422, "limit"),
    ("POST", "/api/config/reset", {"all": True}, 422, "all"),
    ("POST", "/api/reload", "{", 400, "JSON"),
    ("DELETE", "/api/requests", {"older": 1}, 422, "older"),
    ("POST", "/api/reset", {"what": []}, 422, "what"),
    ("POST", "/api/reset", "null", 422, "expected an object, found null"),
    ("POST", "/api/explain", {"request_id": "first"}, 422, "request_id"),
    ("POST", "/api/explain", "[]", 422, "a request is an object, found an empty list"),
    ("POST", "/api/rules?session=", {"reply": "x"}, 422, "session: expected letters, digits and . _"),
    ("POST", "/api/rules?session=a%2Fb", {"reply": "x"}, 422, "session"),
    ("POST", "/api/rules?session=" + "s" * 129, {"reply": "x"}, 422, "session"),
    ("PUT", "/api/rules/%0a", {"reply": "x"}, 422, "rules[0].name"),
    ("DELETE", "/api/sessions/nobody", None, 404, "nobody"),
    ("PATCH", "/api/sessions/fo%20o", {"time_scale": 1}, 400, "the path's session is"),
    ("PATCH", "/api/config/endpoints/openai-cht", {}, 404, "endpoint openai-cht; did you mean openai-chat?"),
    ("GET", "/api/sessions/nobody", None, 405, "DELETE"),
    ("POST", "/api/verify", "[" * 200 + "]" * 200, 400, "nested"),
    ("POST", "/api/rules", "x" * (33 * 1024 * 1024), 413, "larger"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "names"), BAD, ids=[f"{m} {p} {str(b)[:60]}" for m, p, b, *_ in BAD]
)
def test_invalid_call_returns_a_problem(
    server: Steered, method: str, path: str, body: Any, status: int, names: str
) -> None:
    got = server.call(method, path, body)
    assert (got.status, got.headers["content-type"]) == (status, "application/problem+json"), got.text
    problem = got.json
    assert problem["status"] == status
    if status == 422 and names:
        assert names in [each["field"] for each in problem["errors"]] or names in problem["detail"]
    else:
        assert names in problem["detail"]
    assert server.reply_text("hello") == "Hello you."


def test_wrong_method_returns_allow_header(server: Steered) -> None:
    assert server.call("PATCH", "/api/requests").headers["allow"] == "GET, DELETE"
    assert server.call("POST", "/metrics").headers["allow"] == "GET"
    assert server.call("POST", "/api/rules/x").headers["allow"] == "PUT, DELETE, GET"


def test_unknown_endpoint_lists_all_endpoints(server: Steered) -> None:
    names = {each["endpoint"] for each in server.call("GET", "/api/config/endpoints").json["endpoints"]}
    for method, path, body in (
        ("PATCH", "/api/config/endpoints/nope", {}),
        ("DELETE", "/api/config/endpoints/nope", None),
        ("GET", "/api/metrics/latency/nope", None),
        ("POST", "/api/rate-limit/reset/nope", None),
    ):
        detail = server.call(method, path, body).json["detail"]
        assert set(detail.partition("endpoints are ")[2].rstrip(".").split(", ")) == names
