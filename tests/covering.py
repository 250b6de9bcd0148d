"""Selects the cases of a test that the default run takes, where all of them are a product of the project's features.

`@pytest.mark.covering` on a test: each value of each of its parameters comes once, not every combination of them.
`@pytest.mark.covering("call", "fault")` requires this of the named parameters only; `@pytest.mark.covering(count=1)`
takes the first of cases that differ in little. All remaining cases are marked `full`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

import pytest

Aspects = frozenset[Hashable]
"""What one case covers: names of parameters with their values."""


def chosen(cases: Sequence[Aspects]) -> set[int]:
    """The places of few cases that together have every aspect; of equal ones those with aspects seldom seen."""
    left: set[Hashable] = set().union(*cases)
    used: Counter[Hashable] = Counter()
    taken: set[int] = set()
    holders: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        for aspect in case:
            holders[aspect].append(place)
    for aspect in (aspect for case in cases for aspect in sorted(case, key=repr)):
        if aspect in left:
            best = max(
                holders[aspect],
                key=lambda place: (
                    len(cases[place] & left),
                    -sum(used[each] for each in cases[place]),
                    -place,
                ),
            )
            taken.add(best)
            left -= cases[best]
            used.update(cases[best])
    return taken


def redundant(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """The cases of tests marked `covering` that the default run can do without."""
    tests: defaultdict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        if item.get_closest_marker("covering") is not None and item.get_closest_marker("full") is None:
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        taken = _taken(cases)
        yield from (item for place, item in enumerate(cases) if place not in taken)


def _taken(cases: list[pytest.Function]) -> set[int]:
    mark = cases[0].get_closest_marker("covering")
    assert mark is not None
    seen: dict[int, int] = {}
    if "count" in mark.kwargs:
        return set(range(mark.kwargs["count"]))
    return chosen([_aspects(item, mark.args, seen) for item in cases])


def _aspects(item: pytest.Function, names: Sequence[str], seen: dict[int, int]) -> Aspects:
    """The parameters by name with their values; `seen` numbers those that are no text or number, in their order:
    parallel workers must choose alike."""
    params = item.callspec.params
    names = names or tuple(params)
    assert not set(names) - set(params), f"{item.nodeid}: covering names a parameter that it has not"
    return frozenset(
        (name, type(value), value if isinstance(value, str | int) else seen.setdefault(id(value), len(seen)))
        for name, value in ((name, params[name]) for name in names)
    )
