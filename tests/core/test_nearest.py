"""Near misses: the rules that would have answered but for the least."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockllm.core.conditions import (
    Contains,
    Equals,
    Regex,
)
from mockllm.core.index import Index
from mockllm.core.matching import All, Any, Field, Matcher, Test
from mockllm.core.rows import rows_of
from mockllm.core.slips import slip
from tests.core.asking import Asked, ask
from tests.core.matchers import (
    matchers,
    requests,
)

GPT, POST, SYSTEM = (
    Test(Field("model"), Equals("gpt-4o")),
    Test(Field("method"), Equals("POST")),
    Test(Field("system"), Contains("kind")),
)
HELLO = Test(Field("user"), Contains("hello"))


def test_nearest_are_those_with_the_fewest_failures_then_the_smallest_slips_then_the_most_held_then_in_order() -> (
    None
):
    matchers: list[Matcher] = [
        All((GPT, HELLO, SYSTEM)),
        HELLO,
        All((GPT, POST)),
        All((POST, HELLO)),
        All((POST, GPT, HELLO)),
        All((GPT, POST, SYSTEM)),
        HELLO,
    ]
    request = ask({"model": "gpt-4o", "messages": [["user", "Hello"]]})
    index = Index(matchers)
    assert [number for number, _ in index.nearest(request, 9)] == [4, 3, 1, 6, 5, 0]
    assert [number for number, _ in index.nearest(request)] == [4, 3, 1]
    assert [number for number, _ in index.nearest(request, end=4)] == [3, 1, 0]
    (_, differences), *_ = index.nearest(request, 1)
    assert [(each.field, each.held, each.hint) for each in differences] == [
        ("method", True, None),
        ("model", True, None),
        ("user", False, "only the case differs"),
    ]


def test_rules_that_hold_are_not_near_misses_but_those_that_nearly_do_are() -> None:
    matchers: list[Matcher] = [POST for _ in range(50)]
    matchers += [Test(Field("user"), Regex("^order [0-9]+$")), Any((POST, HELLO))]
    index = Index(matchers)
    assert [number for number, _ in index.nearest(ask({"messages": [["user", "my order 5"]]}))] == [50]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(matchers.filter(lambda matcher: 0 < len(rows_of(matcher)) <= 4), max_size=8), requests())
def test_among_few_rules_the_nearest_are_exact(given_matchers: list[Matcher], request: Asked) -> None:
    far = [(*matcher.distance(request), slip(matcher, request)) for matcher in given_matchers]
    ranked = sorted((failed, slips, held, number) for number, (failed, held, slips) in enumerate(far))
    expected = [number for failed, *_, number in ranked if failed]
    assert [number for number, _ in Index(given_matchers).nearest(request, 10)] == expected


def test_the_last_user_text_is_cut_short_in_a_difference() -> None:
    (found,) = Index([HELLO]).nearest(ask({"messages": [["user", "x" * 5000]]}))
    assert found[1][0].actual == '"' + "x" * 79 + '…"'
