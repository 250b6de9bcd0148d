"""Sameness: the same seed and the same requests give the same bytes, whatever else happens meanwhile."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import re

import pytest

from tests.language.playing import NOW, Ask, Heard, chat, claude, play

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
RUN = [chat(key="k", stream=bool(number % 2)) for number in range(6)] + [
    claude(key="k", stream=True),
    claude(key="k"),
]


def bytes_of(heard: list[Heard]) -> list[object]:
    """All that a client could see: head, moments, bytes."""
    return [(each.status, each.headers, each.delay, each.written) for each in heard]


def test_the_same_seed_gives_the_same_run() -> None:
    assert bytes_of(play(DICE, *RUN)) == bytes_of(play(DICE, *RUN))
    assert bytes_of(play(DICE, *RUN, seed=7)) == bytes_of(play(DICE, *RUN, seed=7))


def test_another_seed_gives_another() -> None:
    one, two = play(DICE, *RUN), play(DICE, *RUN, seed=1)
    assert [each.delay for each in one] != [each.delay for each in two]
    assert one[0].headers["x-request-id"] != two[0].headers["x-request-id"]


def test_without_a_seed_it_is_0() -> None:
    assert bytes_of(play(DICE, *RUN)) == bytes_of(play(DICE, *RUN, seed=0))


def test_what_other_clients_do_in_between_changes_nothing() -> None:
    alone = play(DICE, *RUN)
    mixed = play(DICE, *[each for one in RUN for each in (chat(key="other"), one, claude(key="third"))])
    assert bytes_of(mixed[1::3]) == bytes_of(alone)


def test_what_other_rules_answer_in_between_changes_no_draw() -> None:
    yaml = "rules: [{match: {user: else}, reply: x}, {name: dice, choose: [a, b, c], delay: [1s, 2s]}]"
    alone = play(yaml, *[chat()] * 9)
    mixed = play(yaml, *[chat("else" if number % 3 else "hi") for number in range(27)])[::3]
    assert [(each.text, each.delay) for each in mixed] == [(each.text, each.delay) for each in alone]


def test_two_sessions_see_the_same_run() -> None:
    runs = [
        [Ask(**{**vars(each), "headers": {**each.headers, "x-mockllm-session": session}}) for each in RUN]
        for session in ("one", "two")
    ]
    one, two = (bytes_of(play(DICE, *run)) for run in runs)
    assert one == two == bytes_of(play(DICE, *RUN))


def test_also_when_they_take_turns() -> None:
    turns = [chat(session=session) for _ in range(5) for session in ("one", "two")]
    heard = play(DICE, *turns)
    assert bytes_of(heard[::2]) == bytes_of(heard[1::2])


def test_the_same_now_gives_the_same_bytes_and_another_changes_time_fields_alone() -> None:
    yaml = "rules: [{reply: hello}]"
    for ask in (chat, claude):
        for stream in (True, False):
            now, again, later = (play(yaml, ask(stream=stream, now=at))[0] for at in (NOW, NOW, NOW + 100))
            assert now.bytes == again.bytes
            assert re.sub(rb"17\d{8}", b"", now.bytes) == re.sub(rb"17\d{8}", b"", later.bytes)


def test_time_fields_come_from_the_requests_now() -> None:
    heard = play("rules: [{reply: hello}]", chat(), chat(stream=True), chat(stream=True, now=NOW + 7.9))
    assert heard[0].json["created"] == NOW
    assert {event.json["created"] for event in heard[1].events[:-1]} == {NOW}
    assert {event.json["created"] for event in heard[2].events[:-1]} == {NOW + 7}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("ask", [chat, claude])
@pytest.mark.parametrize(
    "says", ["reply: hello", "reply: '{{ user }}'", "error: overloaded", "reply: {tool_calls: [{name: f}]}"]
)
def test_ids_differ_from_request_to_request(says: str, ask: type, stream: bool) -> None:
    heard = play(f"rules: [{{{says}}}]", *[ask(stream=stream)] * 20)
    found = [re.findall(r"(?:chatcmpl-|msg_|call_|toolu_)\w+", each.bytes.decode()) for each in heard]
    if "error" not in says:
        assert all(found)
    assert len({tuple(ids) for ids in found if ids}) in (0, 20)
    assert len({each.headers.get("x-request-id") or each.headers["request-id"] for each in heard}) == 20


def test_editing_an_answer_does_not_change_what_it_draws() -> None:
    one = play("rules: [{name: r, choose: [a, b], delay: [1s, 2s]}]", *[chat()] * 9)
    two = play("rules: [{name: r, choose: [a, c], delay: [1s, 2s]}]", *[chat()] * 9)
    assert [each.delay for each in one] == [each.delay for each in two]
    assert [each.text == "a" for each in one] == [each.text == "a" for each in two]


def test_adding_a_draw_changes_no_other() -> None:
    one = play("rules: [{name: r, reply: x, pace: {ttft: [1s, 2s]}}]", *[chat(stream=True)] * 5)
    two = play(
        "rules: [{name: r, reply: x, delay: [1s, 2s], pace: {ttft: [1s, 2s]}}]", *[chat(stream=True)] * 5
    )
    assert [each.took for each in one] == pytest.approx([each.took - each.delay for each in two])
