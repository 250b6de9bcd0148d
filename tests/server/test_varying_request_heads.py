"""Heads that differ in the values of some headers are read as if they were parsed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.server import request_heads, varying_request_heads
from mockllm.server.app import App
from mockllm.server.request_heads import RequestHead, RequestHeadCache
from mockllm.server.server_limits import ServerLimits
from mockllm.server.varying_request_heads import MAX_NAMES, VaryingHeads
from tests.server.fake_engine import FakeEngine
from tests.server.raw_client import Raw, request
from tests.server.test_request_heads import add, cached, echo, parsed
from tests.server.threaded_server import ThreadedServer

ENGINE = FakeEngine({"/echo": echo})
BODY = b'{"a": 1}'


@pytest.fixture
def server() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(ENGINE, limits=ServerLimits(grace=0.2, linger=0.2, header=200)))
    served.start()
    yield served
    served.stop()


def with_id(id: str, body: bytes = BODY, name: str = "x-request-id", **more: str) -> bytes:
    return request("POST", "/echo", body, **{name: id}, **more)


def learned(*names: str) -> RequestHeadCache:
    """A cache that has learned that these headers vary, and has a head with them."""
    heads = RequestHeadCache(max_header=200)
    for turn in range(3):
        sent = request("POST", "/echo", BODY, **dict.fromkeys(names, f"value {turn}"))
        add(heads, RequestHead(parsed(sent), ascii=True), sent)
    return heads


def values_of(head: RequestHead) -> tuple[object, ...]:
    message = head.message
    items = list(head.headers.items()), list(message.headers.items())
    rest = (message.method, message.path, message.version, message.should_close, message.chunked)
    return head.path, head.query_string, head.may_skip_engine, head.constraints, *items, *rest


def test_head_with_other_value_is_found() -> None:
    heads = learned("x-request-id")
    found = cached(heads, with_id("another", b"a longer body"))
    assert found is not None
    assert found.headers["X-Request-Id"] == "another"
    assert found.headers["content-length"] == "13"
    assert found.body_length == 13


@given(
    st.text(st.characters(max_codepoint=300, blacklist_characters="\r\n\0")),
    st.binary(min_size=1, max_size=20),
)
def test_found_head_equals_the_parsed_one(value: str, body: bytes) -> None:
    heads = learned("x-request-id")
    for sent in (
        with_id(value, body),
        with_id(value, body),
        with_id(value, body),
        with_id(value, body + b"!"),
    ):
        found = cached(heads, sent)
        if found is not None:
            assert values_of(found) == values_of(RequestHead(parsed(sent), ascii=True))
        else:
            assert not (value.isascii() and value.isprintable() and value.strip() == value)


def test_head_whose_value_comes_again_is_cached_as_a_whole() -> None:
    heads = learned("x-api-key")
    sent = [with_id(f"key {client}", name="x-api-key") for client in range(2)]
    first, again, later = ([cached(heads, each) for each in sent] for _ in range(3))
    assert all(head is not None and head._is_unique for head in first)
    assert all(head is not None and not head._is_unique for head in again)
    assert later == again
    longer = cached(heads, with_id("key 0", b"a longer body", name="x-api-key"))
    assert longer is not None
    assert (longer.body_length, longer.headers["x-api-key"], longer._is_unique) == (13, "key 0", False)


def test_whole_heads_with_values_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_heads, "MAX_CACHED_HEADS", 3)
    heads = learned("x-api-key")
    for _ in range(3):
        for client in range(10):
            assert cached(heads, with_id(f"key {client}", name="x-api-key")) is not None
            assert len(heads._heads) <= 3
            assert len(heads._by_exact_bytes) <= 3


@pytest.mark.parametrize("value", ["grün", " b", "b ", "a\tb", "\x7f", "b" * 189])
def test_head_with_unusual_value_is_not_found(value: str) -> None:
    assert cached(learned("x-request-id"), with_id(value)) is None


@pytest.mark.parametrize("names", [("traceparent", "x-request-id"), ("b", "a", "c")])
def test_several_headers_may_vary(names: tuple[str, ...]) -> None:
    headers = {name: f"of {name}" for name in names}
    sent = request("POST", "/echo", BODY, **headers)
    found = cached(learned(*names), sent)
    assert found is not None
    assert values_of(found) == values_of(RequestHead(parsed(sent), ascii=True))


def test_further_header_that_varies_is_learned() -> None:
    heads = learned("x-request-id")
    for turn in range(3):
        sent = with_id(f"id {turn}", traceparent=f"trace {turn}")
        add(heads, RequestHead(parsed(sent), ascii=True), sent)
    found = cached(heads, with_id("id", traceparent="trace"))
    assert found is not None
    assert (found.headers["x-request-id"], found.headers["traceparent"]) == ("id", "trace")


@pytest.mark.parametrize(
    "name",
    [
        "expect",
        "content-encoding",
        "upgrade",
        "connection",
        "x-mockllm-session",
        "X-Mockllm-Fault",
        "te",
        "x-forwarded-proto",
    ],
)
def test_header_that_is_read_with_the_head_does_not_vary(name: str) -> None:
    assert cached(learned(name), with_id("another", name=name)) is None


def test_host_does_not_vary() -> None:
    heads = RequestHeadCache()
    for turn in range(4):
        sent = with_id("id").replace(b"Host: test", b"Host: test%d" % turn)
        assert b"test%d" % turn in sent
        add(heads, RequestHead(parsed(sent), ascii=True), sent)
    assert cached(heads, with_id("id")) is None


def test_other_path_does_not_vary() -> None:
    heads = RequestHeadCache()
    for turn in range(4):
        sent = request("POST", f"/models/x:{turn}", BODY)
        add(heads, RequestHead(parsed(sent), ascii=True), sent)
    assert cached(heads, request("POST", "/models/x:9", BODY)) is None


@pytest.mark.parametrize("extra", ["x-request-id: again\r\n", "X-REQUEST-ID: again\r\n"])
def test_repeated_header_does_not_vary(extra: str) -> None:
    heads = learned("x-request-id")
    for turn in range(3):
        sent = with_id(f"id {turn}").replace(b"\r\n\r\n", f"\r\n{extra}\r\n".encode(), 1)
        add(heads, RequestHead(parsed(sent), ascii=True), sent)
        assert cached(heads, sent.replace(b": id", b": other id")) is None


@pytest.mark.parametrize(
    "second", ["x-tenant: {}", "X-Tenant: {}", "x-tenant:{}"], ids=["same", "other case", "no space"]
)
def test_header_that_comes_twice_is_not_learned(second: str) -> None:
    heads = RequestHeadCache()

    def send(first: str, other: str | None = None) -> RequestHead:
        sent = with_id(first, name="x-tenant")
        if other is not None:
            sent = sent.replace(b"\r\n\r\n", f"\r\n{second.format(other)}\r\n\r\n".encode(), 1)
        found = cached(heads, sent)
        if found is None:
            add(heads, found := RequestHead(parsed(sent), ascii=True), sent)
        return found

    for first, other in ("ab", "cb", "cd", "ce"):
        assert send(first, other).message.headers.getall("x-tenant") == [first, other]
    for value in ("", "f", "g", "h", "", "i"):
        assert send(value).headers["x-tenant"] == value


def test_headers_that_vary_now_are_learned_when_many_varied() -> None:
    heads = learned(*(f"x-{number}" for number in range(MAX_NAMES)))
    for turn in range(3):
        sent = with_id(f"id {turn}")
        add(heads, RequestHead(parsed(sent), ascii=True), sent)
    assert cached(heads, with_id("another")) is not None


def test_varying_heads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(varying_request_heads, "MAX_VARYING_HEADS", 3)
    heads = learned("x-request-id")
    for turn in range(8):
        sent = with_id("id", agent="a" * turn)
        add(heads, RequestHead(parsed(sent), ascii=True), sent)
    assert 0 < len(heads._varying._heads) <= 3
    found: VaryingHeads[RequestHead] = VaryingHeads(200)
    for turn in range(3 * MAX_NAMES):
        for value in "abc":
            found._learn([b"GET / HTTP/1.1", b"x-%d: %b" % (turn, value.encode())])
    assert 0 < len(found._names) <= MAX_NAMES


def test_clearing_drops_varying_heads() -> None:
    heads = learned("x-request-id")
    heads.clear()
    assert cached(heads, with_id("another")) is None


def test_requests_with_their_own_header_have_their_own_response(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        for turn in range(6):
            body = BODY + b" " * turn
            echoed = json.loads(raw.send(with_id(f"id-{turn}", body)).answer().body)
            assert echoed["body"] == body.decode()
            headers = {name.lower(): value for name, value in echoed["headers"]}
            assert headers["content-length"] == str(len(body))
            assert headers["x-request-id"] == f"id-{turn}"
        assert cached(server.app.head_cache, with_id("another")) is not None
        assert raw.send(with_id("b" * 300)).answer().status == 431, "the header is too long"
    in_journal = [dict(each.headers)["x-request-id"] for each in [*server.app.journal][:6]]
    assert in_journal == [f"id-{turn}" for turn in range(6)]
