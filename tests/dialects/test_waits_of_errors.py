"""The wait of an error, wherever a protocol states it: absent where there is none, and not shortened by rounding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pytest

from mockllm.core.failure import NAMED, NEVER, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider_facts import wait_headers
from mockllm.dialects.providers import GENERATING_CALLS, GeneratingCall
from tests.dialects.full_requests import calls, read
from tests.dialects.test_building_and_decoding import IDENTITY

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_WRONG: Final = re.compile(r"\b(inf|nan|None)s?\b")
UNITS: Final = (1.0, 1000.0)
"""Seconds and milliseconds."""


def leaves(value: Json, path: str = "") -> dict[str, str]:
    """Return the texts and numbers of a value as texts, by their paths."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {place: text for key, item in items for place, text in leaves(item, f"{path}/{key}").items()}
    return {path: str(value)}


def stated(call: GeneratingCall, name: str, wait: float | None) -> dict[str, str]:
    """Return the headers and the leaves of the body of an error with this wait."""
    request = read(call, call.dialect.build_request(NeutralRequest()))
    plan = call.dialect.error(Failure(name, retry_after=wait), request, IDENTITY)
    headers = {f"header {key.lower()}": value for key, value in plan.head.headers}
    return {**headers, **leaves(loads(sent_bytes(plan)))}


def numbers(values: Mapping[str, str], place: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(values.get(place, ""))]


@calls
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.covering
def test_what_states_a_wait_is_absent_without_one(call: GeneratingCall, name: str) -> None:
    first, second, usual, never = (stated(call, name, wait) for wait in (1234.0, 2345.0, None, NEVER))
    varying = {place for place, text in first.items() if second.get(place) != text}
    assert first.keys() == second.keys()
    assert never.keys() <= first.keys()
    for place in varying & never.keys():
        wrong = f"{place} is {never[place]!r}"
        if place.startswith("header "):
            assert "ratelimit" in place, wrong
            assert never[place] == usual[place], wrong  # the state of a limit, as without a wait
        else:
            common = set(numbers(first, place)) & set(numbers(second, place))
            assert set(numbers(never, place)) <= common, wrong
            assert not _WRONG.search(never[place]), wrong


@calls
def test_usual_wait_is_at_most_a_second(call: GeneratingCall) -> None:
    """SDKs wait as long as a 429 states: a longer usual wait would slow each test of a client."""
    found = stated(call, "rate_limit", None)
    places = [place for place in found if place.startswith("header retry-after") or "retryDelay" in place]
    for place in places:
        unit = 1000.0 if place.endswith("-ms") else 1.0
        assert numbers(found, place)[0] / unit <= 1.0, f"{place} is {found[place]!r}"
    later = re.search(r"retry (?:in|after) ([\d.]+)", " ".join(found.values()))
    assert later is None or float(later[1].rstrip(".")) <= 1.0, later


@calls
def test_rate_limit_reports_a_spent_limit(call: GeneratingCall) -> None:
    found = stated(call, "rate_limit", 44.0)
    remaining = [value for place, value in found.items() if "ratelimit" in place and "remaining" in place]
    assert not remaining or "0" in remaining, found
    resets = [place for place in found if "ratelimit" in place and "reset" in place]
    later = stated(call, "rate_limit", 55.0)
    assert not resets or any(found[place] != later[place] for place in resets), "no reset follows the wait"


@pytest.mark.parametrize("name", ["anthropic-messages", "anthropic-compatible_chat"])
def test_rate_limit_of_anthropic_has_its_wait(name: str) -> None:
    """Since July 2024, each 429 has `retry-after` (anthropics/anthropic-sdk-typescript 358)."""
    (call,) = (item for item in GENERATING_CALLS if item.name == name)
    assert stated(call, "rate_limit", None)["header retry-after"] == "1"
    assert "header retry-after" not in stated(call, "rate_limit", NEVER)
    assert "header retry-after" not in stated(call, "overloaded", None)


@calls
@pytest.mark.parametrize("wait", [1.001, 2.5, 9.999, 44.0])
def test_rounding_shortens_no_wait(call: GeneratingCall, wait: float) -> None:
    seven, eight, found = (stated(call, "rate_limit", seconds) for seconds in (7.0, 8.0, wait))
    compared = 0
    for place in seven:
        for at, (low, high) in enumerate(zip(numbers(seven, place), numbers(eight, place), strict=True)):
            if low != high and low / 7 == high / 8 and low / 7 in UNITS:
                compared += 1
                assert numbers(found, place)[at] / (low / 7) >= wait, f"{place} is {found[place]!r}"
    assert compared, "neither a header nor the body has the wait as a number"


@calls
def test_own_headers_of_a_wait_are_those_of_the_provider(call: GeneratingCall) -> None:
    """The verdicts, and dates in place of a wait, need them (`Provider.wait_headers`)."""
    seven, eight = (stated(call, "rate_limit", seconds) for seconds in (7.0, 8.0))
    varying = {place.removeprefix("header ") for place in seven if seven[place] != eight[place]}
    own = {name for name in varying if "/" not in name and not name.startswith("retry-after")}
    limits = {name for name in own if "ratelimit" in name}
    assert own - limits == {name.lower() for name in wait_headers(call.provider)}
