"""Time to first token by what is read: the rates of cached and other tokens, and how the parts are drawn."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from mockllm.core.quantities.parse import Uniform
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.pacing import InputTime, Pacing, ReadingTime, gaps
from mockllm.core.reply.reply import Usage
from mockllm.core.values.dynamic import Context, DrawnNumber, is_static

NOBODY: Any = None
"""Nothing here reads a request."""


@pytest.mark.parametrize(
    ("time", "usage", "seconds"),
    [
        pytest.param(InputTime(0.3, 0.001), Usage(0, 9), 0.3, id="however little it reads"),
        pytest.param(InputTime(0.3, 0.001), Usage(1000, 9), 1.3, id="each input token takes its time"),
        pytest.param(InputTime(0.3, 0.001), Usage(1000, 9, cached_read=800), 1.3, id="cached ones too"),
        pytest.param(InputTime(0.3, 0.001, 0.0001), Usage(1000, 9, cached_read=800), 0.58, id="at their own rate"),
        pytest.param(InputTime(0.3, 0.001, 0.0), Usage(1000, 9, cached_read=1000), 0.3, id="which may be nothing"),
        pytest.param(InputTime(0.0, 0.001, 0.0), Usage(100, 9, cache_write=100), 0.1, id="what it takes is read"),
        pytest.param(InputTime(0.0, 0.001, 0.002), Usage(10, 9, cached_read=99), 0.02, id="no more than there are"),
        pytest.param(InputTime(0.3, 1.0, None, 60.0), Usage(10_000, 9), 60.0, id="the client does not choose"),
    ],
)  # fmt: skip
def test_seconds_depend_on_input_and_cached_tokens(time: InputTime, usage: Usage, seconds: float) -> None:
    assert time.seconds(usage) == pytest.approx(seconds)
    assert gaps(Pacing(ttft=time, itl=0.5, slowdown=2.0), [1, 1], Random(0), usage) == pytest.approx(
        [2 * seconds, 1.0]
    )


def test_gaps_without_usage_read_no_input() -> None:
    assert gaps(Pacing(ttft=InputTime(0.3, 0.001)), [1], Random(0)) == [0.3]


def test_drawn_ttft_differs_per_response() -> None:
    written = ReadingTime(DrawnNumber(Uniform(1.0, 2.0)), 0.001, DrawnNumber(Uniform(0.0, 0.001)))
    assert not is_static(written)
    made = [written.value(Context(NOBODY, Randomness(0, "rule", "", tries), "", 60.0)) for tries in range(20)]
    assert all(1.0 <= each.base <= 2.0 and each.per_input_token == 0.001 for each in made)
    assert all(each.cached is not None and 0 <= each.cached <= 0.001 for each in made)
    assert len({each.base for each in made}) == len({each.cached for each in made}) == 20
    assert {each.longest for each in made} == {60.0}


def test_constant_ttft_is_unchanged() -> None:
    context = Context(NOBODY, Randomness(0, "rule", "", 0))
    assert ReadingTime(0.3, 0.001).value(context) == InputTime(0.3, 0.001)
