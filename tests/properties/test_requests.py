"""No request makes a 5xx: any JSON, any bytes, odd paths, queries and headers, deep nesting; in the engine
with the default pack, and at a live server's socket.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import EventStep
from mockllm.engine import Engine
from tests.examples import examples
from tests.live import Live
from tests.live import live as serve
from tests.server.raw_client import Raw

WORDS = [
    *("model", "messages", "role", "content", "user", "assistant", "system", "tool", "tools", "type", "text"),
    *(
        "tool_calls",
        "tool_call_id",
        "tool_use",
        "tool_result",
        "tool_use_id",
        "id",
        "name",
        "input",
        "function",
    ),
    *(
        "arguments",
        "image_url",
        "url",
        "source",
        "thinking",
        "stream",
        "stream_options",
        "include_usage",
        "n",
    ),
    *("max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "stop_sequences", "tool_choice"),
    *("response_format", "json_schema", "schema", "output_config", "format", "input_schema", "parameters"),
    *("signature", "budget_tokens", "enabled", "auto", "any", "required", "object", "gpt-4o", "o3", "thread"),
]
PATHS = [
    *("/v1/chat/completions", "/v1/messages", "/v1/models", "/v1/models/x", "/openai/v1/chat/completions"),
    *(
        "/anthropic/v1/messages",
        "/chat/completions",
        "/v1//messages",
        "/v1/models/a%2Fb%3Ac",
        "/nothing/here",
    ),
]
METHODS = ["POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "FROB"]
QUERIES = [
    "",
    "stream=true",
    "delay=0",
    "delay=x",
    "fail=abc",
    "fail=418",
    "fail_chunk=2",
    "fail_chunk=-1",
    "beta=true",
]
HEADERS = [
    *("x-api-key", "authorization", "anthropic-version", "anthropic-beta", "content-type", "accept"),
    *("x-mockllm-session", "x-stainless-retry-count", "user-agent", "origin", "openai-organization"),
]

strings = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | strings
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=5),
    max_leaves=25,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(WORDS), "content": anything}, optional={"tool_calls": anything}
    )
    | anything,
    max_size=4,
)
likely = st.builds(
    lambda whole, odd: {**whole, **odd},
    st.fixed_dictionaries(
        {"model": strings, "max_tokens": st.integers(-1, 50), "messages": messages | anything}
    ),
    st.dictionaries(st.sampled_from(WORDS), anything, max_size=3),
)
nested = st.builds(
    lambda depth, start, middle, end: start.encode() * depth + middle + end.encode() * depth,
    st.integers(1, 3000),
    st.sampled_from(["[", '{"messages":', '{"content":[']),
    st.sampled_from([b"", b"1", b"null"]),
    st.sampled_from(["", "]", "}", "]}"]),
)
bodies = (
    (likely | anything).map(lambda body: dumps(body) if body == body else b"NaN")
    | st.binary(max_size=60)
    | nested
    | st.just(b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}')
)
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#?"), max_size=20)
paths = st.sampled_from(PATHS) | visible.map(lambda text: "/" + text)
queries = st.sampled_from(QUERIES) | visible
headers = st.dictionaries(
    st.sampled_from(HEADERS),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20),
    max_size=3,
)


def meant(status: int, body: bytes, query: str) -> bool:
    """Whether a response is no 5xx, or one that is meant: the request itself causes it, or names a call that the
    provider has and this server lacks (501)."""
    return status < 500 or "fail=" in query or (status == 501 and b"Known API, not served" in body)


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    fast = ["stream_initial_delay_ms=0", "stream_delay_ms=0", "stream_jitter_ms=0"]
    with serve(packs=["default"], settings=fast) as server:
        yield server


@pytest.fixture(scope="module")
def engine(live: Live) -> Engine:
    built = live.app.engine
    assert isinstance(built, Engine)
    return built


@given(st.sampled_from(METHODS), paths, queries, headers, bodies)
@settings(max_examples=examples(800), deadline=None)
@example("POST", "/v1/messages", "", {}, b'{"model":"m","max_tokens":1,"messages":[null]}')
@example("POST", "/v1/chat/completions", "", {}, b"")
@example("GET", "/v1/models/%00%ff", "", {"x-api-key": ""}, b"")
@example("POST", "/vector_stores", "", {}, b"")
def test_no_request_makes_a_5xx_in_the_engine(
    engine: Engine, method: str, path: str, query: str, headers: dict[str, str], raw: bytes
) -> None:
    request = engine.read(method, path, query, headers, raw, "127.0.0.1", 1_760_000_000.0)
    plan = engine.respond(request).plan
    body = b"".join(step.payload for step in plan.steps if isinstance(step, EventStep))
    assert meant(plan.head.status, body, query)
    for name, value in plan.head.headers:
        assert (name + value).isprintable(), "a header that can be sent"
        (name + value).encode("latin-1")
    assert all(isinstance(step.payload, bytes) for step in plan.steps if isinstance(step, EventStep))


@given(st.sampled_from(METHODS), paths, queries, headers, bodies)
@settings(max_examples=examples(150), deadline=None)
def test_looking_at_a_request_counts_and_raises_nothing(
    engine: Engine, method: str, path: str, query: str, headers: dict[str, str], raw: bytes
) -> None:
    request = engine.read(method, path, query, headers, raw, "127.0.0.1", 1_760_000_000.0)
    first, second = (engine.preview(request).build() for _ in range(2))
    assert first.plan == second.plan


@given(st.sampled_from(METHODS), paths, queries, headers, bodies)
@settings(max_examples=examples(150), deadline=None)
@example("POST", "/v1/vector_stores", "", {}, b"")
def test_no_request_makes_a_5xx_at_the_socket(
    live: Live, method: str, path: str, query: str, headers: dict[str, str], raw: bytes
) -> None:
    lines = [
        f"{method} {path}?{query} HTTP/1.1",
        "host: x",
        "connection: close",
        f"content-length: {len(raw)}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    assert meant(*status_and_rest(live, "\r\n".join([*lines, "", ""]).encode("latin-1") + raw), query)


@given(st.binary(max_size=200))
@settings(max_examples=examples(60), deadline=None)
@example(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n")
@example(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc")
@example(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
@example(b"GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n")
def test_no_bytes_make_a_5xx(live: Live, data: bytes) -> None:
    assert meant(*status_and_rest(live, data, ends=True), "")


DEEP = {
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand objects": b'{"a":' * 100_000,
    "closed again": b"[" * 50_000 + b"]" * 50_000,
    "inside a request": b'{"model":"m","messages":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("raw", DEEP.values(), ids=DEEP.keys())
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_deep_nesting_is_a_400(live: Live, path: str, raw: bytes) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(raw)}\r\n\r\n"
    assert status_and_rest(live, head.encode() + raw)[0] == 400


@pytest.mark.parametrize("depth", [100, 300, 900, 5000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_json_in_a_text_may_be_nested_however_deep(
    engine: Engine, opening: str, closing: str, depth: int
) -> None:
    reported = opening * depth + "1" + closing * depth
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": reported}}
    turns = [
        {"role": "user", "content": reported},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    body = {"model": "m", "messages": [*turns, {"role": "tool", "tool_call_id": "c", "content": reported}]}
    request = engine.read("POST", "/v1/chat/completions", "", {}, dumps(body), "127.0.0.1", 1_760_000_000.0)
    assert engine.respond(request).status == 200


def status_and_rest(live: Live, data: bytes, *, ends: bool = False) -> tuple[int, bytes]:
    """The status of the first response, and all that came behind it. `ends`: the client says nothing more after
    half a request, which may also just end the connection, without a response: 0."""
    with Raw(live.port) as client:
        client.send(data)
        if ends:
            client.sock.shutdown(socket.SHUT_WR)
        first, _, rest = client.to_the_end().partition(b"\r\n")
    if ends and not first:
        return 0, rest
    assert first.startswith(b"HTTP/1.")
    return int(first.split(b" ")[1]), rest
