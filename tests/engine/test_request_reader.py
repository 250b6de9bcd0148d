"""Readers of requests with the same head."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.key_forms import REDACTED
from mockllm.core.redaction import key_hash
from mockllm.core.rendering.plan import EventStep
from mockllm.core.request.server_address import server_url
from mockllm.engine.session_id import SESSION_HEADER
from tests.language.virtual_server import NOW, VirtualServer

PATH = "/s/mine/v1/chat/completions"


def test_reader_with_other_headers_reads_the_same_route() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    first = engine.request_reader("POST", PATH, "a=1", {"content-length": "2", "x-a": "b"})
    second = first.with_headers({"content-length": "13", "x-a": "b"})
    request = second.read(b'{"model":"m"}', "::1", NOW)
    assert (request.method, request.path, request.query_string) == ("POST", "/v1/chat/completions", "a=1")
    assert (request.api, request.session, request.model) == ("chat", "mine", "m")
    assert request.headers["content-length"] == "13"
    assert first.read(b"{}", "::1", NOW).headers["content-length"] == "2", "the first reader keeps its own"


def test_reader_reads_without_a_use_of_the_session() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    reader = engine.request_reader("POST", PATH, "", {"x-mockllm-delay": "1s"})
    request = reader.read(b"{}", "::1", NOW, uses_session=False)
    assert (request.session, len(engine.state)) == ("mine", 0)
    engine.state.use_session("mine", NOW).seed = 7
    request = reader.read(b"{}", "::1", NOW + 1, uses_session=False)
    assert request.override_or_failure is not None
    assert engine.state.sessions()["mine"].last_used == NOW
    without = engine.request_reader("POST", "/v1/chat/completions", "", {"x-mockllm-delay": "1s"})
    assert without.read(b"{}", "::1", NOW, uses_session=False).session is None


def test_reader_without_use_of_session_leaves_its_shown_id() -> None:
    state = (engine := VirtualServer("rules: [{reply: hi}]").engine).state
    state.use_session(id := "opaque7key", NOW)  # as by the control API
    head = "POST", f"/s/{id}/v1/chat/completions", "", {"authorization": f"Bearer {id}"}
    engine.request_reader(*head).read(b"{}", "::1", NOW, uses_session=False)
    assert state.redacted_id(id) == id
    engine.request_reader(*head).read(b"{}", "::1", NOW)
    assert state.redacted_id(id).startswith("REDACTED-")


@pytest.mark.parametrize("value", ["1", "1" * 1_000], ids=["short", "long"])
def test_reader_reads_short_query_once_for_its_head(value: str) -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    reader = engine.request_reader("POST", PATH, f"a=0&a={value}&b=", {})
    first, second = reader.read(b"{}", "::1", NOW), reader.read(b"{}", "::1", NOW)
    assert first.query == second.query == {"a": value, "b": ""}
    assert (first.query is second.query) == (len(value) == 1)


def test_reader_over_tls_reads_addresses_with_https() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine

    def url(over_tls: bool, **headers: str) -> str:
        head = "POST", PATH, "", {"host": "h:1", **headers}
        return server_url(engine.request_reader(*head, over_tls=over_tls).read(b"{}", "::1", NOW), "/x")

    assert url(False) == "http://h:1/s/mine/x"
    assert url(True) == "https://h:1/s/mine/x"
    assert url(True, **{"x-forwarded-proto": "http"}) == "http://h:1/s/mine/x"


@pytest.mark.parametrize(
    ("over_tls", "forwarded", "scheme"),
    [(False, {}, "http"), (True, {}, "https"), (False, {"x-forwarded-proto": "https"}, "https")],
    ids=["plain", "TLS", "TLS at a proxy"],
)
def test_hint_of_base_url_has_scheme(over_tls: bool, forwarded: dict[str, str], scheme: str) -> None:
    engine = VirtualServer("rules: [{reply: hi, match: {path: /x}}]").engine
    head = "POST", "/v1/v1/chat/completions", "", {"host": "h:1", **forwarded}
    reader = engine.request_reader(*head, over_tls=over_tls)
    step = engine.respond(reader.read(b"{}", "::1", NOW)).plan.steps[0]
    assert isinstance(step, EventStep)
    assert f"base URL to {scheme}://h:1/v1".encode() in step.payload


def test_session_that_is_the_clients_key_is_shown_masked() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    key, other = "opaque7key7of7no7form", "another7key7without7form"
    for path, query, headers in (
        (f"/s/{key}/v1/models", "", {"x-api-key": key}),
        ("/v1/models", f"key={other}", {SESSION_HEADER: other}),
    ):
        engine.request_reader("GET", path, query, headers).read(b"", "::1", NOW)
    assert engine.state.redacted_id(key) == f"{REDACTED}-{key_hash(key)}"
    assert engine.state.redacted_id(other) == f"{REDACTED}-{key_hash(other)}"
    engine.request_reader("GET", "/s/mine/v1/models", "", {"x-api-key": key}).read(b"", "::1", NOW)
    assert engine.state.redacted_id("mine") == "mine"


def test_session_that_has_ended_is_created_when_it_is_used() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    key = "opaque7key7of7no7form"
    reader = engine.request_reader("GET", f"/s/{key}/v1/models", "", {"x-api-key": key})
    for monotonic in (NOW, NOW + 1):
        reader.use_session(NOW, monotonic)
    assert (engine.state.sessions()[key].number, engine.state.sessions()[key].last_used_monotonic) == (
        1,
        NOW + 1,
    )
    engine.state.end(key)
    reader.use_session(NOW, NOW + 2)
    assert engine.state.sessions()[key].number == 2
    assert engine.state.redacted_id(key) == f"{REDACTED}-{key_hash(key)}"


def test_head_without_a_session_creates_none() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    engine.request_reader("GET", "/v1/models", "", {}).use_session(NOW, NOW)
    assert not engine.state.sessions()


def test_reader_with_other_headers_differs_in_nothing_else() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    first = engine.request_reader("POST", PATH, "a=1", {"x-mockllm-seed": "7"})
    second = first.with_headers({"x-mockllm-seed": "7"})
    assert first._head_identity is not second._head_identity, (
        "equal bodies with other headers are not the same request"
    )
    for name in {*first.__slots__} - {"_head_identity"}:
        assert getattr(second, name) == getattr(first, name), name


def test_requests_with_one_head_match_by_head_and_body() -> None:
    server = VirtualServer(
        """
rules:
  - {name: here-a, match: {host: h:1, model: a}, reply: hi}
  - {name: thirteen, match: {host: h:1, headers: {content-length: "13"}}, reply: hi}
  - {name: here, match: {host: h:1}, reply: hi}
  - {name: elsewhere, match: {path: /v1/chat/completions}, reply: hi}
"""
    )
    here = server.engine.request_reader("POST", "/v1/chat/completions", "", {"host": "h:1"})
    elsewhere = server.engine.request_reader("POST", "/v1/chat/completions", "", {"host": "h:2"})
    longer = here.with_headers({"host": "h:1", "content-length": "13"})
    for _ in range(3):
        for reader, model, rule in (
            (here, "a", "here-a"), (here, "b", "here"), (elsewhere, "a", "elsewhere"),
            (longer, "a", "here-a"), (longer, "b", "thirteen"), (here, "b", "here"),
        ):  # fmt: skip
            body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
            response = server.engine.respond(reader.read(dumps(body), "::1", NOW))
            assert (response.responder_id or "").rpartition(":")[2] == rule


def test_request_after_a_reload_matches_the_new_rules() -> None:
    rules = "rules: [{name: ONE, match: {host: h:1}, reply: hi}, {name: TWO, match: {host: h:2}, reply: hi}]"
    before = VirtualServer(rules)
    after = VirtualServer(rules.replace("h:1", "h:3").replace("h:2", "h:1"))
    reader = before.engine.request_reader("POST", "/v1/chat/completions", "", {"host": "h:1"})
    body = dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    for server, rule in ((before, "ONE"), (after, "TWO"), (before, "ONE")):
        response = server.engine.respond(reader.read(body, "::1", NOW))
        assert (response.responder_id or "").rpartition(":")[2] == rule


def test_reader_of_one_request_finds_no_repeated_request() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    first = engine.request_reader("POST", "/v1/chat/completions", "", {})
    for is_unique, is_repeated in ((False, True), (True, False)):
        reader = first.with_headers({}, is_unique=is_unique)
        requests = [reader.read(b"{}", "::1", NOW) for _ in range(4)]
        assert any(each.repeated is not None for each in requests) is is_repeated
