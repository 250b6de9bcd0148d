"""How likely tokens are: plausible figures, the same for the same tokens."""

from __future__ import annotations

from math import exp

import pytest

from mockllm.core.reply import logprobs
from mockllm.core.reply.logprobs import StreamedTokenLogprobs, part_token_texts, token_logprobs
from mockllm.core.reply.reply import Pause, Refusal, Text

REPORTED = ["The", " cat", " sat", ".", " the", "the", "", "\ud83d"]


def test_token_logprobs_are_equal_for_equal_tokens() -> None:
    assert token_logprobs(REPORTED, 3) == token_logprobs(REPORTED, 3)
    assert token_logprobs(REPORTED[2:], 3, position=2) == token_logprobs(REPORTED, 3)[2:]


def test_token_logprobs_depend_on_position() -> None:
    assert len({each.logprob for each in token_logprobs(["a"] * 20, 0)}) > 15


@pytest.mark.parametrize("top", [0, 1, 5, 20])
def test_token_logprobs_top_starts_with_the_token(top: int) -> None:
    for each in token_logprobs(REPORTED * 40, top):
        assert len(each.top) == len({word for word, _ in each.top}) == top
        assert [logprob for _, logprob in each.top] == sorted((found for _, found in each.top), reverse=True)
        assert each.logprob < 0
        assert sum(exp(logprob) for _, logprob in each.top) < 1 + 1e-6
        assert not top or each.top[0] == (each.token, each.logprob)


def test_token_logprobs_are_mostly_near_zero() -> None:
    found = [each.logprob for each in token_logprobs(map(str, range(500)), 0)]
    assert sum(logprob > -0.1 for logprob in found) > 250
    assert min(found) > -1


@pytest.mark.parametrize(
    ("part", "whole", "streamed"),
    [
        (Text(("Hello wor", "ld.")), ["Hello", " world", "."], ["Hello", " wor", "ld", "."]),
        (Text(("Hel", Pause(1.0), "lo")), ["Hello"], ["Hel", "lo"]),
        (Text(("ab", " ", "ab", " "), tokens=4), ["ab", " ", "ab", " "], ["ab", " ", "ab", " "]),
        (Text(("one thr", "ee"), tokens=2), ["one", " three"], ["one", " thr", "ee"]),
        (Text(("", "one"), tokens=1), ["one"], ["one"]),
        (Text(("a b",), whole="c d"), ["c", " d"], ["a", " b"]),
        (Text(()), [], []),
        (Refusal(("No", ".")), ["No", "."], ["No", "."]),
    ],
)
def test_part_token_texts_join_to_the_text(
    part: Text | Refusal, whole: list[str], streamed: list[str]
) -> None:
    chunks = [chunk for chunk in part.chunks if type(chunk) is str]
    assert part_token_texts(part) == whole
    stream = StreamedTokenLogprobs(0)
    assert [each.token for chunk in chunks for each in stream.next(0, chunk)] == streamed


@pytest.mark.parametrize("top", [0, 1, 5])
def test_token_logprobs_compute_only_what_they_have(top: int, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[float] = []

    def log(share: float) -> float:
        computed.append(share)
        return -0.5

    monkeypatch.setattr(logprobs, "log", log)
    token_logprobs(["a", " b"], top)
    assert len(computed) == 2 * max(1, top)
