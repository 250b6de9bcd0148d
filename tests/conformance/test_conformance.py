"""This server's responses have the form of the live ones: compared with the recordings where they exist, and
with the committed outlines everywhere. The tests print the comparison (`-rA` or `-s` shows it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import cache

import pytest

from mockllm.conformance.protocols import PROTOCOLS
from mockllm.conformance.shape import Observation, Protocol, Recording
from mockllm.conformance.tolerant import tolerant
from mockllm.core.reply.reply import Reply
from tests.conformance.comparison import Comparison, RecordedCase, compare
from tests.conformance.exceptions import EXEMPTIONS, excused
from tests.conformance.exemption import Exemption
from tests.conformance.left_out import LEFT_OUT, OUT_OF_SCOPE
from tests.conformance.outlines import (
    committed_cases,
    files,
    has_custom_folder,
    newer_cases,
    recorded_cases,
    recordings,
    reduce,
)

MIN_F1_NEWEST = 0.95
MIN_F1 = 0.92
MIN_ORDER = 0.95

protocols = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.folder)
Source = Callable[[Protocol], Iterator[Comparison]]


def from_outlines(protocol: Protocol) -> Iterator[Comparison]:
    """Yield the comparisons with the committed outlines."""
    for case in (*committed_cases(protocol), *newer_cases(protocol)):
        yield compare(protocol, case)


def from_recordings(protocol: Protocol) -> Iterator[Comparison]:
    """Yield the comparisons with the recordings, and with the newer outlines beside them. In a custom folder, a
    recording is decoded as far as possible, and what cannot be decoded is printed."""
    recorded = list(files(protocol))
    if recorded and not has_custom_folder():
        yield from (compare(protocol, case) for case in newer_cases(protocol))
    for recording in recorded:
        yield (
            compare_tolerantly(protocol, recording)
            if has_custom_folder()
            else compare(protocol, reduce(protocol, recording))
        )


def compare_tolerantly(protocol: Protocol, recording: Recording) -> Comparison:
    """Return the comparison with any recording: one that cannot be compared at all has no match."""
    errors: list[str] = []
    try:
        tolerated = tolerant(protocol, errors)
        comparison = compare(tolerated, reduce(tolerated, recording))
    except Exception as error:
        errors.append(f"{type(error).__name__} {error}")
        observed = Observation(0, frozenset(), (), frozenset())
        case = RecordedCase(recording["id"], "", "", {}, {}, Reply(()), observed)
        why = frozenset({f"{errors[-1]} in {recording['id']}"})
        comparison = Comparison(case, why, frozenset(), 0.0, same_order=False)
    for text in dict.fromkeys(errors):
        print(f"{protocol.folder}: not decoded in {recording['id']}: {text}")
    return comparison


sources = pytest.mark.parametrize("source", [from_recordings, from_outlines], ids=["recordings", "outlines"])


def comparisons_of(protocol: Protocol, source: Source) -> list[Comparison]:
    comparisons = list(source(protocol))
    if not comparisons:
        pytest.skip(f"{protocol.folder}: 0 recordings here")
    return comparisons


def newest(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons of the last year before the newest."""
    last = max(comparison.case.day for comparison in comparisons)
    if not last:
        return list(comparisons)
    since = (date.fromisoformat(last) - timedelta(days=365)).isoformat()
    return [comparison for comparison in comparisons if comparison.case.day >= since]


def mean(comparisons: Sequence[Comparison]) -> float:
    return sum(comparison.f1 for comparison in comparisons) / len(comparisons)


def differences(comparison: Comparison) -> list[str]:
    """Return the differences, as the file of exceptions names them."""
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


def report(protocol: Protocol, comparisons: Sequence[Comparison]) -> None:
    last = newest(comparisons)
    same = sum(not (comparison.missing or comparison.extra) for comparison in comparisons)
    print(
        f"{protocol.folder}: n {len(comparisons)}, F1 {mean(comparisons):.3f} "
        f"(newest {len(last)}: {mean(last):.3f}), left out {sum(id.startswith(protocol.folder) for id in LEFT_OUT)}, "
        f"same shape {same}, same order {sum(comparison.same_order for comparison in comparisons)}"
    )
    for difference, count in Counter(d for item in comparisons for d in differences(item)).most_common(8):
        print(f"  {count:3} {difference}")


@protocols
@sources
def test_responses_have_the_form_of_recorded_ones(protocol: Protocol, source: Source) -> None:
    comparisons = comparisons_of(protocol, source)
    report(protocol, comparisons)
    assert mean(newest(comparisons)) >= MIN_F1_NEWEST
    assert mean(comparisons) >= MIN_F1
    assert sum(comparison.same_order for comparison in comparisons) / len(comparisons) >= MIN_ORDER


@protocols
@sources
def test_difference_from_the_newest_is_a_listed_exception(protocol: Protocol, source: Source) -> None:
    comparisons = comparisons_of(protocol, source)
    if source is from_recordings and has_custom_folder():
        pytest.skip(
            f"{protocol.folder}: nobody has reviewed the differences of these {len(comparisons)} recordings"
        )
    left = {item.case.id: unexcused(protocol, item) for item in newest(comparisons)}
    assert {case: entries for case, entries in left.items() if entries} == {}


def test_folder_without_protocol_is_out_of_scope() -> None:
    folders = {folder for protocol in PROTOCOLS for folder in (protocol.folder, *protocol.more)}
    here = {path.name: len(list(path.glob("*.json"))) for path in recordings().glob("*/")}
    left = {name: count for name, count in here.items() if name not in folders}
    reasons = {
        name: reason for glob, reason in OUT_OF_SCOPE.items() for name in left if fnmatchcase(name, glob)
    }
    for name, count in sorted(left.items()):
        print(f"{name}: {count} not compared: {reasons.get(name, 'no protocol of that name')}")
    if not here:
        pytest.skip("0 recordings here")
    assert has_custom_folder() or left.keys() == reasons.keys()


@protocols
def test_committed_outlines_equal_the_recordings(protocol: Protocol) -> None:
    if has_custom_folder():
        pytest.skip(f"{protocol.folder}: the outlines are those of other recordings")
    cases = list(recorded_cases(protocol))
    if not cases:
        pytest.skip(f"{protocol.folder}: 0 recordings here")
    assert list(committed_cases(protocol)) == cases


@cache
def differing_entries() -> frozenset[tuple[str, str, str]]:
    """Return protocol, recording and entry of every difference from the outlines."""
    return frozenset(
        (protocol.folder, case.id, entry_of(difference))
        for protocol in PROTOCOLS
        for case in (*committed_cases(protocol), *newer_cases(protocol))
        for difference in differences(compare(protocol, case))
    )


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda item: f"{item.cases} {item.entries}")
def test_every_exception_covers_a_difference(exemption: Exemption) -> None:
    assert any(exemption.covers(*difference) for difference in differing_entries())
