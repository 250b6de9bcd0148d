"""What a scenario says comes out of every official SDK the same: sync and async, whole and streamed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.live import Live
from tests.sdk.ways import WAYS, ClientReply, Question, Way

PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})

CASES = {
    "a text, with its own usage": (
        Question("hello"),
        ClientReply("Hello, world. It is a fine day.", usage=(12, 9)),
    ),
    "a call of a tool": (Question("weather?", tools=True), ClientReply("", (PARIS,), "tool_calls")),
    "a text and parallel calls": (
        Question("both cities", tools=True),
        ClientReply("I will look.", (PARIS, ROME), "tool_calls"),
    ),
    "max_tokens cuts": (  # the least that OpenAI's responses accept
        Question("long count", max_tokens=16),
        ClientReply(
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen",
            finish="length",
        ),
    ),
    "a text that is short enough is not cut": (
        Question("count", max_tokens=1000),
        ClientReply("one two three four five six"),
    ),
    "stop cuts": (Question("count", stop=[" four", "six"]), ClientReply("one two three", stopped_by=" four")),
    "a stop that does not come changes nothing": (
        Question("count", stop=["seven"]),
        ClientReply("one two three four five six"),
    ),
    "a refusal": (Question("a bomb, please"), ClientReply("I cannot help with that.", finish="refusal")),
    "thinking is no text": (Question("think"), ClientReply("Forty-two.")),
}


EVERY = {
    f"{case}, {way}": (*CASES[case], WAYS[way])
    for case in CASES
    for way in WAYS
    if not (CASES[case][0].stop and way.startswith("responses"))  # which has no word for it
}


@pytest.mark.parametrize(("question", "reply", "way"), EVERY.values(), ids=EVERY.keys())
@pytest.mark.covering("question", "way")
def test_every_client_reads_same_reply(live: Live, question: Question, reply: ClientReply, way: Way) -> None:
    response = way(live.url, question)
    assert response.usage == reply.usage or (reply.usage == (0, 0) and min(response.usage) > 0)
    assert response.stopped_by in (None, reply.stopped_by)  # only one of the protocols reports it
    assert replace(response, usage=reply.usage, stopped_by=reply.stopped_by) == reply


@pytest.mark.parametrize(("question", "reply"), CASES.values(), ids=CASES.keys())
def test_usage_is_the_same_whole_and_streamed(live: Live, question: Question, reply: ClientReply) -> None:
    usages: dict[str, set[tuple[int, int]]] = {}
    for name, way in WAYS.items():
        if not (question.stop and name.startswith("responses")):
            usages.setdefault(name.partition(",")[0], set()).add(way(live.url, question).usage)
    assert [len(result) for result in usages.values()] == [1] * len(usages)
    if not question.tools:  # whose calls the protocols frame, and count, in different ways
        assert len({output for result in usages.values() for _, output in result}) == 1
