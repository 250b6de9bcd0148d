"""Versions and ranges of packs."""

from __future__ import annotations

import pytest

from mockllm.scenario.version_ranges import parse_range, parse_version


def test_versions_have_semantic_order() -> None:
    written = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
    ]
    written += ["1.0.0", "1.0.1", "1.2", "1.10", "2"]
    versions = [parse_version(each) for each in written]
    assert sorted(set(versions)) == versions
    assert len(set(versions)) == len(versions)
    assert [str(each) for each in versions[-3:]] == ["1.2.0", "1.10.0", "2.0.0"]


def test_missing_version_numbers_are_0() -> None:
    assert parse_version("1") == parse_version("v1.0.0") == parse_version("1.0")
    assert hash(parse_version("1")) == hash(parse_version("1.0.0"))
    assert parse_version("1") != "1"
    assert parse_version("1.0.0rc1") < parse_version("1.0.0+build.7") == parse_version("1")


@pytest.mark.parametrize(
    "text", ["", "one", "1.x", "01.2.3", "1.2.3-", "-1", "1.2.3 ", "1/2", "1" * 20, "1.2.3.4"]
)
def test_parse_version_of_other_text_raises(text: str) -> None:
    with pytest.raises(ValueError, match=r'is not a version; write "1.2.0"'):
        parse_version(text)


RANGES = [
    ("*", ["0.0.1", "9.9.9"], ["1.0.0-rc.1"]),
    ("", ["0.0.1"], []),
    ("1.2.3", ["1.2.3"], ["1.2.4", "1.2.2"]),
    ("=1.2.3", ["1.2.3"], ["1.2.4"]),
    ("==1.2", ["1.2.0"], ["1.2.1"]),
    ("1.2", ["1.2.0", "1.2.9"], ["1.3.0", "1.1.9"]),
    ("1", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.9"]),
    ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
    ("^1", ["1.0.0", "1.9.0"], ["0.9.9", "2.0.0", "2.0.0-rc.1"]),
    ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
    ("^0.0.3", ["0.0.3"], ["0.0.4"]),
    ("^0.0", ["0.0.0", "0.0.9"], ["0.1.0"]),
    ("^0", ["0.0.1", "0.9.0"], ["1.0.0"]),
    ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
    ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
    ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
    (">=1.2, <2", ["1.2.0", "1.9.0"], ["2.0.0", "1.1.0"]),
    (">1.2, <=2, !=1.5", ["1.3.0", "2.0.0"], ["1.2.0", "1.5.0", "2.0.1"]),
    (">=1.0.0-rc.1", ["1.0.0-rc.2", "1.0.0", "2.0.0"], ["1.0.0-beta", "2.0.0-rc.1"]),
]


@pytest.mark.parametrize(
    ("text", "inside", "outside"), RANGES, ids=[text or "nothing" for text, _, _ in RANGES]
)
def test_range_matches_fitting_versions(text: str, inside: list[str], outside: list[str]) -> None:
    expected = parse_range(text)
    assert [each for each in inside if not expected.matches(parse_version(each))] == []
    assert [each for each in outside if expected.matches(parse_version(each))] == []


@pytest.mark.parametrize("text", ["the newest", ">=", "^x", "1 || 2", ">=1 <2", "1,,2"])
def test_parse_range_of_other_text_raises(text: str) -> None:
    with pytest.raises(ValueError, match="is not a range of versions"):
        parse_range(text)
