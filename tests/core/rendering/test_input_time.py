"""Time to first token by what is read: the rates of cached and other tokens, and how the parts are drawn."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from mockllm.core.quantities.parse import Uniform
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.pacing import DynamicInputTime, InputTime, Pacing, chunk_waits
from mockllm.core.reply.reply import Usage
from mockllm.core.values.dynamic import DrawnNumber, EvaluationContext, is_static

NO_REQUEST: Any = None
"""Nothing here reads a request."""


@pytest.mark.parametrize(
    ("time", "usage", "seconds"),
    [
        pytest.param(InputTime(0.3, 0.001), Usage(0, 9), 0.3, id="however little it reads"),
        pytest.param(InputTime(0.3, 0.001), Usage(1000, 9), 1.3, id="each input token takes its time"),
        pytest.param(InputTime(0.3, 0.001), Usage(1000, 9, cache_read=800), 1.3, id="cached ones too"),
        pytest.param(InputTime(0.3, 0.001, 0.0001), Usage(1000, 9, cache_read=800), 0.58, id="at their own rate"),
        pytest.param(InputTime(0.3, 0.001, 0.0), Usage(1000, 9, cache_read=1000), 0.3, id="which may be nothing"),
        pytest.param(InputTime(0.0, 0.001, 0.0), Usage(100, 9, cache_write=100), 0.1, id="what it takes is read"),
        pytest.param(InputTime(0.0, 0.001, 0.002), Usage(10, 9, cache_read=99), 0.02, id="no more than there are"),
        pytest.param(InputTime(0.3, 1.0, None, 60.0), Usage(10_000, 9), 60.0, id="the client does not choose"),
    ],
)  # fmt: skip
def test_seconds_depend_on_input_and_cached_tokens(time: InputTime, usage: Usage, seconds: float) -> None:
    assert time.seconds(usage) == pytest.approx(seconds)
    assert chunk_waits(Pacing(ttft=time, itl=0.5, slowdown=2.0), [1, 1], Random(0), usage) == pytest.approx(
        [2 * seconds, 1.0]
    )


def test_gaps_without_usage_read_no_input() -> None:
    assert chunk_waits(Pacing(ttft=InputTime(0.3, 0.001)), [1], Random(0)) == [0.3]


def test_drawn_ttft_differs_per_response() -> None:
    written = DynamicInputTime(DrawnNumber(Uniform(1.0, 2.0)), 0.001, DrawnNumber(Uniform(0.0, 0.001)))
    assert not is_static(written)
    built = [
        written.value(EvaluationContext(NO_REQUEST, Randomness(0, "rule", "", tries), "", 60.0))
        for tries in range(20)
    ]
    assert all(1.0 <= each.base <= 2.0 and each.per_input_token == 0.001 for each in built)
    assert all(each.per_cached_token is not None and 0 <= each.per_cached_token <= 0.001 for each in built)
    assert len({each.base for each in built}) == len({each.per_cached_token for each in built}) == 20
    assert {each.longest for each in built} == {60.0}


def test_constant_ttft_is_unchanged() -> None:
    context = EvaluationContext(NO_REQUEST, Randomness(0, "rule", "", 0))
    assert DynamicInputTime(0.3, 0.001).value(context) == InputTime(0.3, 0.001)
