"""Our answers have the form of the live ones: held against the recordings where they are, and against the
committed facts everywhere. Prints what was compared (`-rA` or `-s` shows it)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import cache

import pytest

from mockllm.core.reply.reply import Reply
from tests.conformance.exceptions import EXEMPTIONS, LEFT_OUT, OUT_OF_SCOPE, Exemption, excused
from tests.conformance.facts import files, kept, recorded, recordings, reduced, strange
from tests.conformance.protocols import PROTOCOLS
from tests.conformance.shape import Case, Comparison, Protocol, Seen, compare

WANTED_F1_NEWEST = 0.95
WANTED_F1 = 0.92
WANTED_ORDER = 0.95

protocols = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.folder)
Source = Callable[[Protocol], Iterator[Comparison]]


def of_facts(protocol: Protocol) -> Iterator[Comparison]:
    """The committed facts."""
    return (compare(protocol, case) for case in kept(protocol))


def of_recordings(protocol: Protocol) -> Iterator[Comparison]:
    """The recordings. One of a strange folder that cannot be read counts as one that nothing fits, and says why."""
    for recording in files(protocol):
        try:
            yield compare(protocol, reduced(protocol, recording))
        except Exception as error:
            if not strange():
                raise
            why = frozenset({f"{type(error).__name__} {error} in {recording['id']}"})
            seen = Seen(0, frozenset(), (), frozenset())
            case = Case(recording["id"], "", "", {}, {}, Reply(()), seen)
            yield Comparison(case, why, frozenset(), 0.0, same_order=False)


sources = pytest.mark.parametrize("source", [of_recordings, of_facts], ids=["recordings", "facts"])


def compared(protocol: Protocol, source: Source) -> list[Comparison]:
    found = list(source(protocol))
    if not found:
        pytest.skip(f"{protocol.folder}: 0 recordings here")
    return found


def newest(found: Sequence[Comparison]) -> list[Comparison]:
    """Those of the last year before the newest."""
    last = max(comparison.case.day for comparison in found)
    if not last:
        return list(found)
    since = (date.fromisoformat(last) - timedelta(days=365)).isoformat()
    return [comparison for comparison in found if comparison.case.day >= since]


def mean(found: Sequence[Comparison]) -> float:
    return sum(comparison.f1 for comparison in found) / len(found)


def differences(comparison: Comparison) -> list[str]:
    """What differs, as the file of exceptions names it."""
    return [
        *(f"missing {entry}" for entry in sorted(comparison.missing)),
        *(f"extra {entry}" for entry in sorted(comparison.extra)),
        *(f"missing header {name}" for name in sorted(comparison.headers_missing)),
        *(() if comparison.same_order else ("order",)),
    ]


def entry_of(difference: str) -> str:
    return difference.removeprefix("missing ").removeprefix("extra ")


def unexcused(protocol: Protocol, comparison: Comparison) -> list[str]:
    return [
        difference
        for difference in differences(comparison)
        if not excused(protocol.folder, comparison.case.id, entry_of(difference))
    ]


def report(protocol: Protocol, found: Sequence[Comparison]) -> None:
    last = newest(found)
    same = sum(not (comparison.missing or comparison.extra) for comparison in found)
    print(
        f"{protocol.folder}: n {len(found)}, F1 {mean(found):.3f} (newest {len(last)}: {mean(last):.3f}), "
        f"left out {sum(id.startswith(protocol.folder) for id in LEFT_OUT)}, "
        f"same shape {same}, same order {sum(comparison.same_order for comparison in found)}"
    )
    for difference, count in Counter(d for each in found for d in differences(each)).most_common(8):
        print(f"  {count:3} {difference}")


@protocols
@sources
def test_answers_have_the_form_of_the_live_ones(protocol: Protocol, source: Source) -> None:
    found = compared(protocol, source)
    report(protocol, found)
    assert mean(newest(found)) >= WANTED_F1_NEWEST
    assert mean(found) >= WANTED_F1
    assert sum(comparison.same_order for comparison in found) / len(found) >= WANTED_ORDER


@protocols
@sources
def test_every_difference_from_the_newest_is_an_exception_with_a_reason(
    protocol: Protocol, source: Source
) -> None:
    found = compared(protocol, source)
    if source is of_recordings and strange():
        pytest.skip(
            f"{protocol.folder}: nobody has reviewed the differences of these {len(found)} recordings"
        )
    left = {each.case.id: unexcused(protocol, each) for each in newest(found)}
    assert {case: entries for case, entries in left.items() if entries} == {}


def test_a_folder_that_is_not_compared_is_out_of_scope_for_a_reason() -> None:
    compared = {folder for protocol in PROTOCOLS for folder in (protocol.folder, *protocol.more)}
    here = {path.name: len(list(path.glob("*.json"))) for path in recordings().glob("*/")}
    left = {name: count for name, count in here.items() if name not in compared}
    reasons = {
        name: reason for glob, reason in OUT_OF_SCOPE.items() for name in left if fnmatchcase(name, glob)
    }
    for name, count in sorted(left.items()):
        print(f"{name}: {count} not compared: {reasons.get(name, 'no protocol of that name')}")
    if not here:
        pytest.skip("0 recordings here")
    assert strange() or left.keys() == reasons.keys()


@protocols
def test_the_committed_facts_are_those_of_the_recordings(protocol: Protocol) -> None:
    if strange():
        pytest.skip(f"{protocol.folder}: the facts are those of other recordings")
    found = list(recorded(protocol))
    if not found:
        pytest.skip(f"{protocol.folder}: 0 recordings here")
    assert list(kept(protocol)) == found


@cache
def entries_that_differ() -> frozenset[tuple[str, str, str]]:
    """Protocol, recording and entry of every difference from the facts."""
    return frozenset(
        (protocol.folder, case.id, entry_of(difference))
        for protocol in PROTOCOLS
        for case in kept(protocol)
        for difference in differences(compare(protocol, case))
    )


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda each: f"{each.cases} {each.entries}")
def test_no_exception_has_outlived_its_difference(exemption: Exemption) -> None:
    assert any(exemption.covers(*found) for found in entries_that_differ())
