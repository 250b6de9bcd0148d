"""What a scenario says comes out of every official SDK the same: sync and async, whole and streamed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.live import Live
from tests.sdk.ways import WAYS, Question, Said, Way

PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})

CASES = {
    "a text, with its own usage": (
        Question("hello"),
        Said("Hello, world. It is a fine day.", usage=(12, 9)),
    ),
    "a call of a tool": (Question("weather?", tools=True), Said("", (PARIS,), "tool_calls")),
    "a text and parallel calls": (
        Question("both cities", tools=True),
        Said("I will look.", (PARIS, ROME), "tool_calls"),
    ),
    "max_tokens cuts": (Question("count", max_tokens=3), Said("one two three", finish="length")),
    "a text that is short enough is not cut": (
        Question("count", max_tokens=1000),
        Said("one two three four five six"),
    ),
    "stop cuts": (Question("count", stop=[" four", "six"]), Said("one two three", stopped_by=" four")),
    "a stop that does not come changes nothing": (
        Question("count", stop=["seven"]),
        Said("one two three four five six"),
    ),
    "a refusal": (Question("a bomb, please"), Said("I cannot help with that.", finish="refusal")),
    "thinking is no text": (Question("think"), Said("Forty-two.")),
}


EVERY = {
    f"{case}, {way}": (*CASES[case], WAYS[way])
    for case in CASES
    for way in WAYS
    if not (CASES[case][0].stop and way.startswith("responses"))  # which has no word for it
}


@pytest.mark.parametrize(("question", "said", "way"), EVERY.values(), ids=EVERY.keys())
def test_every_client_reads_same_reply(live: Live, question: Question, said: Said, way: Way) -> None:
    found = way(live.url, question)
    assert found.usage == said.usage or (said.usage == (0, 0) and min(found.usage) > 0)
    assert found.stopped_by in (None, said.stopped_by)  # only one of the protocols tells it
    assert replace(found, usage=said.usage, stopped_by=said.stopped_by) == said


@pytest.mark.parametrize(("question", "said"), CASES.values(), ids=CASES.keys())
def test_usage_is_the_same_whole_and_streamed(live: Live, question: Question, said: Said) -> None:
    usages: dict[str, set[tuple[int, int]]] = {}
    for name, way in WAYS.items():
        if not (question.stop and name.startswith("responses")):
            usages.setdefault(name.partition(",")[0], set()).add(way(live.url, question).usage)
    assert [len(found) for found in usages.values()] == [1] * len(usages)
    if not question.tools:  # whose calls the protocols frame, and count, in different ways
        assert len({output for found in usages.values() for _, output in found}) == 1
