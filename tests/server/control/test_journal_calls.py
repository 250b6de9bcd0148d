"""The journal in the control API: in pages, filtered, one entry in full, and exported."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from mockllm.core.key_forms import REDACTED
from tests.server.control.live_server import Steered, listed
from tests.server.http2.h2_client import H2Client
from tests.server.raw_client import Raw
from tests.waiting import until


def test_request_detail_shows_request_and_response(server: Steered) -> None:
    server.ask("hello", stream=True)
    (found,) = listed(server)
    shown = server.call("GET", f"/api/requests/{found['id']}").json
    assert (shown["rule"], shown["endpoint"], shown["model"]) == ("a.yaml:hello", "openai-chat", "gpt-4o")
    assert shown["request"]["body"]["messages"][0]["content"] == "hello"
    assert {"name": "Authorization", "value": "Bearer REDACTED"} in [
        {"name": each["name"].title(), "value": each["value"]} for each in shown["request"]["headers"]
    ]
    assert "s3cret" not in str(shown)
    assert shown["streamed"] is True
    assert shown["response"]["chunks"][-1]["text"].endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("number", "exact"), [("1.0", True), (str(2**53 + 1), True), ("1.5", False), ("7", False)]
)
def test_json_with_exact_numbers_has_its_text(server: Steered, number: str, exact: bool) -> None:
    body = f'{{"model": "gpt-4o", "messages": [{{"role": "user", "content": "hello"}}], "x": [{number}]}}'
    server.call("POST", "/v1/chat/completions", body)
    (found,) = listed(server)
    shown = server.call("GET", f"/api/requests/{found['id']}").json["request"]
    assert shown["body"]["model"] == "gpt-4o"
    assert shown["text"] == (body if exact else None)


def test_unknown_request_names_stored_ones(server: Steered) -> None:
    server.call("DELETE", "/api/requests")
    assert unknown_request(server) == "The journal has no request 0; it has none."
    server.ask("hello")
    (first,) = listed(server)
    assert unknown_request(server) == f"The journal has no request 0; it has {first['id']} only."
    server.ask("hello")
    assert (
        unknown_request(server) == f"The journal has no request 0; it has {first['id']} to {first['id'] + 1}."
    )


def unknown_request(server: Steered) -> str:
    return str(server.call("GET", "/api/requests/0").json["detail"])


def test_unmatched_request_detail_shows_near_misses(server: Steered) -> None:
    server.ask("good bye")
    (found,) = listed(server, "?missed=true")
    shown = server.call("GET", f"/api/requests/{found['id']}").json
    assert "hello" in shown["near_misses"][0]


def test_pages_follow_before_and_after(server: Steered) -> None:
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
    "?kind=errors": 1,
    "?kind=faults": 0,
    "?kind=streams": 0,
    "?key=nobody": 0,
    "?since=99999999999": 0,
}


@pytest.mark.parametrize(("query", "count"), FILTERS.items(), ids=FILTERS)
def test_filter_selects_requests(server: Steered, query: str, count: int) -> None:
    server.ask("hello", model="m2")
    server.ask("nothing")
    server.ask("never asked", session="mine")
    assert len(listed(server, query)) == count


def test_exports_contain_the_requests(server: Steered) -> None:
    server.ask("hello")
    exported = server.call("GET", "/api/requests/export")
    assert exported.headers["content-disposition"] == 'attachment; filename="mockllm.jsonl"'
    lines = exported.text.splitlines()
    assert len(lines) == 1
    (entry,) = server.call("GET", "/api/requests/export?format=har").json["log"]["entries"]
    assert entry["request"]["url"].endswith("/v1/chat/completions")
    assert "Hello you." in entry["response"]["content"]["text"]
    assert "s3cret" not in str(entry) + lines[0]


@pytest.mark.parametrize(
    ("search", "count"),
    [("zebra", 1), ("hello CHAT/completions", 1), ("m2", 1), ("hello zebra", 0), ("ze", 0), ("", 422)],
)
def test_export_searches_lines_and_bodies(server: Steered, search: str, count: int) -> None:
    server.ask("hello", model="m2")
    server.ask("a zebra")
    exported = server.call("GET", f"/api/requests/export?search={quote(search)}")
    assert (exported.status if exported.status != 200 else len(exported.text.splitlines())) == count


def test_export_ends_at_a_request(server: Steered) -> None:
    for _ in range(3):
        server.ask("hello")
    last, middle, first = (each["id"] for each in listed(server))
    exported = server.call("GET", f"/api/requests/export?until={middle}").text
    assert [f'"id":{id},' in exported for id in (first, middle, last)] == [True, True, False]


def test_filter_selects_requests_of_no_endpoint(server: Steered) -> None:
    server.ask("hello")
    server.call("GET", "/v1/nothing")
    assert [entry["path"] for entry in listed(server, "?endpoint=none")] == ["/v1/nothing"]


SECRET = "sk-" + "aB3" * 8
KEY = "own-key-1234"
EVERYWHERE: dict[str, tuple[str, dict[str, str], Any]] = {
    "a bearer": ("", {"authorization": f"Bearer {SECRET}"}, "hi"),
    "Anthropic's header": ("", {"x-api-key": SECRET}, "hi"),
    "Azure's header": ("", {"api-key": SECRET}, "hi"),
    "Google's header": ("", {"x-goog-api-key": SECRET}, "hi"),
    "Google's parameter": (f"?key={SECRET}&alt=sse", {}, "hi"),
    "a parameter in capitals, encoded": (f"?%41PI_KEY={SECRET}", {}, "hi"),
    "cookies": ("", {"cookie": f"session={SECRET}"}, "hi"),
    "a header of somebody's own": ("", {"x-vendor-token": SECRET}, "hi"),
    "the admin token": ("", {"x-mockllm-admin-token": SECRET}, "hi"),
    "what was said": ("", {}, f"my key is {SECRET}, is it?"),
    "the request's own key in what was said": ("", {"authorization": f"Bearer {KEY}"}, f"echo {KEY}"),
}


@pytest.mark.parametrize(("query", "headers", "user"), EVERYWHERE.values(), ids=EVERYWHERE)
def test_secrets_are_redacted(server: Steered, query: str, headers: dict[str, str], user: str) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"echo {user}"}]}
    server.call("POST", "/api/rules", {"reply": "You said: {{ user }}"})
    assert server.call("POST", f"/v1/chat/completions{query}", body, headers).status == 200
    (found,) = listed(server)
    for path in (
        "/api/requests",
        f"/api/requests/{found['id']}",
        "/api/requests/export",
        "/api/requests/export?format=har",
    ):
        text = server.call("GET", path).text
        assert SECRET not in text
        if user != "hi" and "api/requests/" in path:
            assert "You said: " in text


@pytest.mark.parametrize(
    "rule",
    [
        {"reply": "Key: {{ headers['x-api-key'] }}."},
        {"reply": {"tool_calls": "from_schema"}},
    ],
    ids=["text", "tool call"],
)
def test_secret_in_a_repeated_response_is_redacted(server: Steered, rule: dict[str, Any]) -> None:
    """From the third equal request on, the response comes from the response cache."""
    name = {"type": "object", "properties": {"account": {"type": "string"}}, "required": ["account"]}
    body = {
        "model": "gpt-4o",
        "messages": [
            {"role": "user", "content": f"The account is '{KEY}'. Call the tool with account {KEY}."}
        ],
        "tools": [{"type": "function", "function": {"name": "open", "parameters": name}}],
    }
    server.call("POST", "/api/rules", rule)
    for _ in range(5):
        response = server.call("POST", "/v1/chat/completions", body, {"x-api-key": KEY})
        assert KEY in response.text
    for each in listed(server):
        assert KEY not in server.call("GET", f"/api/requests/{each['id']}").text
    assert KEY not in server.call("GET", "/api/requests/export").text


def test_secret_in_an_echoed_field_is_redacted(server: Steered) -> None:
    """The third response comes from the response cache, with the fields that it echoes."""
    server.call("POST", "/api/rules", {"reply": "Hello."})
    body = {"model": "gpt-4o", "input": "hi", "metadata": {"owner": KEY}, "store": False}
    for _ in range(4):
        assert KEY in server.call("POST", "/v1/responses", body, {"x-api-key": KEY}).text
    for each in listed(server):
        assert KEY not in server.call("GET", f"/api/requests/{each['id']}").text


def test_journal_stores_no_named_secret(server: Steered) -> None:
    server.call("POST", f"/v1/x?key={SECRET}", f"mine is {KEY}", {"x-api-key": KEY, "cookie": SECRET})
    (kept,) = until(lambda: list(server.app.journal))
    assert SECRET not in repr(kept)
    assert KEY not in repr(kept)


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/x-www-form-urlencoded", "file_url=https%3A%2F%2Fuser%3Ahunter2LONGPW%40x%2Fa.wav"),
        ("application/x-www-form-urlencoded", "a=b&client_secret=hunter2LONGPW"),
        ("multipart/form-data; boundary=X", '--X\r\nA: b; name="api_key"\r\n\r\nhunter2LONGPW\r\n--X--\r\n'),
        ("application/json", '{"file_url":"https://x/a?key=hunter2LONGPW"}'),
    ],
    ids=["url in form", "form", "multipart", "url in json"],
)
def test_secret_in_any_kind_of_body_is_redacted(server: Steered, media_type: str, body: str) -> None:
    server.call("POST", "/token", body, {"content-type": media_type})
    (kept,) = until(lambda: list(server.app.journal))
    for path in ("", f"/{kept.number}", f"/{kept.number}/code", "/export", "/export?format=har"):
        answer = server.call("GET", f"/api/requests{path}")
        assert answer.status == 200, path
        assert "hunter2LONGPW" not in answer.text, path


TEXT, NUMBER, LIST = (str,), (int, float), (list,)
HAR: dict[str, dict[str, tuple[type, ...]]] = {
    "log": {"version": TEXT, "creator": (dict,), "entries": LIST},
    "creator": {"name": TEXT, "version": TEXT},
    "entry": {"startedDateTime": TEXT, "time": NUMBER, "request": (dict,), "response": (dict,), "cache": (dict,),
              "timings": (dict,)},
    "request": {"method": TEXT, "url": TEXT, "httpVersion": TEXT, "cookies": LIST, "headers": LIST,
                "queryString": LIST, "headersSize": NUMBER, "bodySize": NUMBER},
    "postData": {"mimeType": TEXT, "params": LIST, "text": TEXT},
    "response": {"status": NUMBER, "statusText": TEXT, "httpVersion": TEXT, "cookies": LIST, "headers": LIST,
                 "content": (dict,), "redirectURL": TEXT, "headersSize": NUMBER, "bodySize": NUMBER},
    "content": {"size": NUMBER, "mimeType": TEXT},
    "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
}  # fmt: skip
"""The required fields of HTTP Archive 1.2, and what they are."""


def is_har(part: str, found: Any) -> None:
    assert isinstance(found, dict)
    for name, kinds in HAR[part].items():
        assert name in found, f"{part} has no {name}"
        assert isinstance(found[name], kinds), f"{part}.{name} is {found[name]!r}"
    assert all(
        name in HAR[part] or name.startswith("_") or name in ("encoding", "text", "postData")
        for name in found
    )
    for pair in (*found.get("headers", ()), *found.get("queryString", ())):
        assert sorted(pair) == ["name", "value"]


def test_har_export_has_all_required_fields(server: Steered) -> None:
    server.ask("hello", stream=True)
    server.ask("good bye")
    server.call("GET", "/v1/models?a=&b=%C3%A9&b=2")
    server.call("POST", "/v1/files", b"\x00\xff", {"content-type": "application/octet-stream"})
    with Raw(server.port) as raw:
        raw.send(b"GET http://example.test/v1/models HTTP/1.1\r\nHost: example.test\r\n\r\n").answer()
    with Raw(server.port) as raw:
        raw.send(b"GET /v1/models HTTP/1.0\r\n\r\n").answer()
    with Raw(server.port) as raw:
        raw.send(b"no request at all\r\n\r\n").answer()
    with H2Client(server.port) as client:
        client.response(client.ask("/v1/models"))
    log = server.call("GET", "/api/requests/export?format=har").json["log"]
    is_har("log", log)
    is_har("creator", log["creator"])
    versions = [(each["request"]["httpVersion"], each["response"]["httpVersion"]) for each in log["entries"]]
    assert versions[-3:] == [("HTTP/1.0", "HTTP/1.1"), ("HTTP/1.1", "HTTP/1.1"), ("HTTP/2", "HTTP/2")]
    assert (log["version"], len(log["entries"])) == ("1.2", 8)
    for entry in log["entries"]:
        is_har("entry", entry)
        for part in ("request", "response", "timings"):
            is_har(part, entry[part])
        is_har("content", entry["response"]["content"])
        if "postData" in entry["request"]:
            is_har("postData", entry["request"]["postData"])
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert entry["time"] == pytest.approx(sum(entry["timings"].values()))
        assert min(entry["timings"].values()) >= 0
        assert urlsplit(entry["request"]["url"]).scheme == "http"
        assert urlsplit(entry["request"]["url"]).netloc
    requested = [entry["request"] for entry in log["entries"]]
    assert requested[2]["queryString"] == [
        {"name": "a", "value": ""},
        {"name": "b", "value": "é"},
        {"name": "b", "value": "2"},
    ]
    assert requested[4]["url"] == "http://example.test/v1/models"
    assert requested[5]["httpVersion"] == "HTTP/1.0"
    assert log["entries"][0]["response"]["statusText"] == "OK"


def test_text_like_a_key_is_redacted_everywhere(server: Steered) -> None:
    key = "sk-" + "aB3" * 8
    server.ask(f"my key is {key}", model=key)
    server.call("GET", f"/v1/{key}", headers={"x-mine": key, "referer": f"http://x/?q={key}"})
    ids = [each["id"] for each in listed(server)]
    assert [each["model"] for each in listed(server, f"?model={REDACTED}")] == [REDACTED]
    assert [each["model"] for each in listed(server, f"?model={key}")] == [REDACTED]
    stated = [server.call("GET", f"/api/requests{path}") for path in ("", "/export", "/export?format=har")]
    for id in ids:
        stated += [server.call("GET", f"/api/requests/{id}{path}") for path in ("", "/rule")]
        stated.append(server.call("POST", "/api/explain", {"request_id": id}))
    stated.append(server.call("POST", "/api/verify", {"expect": [{"match": {"user": "x", "model": "y"}}]}))
    stated += [server.call("GET", path) for path in ("/metrics", "/api/detailed-metrics", "/api/verdicts")]
    assert {each.status for each in stated} == {200}
    assert [each.text for each in stated if "aB3aB3" in each.text] == []
