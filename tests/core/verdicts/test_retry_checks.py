"""Checks of retries: cases that show each verdict, and the nearest cases that do not."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from mockllm.core.verdicts import VERDICTS, Client
from tests.core.verdicts.client_script import EPOCH, ClientScript
from tests.core.verdicts.retry_scripts import WAIT, Play, at, every, mixed, pair

OWN_WAIT = {"nimbus-wait": 0.001}
INFO = {"error": {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}]}}


def counted(*retries: int) -> Play:
    """Two equal requests at the same time, each with its own count of retries."""

    def play(script: ClientScript) -> None:
        script.send(0, 429, response_headers=WAIT, took=0.1, retry=0)
        script.send(0.05, 429, response_headers=WAIT, took=0.2, retry=0)
        for number, retry in enumerate(retries):
            script.send(0.5 + number / 10, retry=retry)

    return play


def other_party(**options: Any) -> Play:
    def play(script: ClientScript) -> None:
        script.send(0, 429, response_headers=WAIT)
        script.send(0.1, **options)

    return play


IGNORED: dict[str, tuple[Play, list[int]]] = {
    "it comes at once": (pair(0.0, response_headers=WAIT), [1, 2]),
    "it comes at three quarters of the time": (pair(0.75, response_headers=WAIT), [1, 2]),
    "it comes nearly in time": (pair(0.95, response_headers=WAIT), []),
    "it waits as requested": (pair(1.0, response_headers=WAIT), []),
    "no wait was requested": (pair(0.2), []),
    "the requested wait is not a time": (pair(0.2, response_headers={"retry-after": "soon"}), []),
    "the requested wait is infinite": (pair(0.2, response_headers={"retry-after": "inf"}), []),
    "the wait is in milliseconds": (pair(0.2, response_headers={"retry-after-ms": "494"}), [1, 2]),
    "the wait is in a header of the provider": (
        pair(0.2, response_headers={"Nimbus-Wait": "494"}, wait_headers=OWN_WAIT),
        [1, 2],
    ),
    "and it waits for that header": (
        pair(0.5, response_headers={"Nimbus-Wait": "494"}, wait_headers=OWN_WAIT),
        [],
    ),
    "a header of another provider": (pair(0.2, response_headers={"Nimbus-Wait": "494"}), []),
    "a header of the provider that is no number": (
        pair(0.2, response_headers={"nimbus-wait": "soon"}, wait_headers=OWN_WAIT),
        [],
    ),
    "of two waits it obeys the shorter": (
        pair(0.5, response_headers={"retry-after": "1", "Retry-After-Ms": "494"}),
        [],
    ),
    "the wait is a date": (
        pair(2.0, response_headers={"retry-after": formatdate(EPOCH + 10, usegmt=True)}),
        [1, 2],
    ),
    "it comes in the second of that date, nearly": (
        pair(8.5, response_headers={"retry-after": formatdate(EPOCH + 10, usegmt=True)}),
        [],
    ),
    "a date that has passed": (pair(0.5, response_headers={"retry-after": formatdate(EPOCH - 10)}), []),
    "the body has Google's RetryInfo": (pair(1.0, body=INFO), [1, 2]),
    "and it waits for that": (pair(1.5, body=INFO), []),
    "the body has it in a list, as streams do": (pair(1.0, body=[INFO]), [1, 2]),
    "a RetryInfo that cannot be read": (pair(0.2, body="google.rpc.RetryInfo"), []),
    "a success that requests a wait, as Anthropic's do": (pair(0.2, 200, response_headers=WAIT), []),
    "one that was spoilt": (pair(0.2, 200, response_headers=WAIT, faults=("malformed",)), []),
    "of two in flight one succeeded, and may have been the retried one": (
        lambda script: (
            script.send(0, 429, response_headers=WAIT, took=0.1),
            script.send(0, took=0.1),
            script.send(0.2),
        ),
        [],
    ),
    "another client": (other_party(client=Client("Program/1", "other key", "127.0.0.1")), []),
    "another session": (other_party(session="other"), []),
    "another prompt": (other_party(prompt="something else"), []),
    "two SDKs that count are distinguished": (counted(1, 1), [1, 2, 3, 4]),
    "two in flight without a count are uncertain": (counted(0), []),
    "a retry whose failure the journal dropped": (other_party(retry=3), []),
    "it comes an hour later": (pair(3600.0, response_headers={"retry-after": "86400"}), [1, 2]),
}


@pytest.mark.parametrize(("play", "shows"), IGNORED.values(), ids=IGNORED)
def test_retry_after_ignored_needs_retry_before_requested_wait(play: Play, shows: list[int]) -> None:
    script = ClientScript()
    play(script)
    assert script.verdicts().get("retry_after_ignored", []) == shows


FOR_GOOD: dict[str, tuple[Play, list[int]]] = {
    "a 400": (pair(1.0, 400), [1, 2]),
    "a 401": (pair(1.0, 401), [1, 2]),
    "a 408": (pair(1.0, 408), []),
    "a 409": (pair(1.0, 409), []),
    "a 425": (pair(1.0, 425), []),
    "a 429": (pair(1.0, 429), []),
    "a 529": (pair(1.0, 529), []),
    "a 503 that the server says not to try again": (
        pair(1.0, 503, response_headers={"X-Should-Retry": "false"}),
        [1, 2],
    ),
    "a 400 that the server says to try again": (
        pair(1.0, 400, response_headers={"x-should-retry": "true"}),
        [],
    ),
    "a 400 where it says neither": (pair(1.0, 400, response_headers={"x-should-retry": "perhaps"}), [1, 2]),
    "a 400, and the same two minutes later": (pair(120.0, 400), []),
    "no rule matched, and now one does": (
        lambda script: (script.send(0, 404, unmatched=True), script.send(1)),
        [],
    ),
    "no rule matched, and still none does": (
        lambda script: (script.send(0, 404, unmatched=True), script.send(1, 404, unmatched=True)),
        [1, 2],
    ),
    "a 400, and another prompt": (
        lambda script: (script.send(0, 400), script.send(1, 400, prompt="please")),
        [],
    ),
    "a 401, and the same with another key": (
        lambda script: (script.send(0, 401), script.send(1, client=Client("Program/1", "new"))),
        [],
    ),
    "of two in flight with a count, the retry is of the temporary failure": (
        lambda script: (
            script.send(0, 400, took=0.1, retry=0),
            script.send(0, 503, took=0.2, retry=0),
            script.send(1, retry=1),
        ),
        [],
    ),
    "two in flight that are both refused": (
        lambda script: (script.send(0, 400, took=1), script.send(0.5, 400, took=1), script.send(2, 400)),
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), FOR_GOOD.values(), ids=FOR_GOOD)
def test_retried_non_retryable_needs_permanent_refusal(play: Play, shows: list[int]) -> None:
    script = ClientScript()
    play(script)
    assert script.verdicts().get("retried_non_retryable", []) == shows


BACKOFF: dict[str, tuple[Play, list[int]]] = {
    "two retries at once": (at(0, 0.01, 0.02), [1, 2, 3]),
    "one retry at once, as some HTTP libraries make": (at(0, 0.01), []),
    "one at once, and one that waits": (at(0, 0.01, 0.6), []),
    "two at once, and then one that waits": (at(0, 0.01, 0.02, 1.0), [1, 2, 3]),
    "two at once, but not in a row": (at(0, 0.01, 0.6, 0.61), []),
    "as OpenAI's SDK does it": (at(0, 0.4, 1.3, 3.0, 6.5, 13.0, 20.0), []),
    "an SDK in a loop of the application, which starts again": (
        at(0, 0.4, 1.3, 1.31, 1.7, 2.6, 2.61, 3.0),
        [],
    ),
    "every second": (at(0, 1, 2, 3, 4), [1, 2, 3, 4, 5]),
    "every second, three times": (at(0, 1, 2, 3), []),
    "about every second": (at(0, 1, 2.3, 3.1, 4.5), []),
    "every ten seconds": (at(0, 10, 20, 30, 40), []),
    "as soon as requested": (at(0, 0.01, 0.02, 0.03, response_headers={"retry-after-ms": "10"}), []),
    "at once, though a wait was requested": (at(0, 0.01, 0.02, response_headers=WAIT), [1, 2, 3]),
    "at once behind refusals for good, which is another verdict": (at(0, 0.01, 0.02, status=400), []),
    "at once behind a success": (mixed((0, 503), (0.01, 200), (0.02, 503), (0.03, 200)), []),
    "behind a refusal for good it begins to count anew": (
        mixed((0, 503), (0.01, 400), (0.02, 503), (0.03, 503)),
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), BACKOFF.values(), ids=BACKOFF)
def test_no_backoff_needs_quick_or_even_retries(play: Play, shows: list[int]) -> None:
    script = ClientScript()
    play(script)
    assert script.verdicts().get("no_backoff", []) == shows


STORMS: dict[str, tuple[Play, list[int]]] = {
    "ten retries in a second": (at(*every(0.1, 11)), [*range(1, 12)]),
    "nine": (at(*every(0.1, 10)), []),
    "ten in ten seconds": (at(*every(1.0, 11)), [*range(1, 12)]),
    "ten in eleven": (at(*every(1.1, 11)), []),
    "ten in the middle of others": (
        at(0, 20, *(40 + item for item in every(0.5, 11)), 70),
        [*range(3, 14)],
    ),
    "twenty, each after the requested wait": (
        at(*every(0.1, 20), response_headers={"retry-after-ms": "100"}),
        [],
    ),
    "behind refusals for good too": (at(*every(0.1, 11), status=401), [*range(1, 12)]),
    "twenty requests that all succeed": (at(*every(0.1, 20), status=200), []),
    "twenty prompts that are refused once each": (
        lambda script: [script.send(number / 10, 503, prompt=str(number)) for number in range(20)],
        [],
    ),
}


@pytest.mark.parametrize(("play", "shows"), STORMS.values(), ids=STORMS)
def test_retry_storm_needs_ten_retries_in_ten_seconds(play: Play, shows: list[int]) -> None:
    script = ClientScript()
    play(script)
    assert script.verdicts().get("retry_storm", []) == shows


def test_verdict_joins_several_items_of_evidence() -> None:
    script = ClientScript()
    for number in range(3):
        script.send(number, 503, prompt=str(number))
    expected = script.results()["gave_up"]
    assert expected.message == "#1 ended with 503, and no retry followed after 1 try; and 2 more"
    assert [observed.id for observed in expected.requests] == [1, 2, 3]
    assert expected.verdict is VERDICTS["gave_up"]


def test_evaluate_reports_each_client_in_each_session() -> None:
    script = ClientScript()
    other = Client("Other/2", "k", "127.0.0.1")
    script.send(0, 503)
    script.send(1, client=other)
    script.send(2, session="s")
    script.send(3)
    reports = [(str(item.client), item.session, item.requests) for item in script.reports()]
    mine = "Program/1, key k, 127.0.0.1"
    assert reports == [(mine, None, 2), ("Other/2, key k, 127.0.0.1", None, 1), (mine, "s", 1)]


def test_evaluate_does_not_depend_on_order_of_requests() -> None:
    script = ClientScript()
    at(*every(0.1, 11))(script)
    before = script.verdicts()
    script.requests.reverse()
    assert script.verdicts() == before


def test_evaluate_since_hides_verdicts_on_older_requests() -> None:
    script = ClientScript()
    script.send(0, 503, prompt="before")
    script.send_at([0, 1, 2.5])
    script.send(3, 503, prompt="behind")
    assert script.verdicts(since=EPOCH + 2) == {"gave_up": [5]}
    assert script.reports(since=EPOCH + 2)[0].requests == 2
    assert script.reports(since=EPOCH + 4) == []
    script.send(3, 200)
    assert script.verdicts(since=EPOCH + 2) == {"gave_up": [5], "recovered": [2, 3, 4, 6]}
