"""A body that repeats earlier ones is the same as one that is read alone: its JSON, what a protocol reads of it, and
what its check returns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.json.codec import MISSING, JSONDecodeError, loads
from mockllm.core.request import divided_bodies
from mockllm.core.request.divided_bodies import BODIES, BodyCache
from mockllm.core.request.request import Request
from mockllm.dialects.router import RouteMatch, find_route
from tests.examples import examples
from tests.properties.conversations import PROTOCOLS, Protocol, bodies

READ = (
    "model", "stream", "part_tokens", "messages", "system", "user", "conversation_start", "turn", "tools",
    "tool_choice", "uncalled", "tool_results", "has_image", "response_format", "output_bounds", "input_tokens",
    "may_be_stored", "body", "fields",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def any_length() -> Iterator[None]:
    """Short bodies are remembered, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(divided_bodies, "MIN_DIVIDED_BYTES", 0)
        patch.setattr(
            divided_bodies, "HISTORY_KEY_BYTES", 4
        )  # so that conversations of a few bytes are found
        yield
    BODIES.clear()


def parsed(raw: bytes) -> Any:
    try:
        return loads(raw)
    except JSONDecodeError:
        return MISSING


def ordered(value: Any) -> Any:
    """The value with its types and the order of its members."""
    if type(value) is dict:
        return [(name, ordered(member)) for name, member in value.items()]
    return [ordered(item) for item in value] if type(value) is list else (type(value), value)


parts = st.sampled_from([
    b'{"a":', b"[", b"]", b"}", b"{", b",", b'"', b"\\", b"1", b"12", b".5", b" ", b'"user"', b'"a"',
    b'"b":', b"null", b'{"b":[1],"a":[', b'"],"b":2,"c":"', b'\\"a\\":[', b"],", b'"b":[2]}', b"e5", b"[1,2]",
    b"\xff", b'{"a":[1,{"x":2}',
])  # fmt: skip


@settings(max_examples=examples(2_000), deadline=None)
@given(st.lists(st.lists(parts, max_size=9).map(b"".join), min_size=1, max_size=3), st.data())
def test_any_bytes_have_the_parsers_value(raws: list[bytes], data: st.DataObject) -> None:
    cache = BodyCache()
    for raw in raws:
        more = data.draw(st.sampled_from([b"", b",3", b'3],"b":1}', b"]}", b" "]))
        for each in (raw, raw + more, raw):
            assert ordered(cache.read(each, "a")[0]) == ordered(parsed(each))


values = st.recursive(
    st.sampled_from([0, 1, 12, 1.5, True, None, "", "a", "],", '"', "\\", "é"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "user"]), inner, max_size=2)
    ),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=examples(2_000), deadline=None)
@given(
    st.lists(values, min_size=1, max_size=5),
    st.lists(st.tuples(st.sampled_from(["b", "c", "a", 'x"a']), values), max_size=3),
    st.lists(st.tuples(st.sampled_from(["b", "c", "a", 'x"a']), values), max_size=3),
    st.sampled_from([b",", b" ,\n"]),
    st.lists(st.integers(0, 5), min_size=2, max_size=5),
)
def test_any_members_have_the_parsers_value(
    turns: list[Any],
    before: list[tuple[str, Any]],
    after: list[tuple[str, Any]],
    comma: bytes,
    ends: list[int],
) -> None:
    """Names may come twice; the last one counts."""

    def members(pairs: list[tuple[str, Any]]) -> list[bytes]:
        return [json.dumps(name).encode() + b": " + json.dumps(value).encode() for name, value in pairs]

    cache = BodyCache()
    for end in ends:
        items = comma.join(json.dumps(turn).encode() for turn in turns[:end])
        raw = b"{" + b", ".join([*members(before), b'"a" :[' + items + b" ]", *members(after)]) + b"}\n"
        value, known = cache.read(raw, "a")
        assert ordered(value) == ordered(parsed(raw))
        if known is not None:
            assert known.items == known.fields["a"]


def request_of(protocol: Protocol, raw: bytes, headers: dict[str, str]) -> Request:
    """A request to the provider that has the path: it checks what the models of others do not restrict."""
    route = find_route("POST", protocol.path, headers, "")
    assert isinstance(route, RouteMatch)
    request: Request = protocol.request_class(
        method="POST",
        path=protocol.path,
        headers=headers,
        raw=raw,
        provider=route.provider,
        path_variables=route.path_variables,
    )
    return request


def read_alone(request: Request) -> Request:
    """The request as if no other had come."""
    body = parsed(request.raw)
    vars(request).update(body=body, fields=body if type(body) is dict else {}, _parts=None, depth_bound=0)
    return request


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=examples(1_500), deadline=None)
@given(data=st.data())
def test_conversation_reads_the_same_known_or_alone(name: str, data: st.DataObject) -> None:
    protocol = PROTOCOLS[name]
    BODIES.clear()
    headers = data.draw(st.sampled_from([{}, {"anthropic-beta": "interleaved-thinking-2025-05-14"}]))
    route = find_route("POST", protocol.path, headers, "")
    assert isinstance(route, RouteMatch)
    for raw in data.draw(bodies(protocol)):
        known, alone = request_of(protocol, raw, headers), read_alone(request_of(protocol, raw, headers))
        assert route.dialect.check(known) == route.dialect.check(alone)
        for attribute in (*READ, *protocol.request_class.shared_attributes):
            assert getattr(known, attribute) == getattr(alone, attribute), attribute
        dialect: Any = route.dialect
        assert dialect.encoding_key(known) == dialect.encoding_key(alone)
        assert ordered(known.fields) == ordered(alone.fields) == ordered(parsed(raw))
        for part in (b'"text"', b"hi", b'"role"'):
            assert known.occurrences(part) == alone.occurrences(part) == raw.count(part)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_conversation_that_grows_is_known(name: str) -> None:
    """The properties compare something: a body is found by the one before it."""
    protocol = PROTOCOLS[name]
    BODIES.clear()
    turns = b'{"role": "user", "content": "hi", "parts": [{"text": "hi"}]}'
    head = b'{"model": "gpt-4o", "max_tokens": 5, "%b": [' % protocol.member.encode()
    requests = [request_of(protocol, head + b",".join([turns] * count) + b"]}", {}) for count in (1, 2, 3)]
    for request in requests:
        assert len(request.messages) == len(request.fields[protocol.member])
    *_, last = (request.divided_body for request in requests)
    assert last is not None
    assert (last.known_turns.count, last.all_turns.count) == (2, 3)
