"""Each call of the control API, with good and bad input, on a live server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockllm.server.control.calls import JSON
from mockllm.server.control.routes import ROUTES
from tests.server.control.steered import Got, Steered, steered

FILE = """
rules:
  - name: hello
    match: {user: {contains: hello}}
    reply: Hello you.
  - name: never
    match: {user: {equals: never asked}}
    reply: Never.
modifiers:
  - name: quota
    match: {model: limited}
    limit: {strategy: fixed-window, requests: 1, window: 1m}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    with steered(tmp_path_factory.mktemp("control"), {"a.yaml": FILE}) as made:
        yield made


@pytest.fixture(autouse=True)
def _fresh(server: Steered) -> None:
    assert server.call("POST", "/api/reset").json == {"reset": ["state", "journal", "metrics", "overlay"]}


GOOD: list[tuple[str, str, Any, Any]] = [
    ("GET", "/api/requests", None, "requests"),
    ("GET", "/api/requests?limit=1&missed=true&status=404", None, "requests"),
    ("GET", "/api/requests/export", None, None),
    ("GET", "/api/requests/export?format=har", None, "log"),
    ("DELETE", "/api/requests", None, "forgotten"),
    ("POST", "/api/verify", {}, "passed"),
    ("POST", "/api/verify", "", "passed"),
    ("POST", "/api/explain", {"user": "hello"}, "outcome"),
    ("POST", "/api/reload", None, "rules"),
    ("POST", "/api/reset", {"what": ["metrics"]}, "reset"),
    ("GET", "/api/rules", None, "rules"),
    ("POST", "/api/rules", {"rules": [{"reply": "x"}]}, "names"),
    ("POST", "/api/rules?session=s", "match: {user: x}\nreply: x\n", "names"),
    ("PUT", "/api/rules/mine", {"reply": "x"}, "names"),
    ("DELETE", "/api/rules", None, "names"),
    ("GET", "/api/overlay.yaml", None, None),
    ("GET", "/api/config", None, "global"),
    ("PATCH", "/api/config/global", {"delay": "1ms"}, "global"),
    ("GET", "/api/config/endpoints", None, "endpoints"),
    ("PATCH", "/api/config/endpoints/openai-chat", {"delay": "1ms"}, "settings"),
    ("PATCH", "/api/config/endpoints/%2Fv1%2Fmessages", {"pace": {"jitter": "1ms"}}, "settings"),
    ("DELETE", "/api/config/endpoints/openai-chat", None, "settings"),
    ("POST", "/api/config/reset", None, "global"),
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
]


@pytest.mark.parametrize(("method", "path", "body", "key"), GOOD, ids=[f"{m} {p}" for m, p, *_ in GOOD])
def test_a_good_call_is_answered(server: Steered, method: str, path: str, body: Any, key: str | None) -> None:
    server.ask("hello")
    server.ask("nobody answers this")
    got = server.call(method, path, body)
    assert got.status == 200, got.text
    assert got.headers["cache-control"] == "no-store"
    if key is not None:
        assert got.headers["content-type"] == JSON
        assert key in got.json


def test_every_route_has_a_good_call() -> None:
    """But for those that need something that is there: they have tests of their own."""
    from mockllm.server.control.routes import find

    asked = set()
    for method, path, *_ in GOOD:
        found = find(method, path.partition("?")[0])
        assert not isinstance(found, list)
        asked.add((found[0].method, found[0].path))
    left = {(route.method, route.path) for route in ROUTES} - asked
    assert left == {("GET", "/api/requests/{id}"), ("DELETE", "/api/rules/{name}")}


BAD: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/api", None, 404, "openapi.json"),
    ("GET", "/api/nope", None, 404, "openapi.json"),
    ("PUT", "/api/requests", None, 405, "GET"),
    ("POST", "/metrics", None, 405, "GET"),
    ("GET", "/api/requests?limit=0", None, 422, "limit"),
    ("GET", "/api/requests?limti=1", None, 422, "limti"),
    ("GET", "/api/requests?left=flying", None, 422, "left"),
    ("GET", "/api/requests/export?format=xml", None, 422, "format"),
    ("GET", "/api/requests/99999", None, 404, "99999"),
    ("GET", "/api/requests/first", None, 404, "first"),
    ("POST", "/api/verify", "{", 400, "JSON"),
    ("POST", "/api/verify", {"expekt": []}, 422, "expekt"),
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
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "names"), BAD, ids=[f"{m} {p} {b}" for m, p, b, *_ in BAD]
)
def test_a_bad_call_is_told_what_is_wrong(
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
    assert server.said("hello") == "Hello you."


# --- the journal -----------------------------------------------------------------------------------


def listed(server: Steered, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.call("GET", f"/api/requests{query}").json["requests"]
    return found


def test_one_request_is_shown_in_full(server: Steered) -> None:
    server.ask("hello", stream=True)
    (found,) = listed(server)
    shown = server.call("GET", f"/api/requests/{found['id']}").json
    assert (shown["rule"], shown["endpoint"], shown["model"]) == ("a.yaml:hello", "openai-chat", "gpt-4o")
    assert shown["request"]["body"]["messages"][0]["content"] == "hello"
    assert {"name": "Authorization", "value": "Bearer (redacted)"} in [
        {"name": each["name"].title(), "value": each["value"]} for each in shown["request"]["headers"]
    ]
    assert "s3cret" not in str(shown)
    assert shown["streamed"] is True
    assert shown["response"]["chunks"][-1]["text"].endswith("data: [DONE]\n\n")


def test_of_a_miss_the_nearest_rules_are_told(server: Steered) -> None:
    server.ask("good bye")
    (found,) = listed(server, "?missed=true")
    shown = server.call("GET", f"/api/requests/{found['id']}").json
    assert "hello" in shown["near_misses"][0]


def test_pages_go_back_and_forth(server: Steered) -> None:
    for _ in range(5):
        server.ask("hello")
    ids = [each["id"] for each in listed(server)]
    assert ids == sorted(ids, reverse=True)
    assert [each["id"] for each in listed(server, f"?limit=2&before={ids[1]}")] == ids[2:4]
    assert [each["id"] for each in listed(server, f"?limit=2&after={ids[-1]}")] == ids[::-1][1:3]


FILTERS = {
    "?rule=hello": 1,
    "?rule=a.yaml:hello&status=200": 1,
    "?missed=true": 1,
    "?session=mine": 1,
    "?model=m2": 1,
    "?path=/v1/chat": 3,
    "?provider=openai&endpoint=openai-chat&client=127.0.0.1&left=finished": 3,
    "?fault=reset": 0,
    "?key=nobody": 0,
    "?since=99999999999": 0,
}


@pytest.mark.parametrize(("query", "count"), FILTERS.items(), ids=FILTERS)
def test_a_filter(server: Steered, query: str, count: int) -> None:
    server.ask("hello", model="m2")
    server.ask("nothing")
    server.ask("never asked", session="mine")
    assert len(listed(server, query)) == count


def test_exports_hold_the_requests(server: Steered) -> None:
    server.ask("hello")
    lines = server.call("GET", "/api/requests/export").text.splitlines()
    assert len(lines) == 1
    (entry,) = server.call("GET", "/api/requests/export?format=har").json["log"]["entries"]
    assert entry["request"]["url"].endswith("/v1/chat/completions")
    assert "Hello you." in entry["response"]["content"]["text"]
    assert "s3cret" not in str(entry) + lines[0]


# --- verification ------------------------------------------------------------------------------------


def verified(server: Steered, **body: Any) -> dict[str, Any]:
    got = server.call("POST", "/api/verify", body)
    assert got.status == 200, got.text
    found: dict[str, Any] = got.json
    return found


HELLO = {"match": {"user": {"contains": "hello"}}}
COUNTS: dict[str, tuple[dict[str, Any], bool]] = {
    "once at least": (HELLO, True),
    "twice": ({**HELLO, "exactly": 2}, True),
    "not once": ({**HELLO, "exactly": 1}, False),
    "at least three": ({**HELLO, "at_least": 3}, False),
    "at most one": ({**HELLO, "at_most": 1}, False),
    "at most two": ({**HELLO, "at_most": 2}, True),
    "none of another model": ({"match": {"model": "other"}, "exactly": 0}, True),
    "by a rule": ({"rule": "hello", "exactly": 2}, True),
    "not by another": ({**HELLO, "rule": "never"}, False),
}


@pytest.mark.parametrize(("expectation", "passed"), COUNTS.values(), ids=COUNTS)
def test_counts_are_verified(server: Steered, expectation: dict[str, Any], passed: bool) -> None:
    server.ask("hello")
    server.ask("oh, hello")
    assert verified(server, expect=[expectation])["passed"] is passed


def test_a_failure_shows_the_nearest_requests_and_what_differed(server: Steered) -> None:
    server.ask("hello", model="m2")
    found = verified(server, expect=[{"match": {"model": "m1", "user": "hello"}}])
    (failure,) = found["failures"]
    assert failure["message"] == "expected at least 1, found 0"
    assert failure["nearest"][0]["differences"] == ['model expected "m1", found "m2"']


def test_order_is_verified(server: Steered) -> None:
    server.ask("hello", model="first")
    server.ask("hello", model="second")
    expect = [{"match": {"model": "first"}}, {"match": {"model": "second"}}]
    assert verified(server, expect=expect, in_order=True)["passed"]
    found = verified(server, expect=expect[::-1], in_order=True)
    assert [each["expect"] for each in found["failures"]] == [1]


def test_unmatched_requests_and_unused_rules_are_told(server: Steered) -> None:
    server.ask("hello")
    assert verified(server, no_unmatched=True)["passed"]
    server.ask("good bye")
    found = verified(server, no_unmatched=True, all_rules_used=True)
    messages = [each["message"] for each in found["failures"]]
    assert messages[0] == "1 requests that no rule answered"
    assert messages[1].startswith("a.yaml:never (")


def test_a_session_alone_is_verified(server: Steered) -> None:
    server.ask("hello", session="a")
    server.ask("hello", session="b")
    assert verified(server, session="a", expect=[{"exactly": 1}])["passed"]


# --- overlays ----------------------------------------------------------------------------------------


def test_an_overlays_rule_answers_before_all_others_and_is_listed(server: Steered) -> None:
    got = server.call("POST", "/api/rules", {"rules": [{"name": "mine", "reply": "Mine."}]})
    assert got.json["names"] == ["mine"]
    assert server.said("hello") == "Mine."
    rules = server.call("GET", "/api/rules").json["rules"]
    assert (rules[0]["id"], rules[0]["where"], rules[0]["layer"]) == (
        "overlay:mine",
        "overlay.yaml:3",
        "overlay",
    )
    assert (rules[0]["tries"], rules[0]["answers"]) == (1, 1)
    assert server.call("POST", "/api/rules", {"name": "mine", "reply": "x"}).status == 409
    server.call("PUT", "/api/rules/mine", {"reply": "Mine, too."})
    assert server.said("hello") == "Mine, too."
    assert server.call("DELETE", "/api/rules/mine").status == 200
    assert server.said("hello") == "Hello you."


def test_the_newest_stands_first(server: Steered) -> None:
    server.call("POST", "/api/rules", {"reply": "old"})
    server.call("POST", "/api/rules", {"reply": "new"})
    assert server.said() == "new"


def test_a_sessions_rule_is_its_own(server: Steered) -> None:
    server.call("POST", "/api/rules?session=mine", {"reply": "Mine."})
    assert server.said("hello", session="mine") == "Mine."
    assert server.said("hello") == server.said("hello", session="other") == "Hello you."
    (first, *_) = server.call("GET", "/api/rules").json["rules"]
    assert (first["layer"], first["session"]) == ("session", "mine")
    assert "Mine." in server.call("GET", "/api/overlay.yaml?session=mine").text
    server.call("DELETE", "/api/rules?session=mine")
    assert server.said("hello", session="mine") == "Hello you."


def test_an_overlay_replaces_and_switches_off(server: Steered) -> None:
    server.call("POST", "/api/rules", {"replaces": "a.yaml:hello", "reply": "Instead."})
    assert server.said("hello") == "Instead."
    server.call("DELETE", "/api/rules")
    server.call(
        "POST", "/api/rules", {"rules": [{"replaces": "a.yaml:hello", "enabled": False, "reply": "x"}]}
    )
    assert server.ask("hello").status == 404


def test_an_overlay_survives_a_reload_and_reads_as_a_file(server: Steered, tmp_path: Path) -> None:
    server.call("POST", "/api/rules", {"match": {"user": "hi"}, "reply": "yes: 1_000\nno"})
    assert server.call("POST", "/api/reload").json["rules"] == 3
    assert server.said("hi") == "yes: 1_000\nno"
    text = server.call("GET", "/api/overlay.yaml").text
    with steered(tmp_path, {"saved.yaml": text}) as other:
        assert other.said("hi") == "yes: 1_000\nno"


# --- settings, limits, numbers ---------------------------------------------------------------------------


def test_settings_are_modifiers_of_the_overlay(server: Steered) -> None:
    server.call("PATCH", "/api/config/global", {"headers": {"x-a": "all"}})
    got = server.call(
        "PATCH", "/api/config/endpoints/openai-chat", {"headers": {"x-a": "chat"}, "delay": "1ms"}
    )
    assert got.json["settings"] == {"headers": {"x-a": "chat"}, "delay": "1ms"}
    assert server.ask("hello").headers["x-a"] == "chat"
    assert server.call("GET", "/v1/models").headers["x-a"] == "all"
    server.call("PATCH", "/api/config/endpoints/openai-chat", {"headers": None})
    assert server.ask("hello").headers["x-a"] == "all"
    config = server.call("GET", "/api/config").json
    assert (config["global"], config["endpoints"]) == (
        {"headers": {"x-a": "all"}},
        {"openai-chat": {"delay": "1ms"}},
    )
    assert "settings openai-chat" in config["overlay"]
    server.call("POST", "/api/config/reset")
    assert "x-a" not in server.ask("hello").headers


def test_errors_by_chance_do_not_take_the_delay_with_them(server: Steered) -> None:
    patch = {"delay": "1ms", "error": "overloaded", "chance": "100%"}
    server.call("PATCH", "/api/config/endpoints/openai-chat", patch)
    assert server.ask("hello").status == 503
    server.call("PATCH", "/api/config/endpoints/openai-chat", {"chance": "0%"})
    assert server.ask("hello").status == 200
    assert server.call("DELETE", "/api/config/endpoints/openai-chat").json["settings"] == {}


def test_a_bad_setting_leaves_what_was(server: Steered) -> None:
    server.call("PATCH", "/api/config/global", {"headers": {"x-a": "b"}})
    assert server.call("PATCH", "/api/config/global", {"delay": "soon"}).status == 422
    assert server.call("GET", "/api/config").json["global"] == {"headers": {"x-a": "b"}}
    assert server.ask("hello").headers["x-a"] == "b"


@pytest.mark.parametrize("path", ["/api/rate-limit/reset", "/api/rate-limit/reset/openai-chat"])
def test_limits_are_given_back(server: Steered, path: str) -> None:
    def asked() -> int:
        return server.ask("hello", model="limited").status

    assert [asked(), asked()] == [200, 429]
    assert server.call("POST", "/api/rate-limit/reset/anthropic-messages").status == 200
    assert server.call("POST", path).status == 200
    assert asked() == 200


def test_all_is_counted(server: Steered) -> None:
    for _ in range(4):
        server.ask("hello")
    server.ask("nobody answers this")
    found = server.call("GET", "/api/metrics").json
    assert (found["requests"], found["errors"], found["missed"]) == (5, 1, 1)
    (chat,) = found["endpoints"]
    assert (chat["endpoint"], chat["latency"]["count"]) == ("openai-chat", 5)
    assert 0 < chat["latency"]["p50"] <= chat["latency"]["p99"] <= chat["latency"]["max"]
    detailed = server.call("GET", "/api/detailed-metrics").json
    assert {(each["rule"], each["status"]): each["requests"] for each in detailed["series"]} == {
        ("a.yaml:hello", 200): 4,
        ("none", 404): 1,
    }
    assert sum(each["requests"] for each in detailed["seconds"]) == 5
    text = server.call("GET", "/api/detailed-metrics/export/csv").text
    assert text.startswith("at,requests,errors,missed,mean")


def test_prometheus_reads_it(server: Steered) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    server.call("PATCH", "/api/config/global", {"pace": {"itl": "2ms"}})
    server.ask("hello", stream=True)
    server.ask("hello")
    text = server.call("GET", "/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (sample,) = families["mockllm_requests"].samples
    assert (sample.labels["endpoint"], sample.labels["rule"], sample.value) == (
        "openai-chat",
        "a.yaml:hello",
        2,
    )
    counts = {s.name: s.value for s in families["mockllm_time_to_first_chunk_seconds"].samples}
    assert counts["mockllm_time_to_first_chunk_seconds_count"] == 1
    gaps = {s.name: s.value for s in families["mockllm_inter_chunk_seconds"].samples}
    assert gaps["mockllm_inter_chunk_seconds_count"] >= 1


def test_explain_tells_of_a_request_in_the_journal(server: Steered) -> None:
    server.ask("hello")
    (found,) = listed(server)
    told = server.call("POST", "/api/explain", {"request_id": found["id"]}).json
    assert (told["outcome"], told["rule"]) == ("rule", "a.yaml:hello")
    rules = server.call("GET", "/api/rules").json["rules"]
    assert next(each for each in rules if each["id"] == "a.yaml:hello")["answers"] == 1


def test_the_document_lists_every_route_and_refers_to_what_is_there(server: Steered) -> None:
    document = server.call("GET", "/api/openapi.json").json
    for route in ROUTES:
        assert route.method.lower() in document["paths"][route.path]
    assert "post" in document["paths"]["/v1/chat/completions"]
    schemas = document["components"]["schemas"]
    text = str(document)
    names = [part.partition("'")[0] for part in text.split("#/components/schemas/")[1:]]
    assert set(names) <= schemas.keys()
    ids = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    ]
    assert len(ids) == len(set(ids)) == len(ROUTES)


# --- who may ----------------------------------------------------------------------------------------------


def asked_as(server: Steered, method: str, **headers: str) -> Got:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.call(method, "/api/metrics/reset" if method == "POST" else "/api/metrics", None, named)


REFUSED = {
    "a name that was made to resolve to this machine": ("GET", {"Host": "evil.example"}),
    "another origin's form": ("POST", {"Origin": "http://evil.example"}),
    "a sandboxed page": ("POST", {"Origin": "null"}),
    "another port of this machine": ("POST", {"Origin": "http://127.0.0.1:1"}),
    "what a browser calls cross-site": ("POST", {"Sec_Fetch_Site": "cross-site"}),
}


@pytest.mark.parametrize(("method", "headers"), REFUSED.values(), ids=REFUSED)
def test_no_page_of_another_origin_may(server: Steered, method: str, headers: dict[str, str]) -> None:
    got = asked_as(server, method, **headers)
    assert (got.status, got.headers["content-type"]) == (403, "application/problem+json")
    assert "access-control-allow-origin" not in got.headers


def test_no_preflight_is_answered_for_it(server: Steered) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    got = server.call("OPTIONS", "/api/rules", None, headers)
    assert got.status in (403, 405)
    assert "access-control-allow-origin" not in got.headers


def test_its_own_page_may(server: Steered) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert asked_as(server, "POST", Origin=own, Sec_Fetch_Site="same-origin").status == 200
    assert asked_as(server, "GET", Host=f"localhost:{server.port}").status == 200
