"""The same seed and the same requests have the same bytes, whatever else happens meanwhile."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import re

import pytest

from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    ClientResponse,
    chat_request,
    claude_request,
    respond_all,
)

DICE = """
rules:
  - name: dice
    per: api_key
    choose: [a, b, {weight: 2, reply: {text: {sentences: [1, 4]}}}]
    delay: [1s, 2s]
    pace: {ttft: {lognormal: {median: 300ms, p99: 2s}}, tokens_per_second: [40, 80], jitter: 10ms, chunk_size: 4 tokens}
modifiers:
  - {name: m, chance: 30%, per: api_key, headers: {x-bad: weather}}
"""
RUN = [chat_request(key="k", stream=bool(number % 2)) for number in range(6)] + [
    claude_request(key="k", stream=True),
    claude_request(key="k"),
]


def bytes_of(responses: list[ClientResponse]) -> list[object]:
    """All that a client could see: head, times of chunks, bytes."""
    return [(each.status, each.headers, each.delay, each.timed_bytes) for each in responses]


def test_same_seed_has_same_run() -> None:
    assert bytes_of(respond_all(DICE, *RUN)) == bytes_of(respond_all(DICE, *RUN))
    assert bytes_of(respond_all(DICE, *RUN, seed=7)) == bytes_of(respond_all(DICE, *RUN, seed=7))


def test_other_seed_has_other_run() -> None:
    first_item, two = respond_all(DICE, *RUN), respond_all(DICE, *RUN, seed=1)
    assert [each.delay for each in first_item] != [each.delay for each in two]
    assert first_item[0].headers["x-request-id"] != two[0].headers["x-request-id"]


def test_default_seed_is_0() -> None:
    assert bytes_of(respond_all(DICE, *RUN)) == bytes_of(respond_all(DICE, *RUN, seed=0))


def test_run_is_independent_of_other_clients() -> None:
    alone = respond_all(DICE, *RUN)
    mixed = respond_all(
        DICE,
        *[
            each
            for first_item in RUN
            for each in (chat_request(key="other"), first_item, claude_request(key="third"))
        ],
    )
    assert bytes_of(mixed[1::3]) == bytes_of(alone)


def test_draws_are_independent_of_other_rules() -> None:
    yaml = "rules: [{match: {user: else}, reply: x}, {name: dice, choose: [a, b, c], delay: [1s, 2s]}]"
    alone = respond_all(yaml, *[chat_request()] * 9)
    mixed = respond_all(yaml, *[chat_request("else" if number % 3 else "hi") for number in range(27)])[::3]
    assert [(each.text, each.delay) for each in mixed] == [(each.text, each.delay) for each in alone]


def test_two_sessions_have_same_run() -> None:
    runs = [
        [
            ClientRequest(**{**vars(each), "headers": {**each.headers, "x-mockllm-session": session}})
            for each in RUN
        ]
        for session in ("one", "two")
    ]
    first_item, two = (bytes_of(respond_all(DICE, *run)) for run in runs)
    assert first_item == two == bytes_of(respond_all(DICE, *RUN))


def test_interleaved_sessions_have_same_run() -> None:
    turns = [chat_request(session=session) for _ in range(5) for session in ("one", "two")]
    responses = respond_all(DICE, *turns)
    assert bytes_of(responses[::2]) == bytes_of(responses[1::2])


def test_other_now_changes_time_fields_only() -> None:
    yaml = "rules: [{reply: hello}]"
    for ask in (chat_request, claude_request):
        for stream in (True, False):
            now, again, later = (
                respond_all(yaml, ask(stream=stream, now=at))[0] for at in (NOW, NOW, NOW + 100)
            )
            assert now.bytes == again.bytes
            assert re.sub(rb"17\d{8}", b"", now.bytes) == re.sub(rb"17\d{8}", b"", later.bytes)


def test_time_fields_are_now_of_request() -> None:
    responses = respond_all(
        "rules: [{reply: hello}]",
        chat_request(),
        chat_request(stream=True),
        chat_request(stream=True, now=NOW + 7.9),
    )
    assert responses[0].json["created"] == NOW
    assert {event.json["created"] for event in responses[1].events[:-1]} == {NOW}
    assert {event.json["created"] for event in responses[2].events[:-1]} == {NOW + 7}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("ask", [chat_request, claude_request])
@pytest.mark.parametrize(
    "message",
    ["reply: hello", "reply: '{{ user }}'", "error: overloaded", "reply: {tool_calls: [{name: f}]}"],
)
def test_ids_differ_by_request(message: str, ask: type, stream: bool) -> None:
    responses = respond_all(f"rules: [{{{message}}}]", *[ask(stream=stream)] * 20)
    result = [re.findall(r"(?:chatcmpl-|msg_|call_|toolu_)\w+", each.bytes.decode()) for each in responses]
    if "error" not in message:
        assert all(result)
    assert len({tuple(ids) for ids in result if ids}) in (0, 20)
    assert len({each.headers.get("x-request-id") or each.headers["request-id"] for each in responses}) == 20


def test_edited_response_has_same_draws() -> None:
    first_item = respond_all("rules: [{name: r, choose: [a, b], delay: [1s, 2s]}]", *[chat_request()] * 9)
    two = respond_all("rules: [{name: r, choose: [a, c], delay: [1s, 2s]}]", *[chat_request()] * 9)
    assert [each.delay for each in first_item] == [each.delay for each in two]
    assert [each.text == "a" for each in first_item] == [each.text == "a" for each in two]


def test_added_draw_changes_no_other() -> None:
    first_item = respond_all(
        "rules: [{name: r, reply: x, pace: {ttft: [1s, 2s]}}]", *[chat_request(stream=True)] * 5
    )
    two = respond_all(
        "rules: [{name: r, reply: x, delay: [1s, 2s], pace: {ttft: [1s, 2s]}}]",
        *[chat_request(stream=True)] * 5,
    )
    assert [each.took for each in first_item] == pytest.approx([each.took - each.delay for each in two])
