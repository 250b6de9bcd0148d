"""The verdicts on a client are the same in virtual time as in real time: a hundred scenarios, each in both."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import pytest

from mockllm.testing import MockLLM
from mockllm.testing.loop_thread import virtual_time
from mockllm.testing.mock_server import MockSession

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "tell me a story"}]}
FAILED = (http.client.HTTPException, OSError)


class ResponseComplete(Exception):
    """The response is complete."""


def attempt(session: MockSession, chunks: int | None = None) -> Mapping[str, str]:
    """Send the request once; return the headers of a failure. Raises ResponseComplete.

    `chunks`: how many reads the client makes before it leaves.
    """
    host, _, port = session.server.base_url.removeprefix("http://").partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=30)) as connection:
        stream = chunks is not None
        body = json.dumps({**BODY, "stream": stream})
        headers = {"content-type": "application/json", "user-agent": "own/1"}
        try:
            connection.request("POST", f"/s/{session.session_id}/v1/chat/completions", body, headers)
            response = connection.getresponse()
            for _ in range(chunks or 0):
                response.read1(64)
            if not stream:
                response.read()
        except FAILED:
            return {}
        if response.status == 200:
            raise ResponseComplete
        return {name.lower(): value for name, value in response.getheaders()}


def wait_of(headers: Mapping[str, str]) -> float:
    return float(headers.get("retry-after-ms", 0)) / 1000


def obedient(session: MockSession) -> None:
    for number in range(4):
        headers = attempt(session)
        time.sleep((wait_of(headers) or 0.15 * 2**number) + 0.02)


def hasty(session: MockSession) -> None:
    for _ in range(3):
        time.sleep(0.4 * wait_of(attempt(session)))


def hammering(session: MockSession) -> None:
    for _ in range(5):
        attempt(session)


def patient(session: MockSession) -> None:
    for number in range(4):
        attempt(session)
        time.sleep(0.2 * 2**number)


def resigned(session: MockSession) -> None:
    attempt(session)


def twice(session: MockSession) -> None:
    attempt(session)
    time.sleep(0.3)
    attempt(session)


def leaving(session: MockSession) -> None:
    with suppress(ResponseComplete):
        attempt(session, chunks=2)
    time.sleep(0.2)


CLIENTS = (obedient, hasty, hammering, patient, resigned, twice, leaving)
FAILURES: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"error": {"type": "rate_limit", "retry_after": "500ms"}},),
    ({"error": {"type": "rate_limit", "retry_after": "800ms"}},),
    ({"error": {"type": "rate_limit", "retry_after": "600ms"}, "times": 2},),
    ({"error": {"type": "rate_limit", "retry_after": "500ms"}, "times": 9},),
    ({"error": "server_error"},),
    ({"error": "server_error", "times": 2},),
    ({"error": "server_error", "times": 9},),
    ({"error": {"type": "overloaded", "retry_after": "700ms"}},),
    ({"error": "overloaded", "times": 2},),
    ({"error": "authentication", "times": 9},),
    ({"error": "bad_request", "times": 9},),
    ({"error": "insufficient_quota", "times": 9},),
    ({"reply": "x", "faults": ["reset"]},),
    ({"reply": "x", "delay": "150ms"},),
    ({"error": {"type": "timeout"}, "times": 2},),
)
SCENARIOS = list(itertools.islice(itertools.product(CLIENTS, FAILURES), 100))


def verdicts_of(
    server: MockLLM, client: Callable[[MockSession], None], failures: tuple[dict[str, Any], ...]
) -> list[str]:
    with server.session() as session:
        pace = {"itl": "60ms"}
        session.sequence(
            *failures, {"reply": "Once upon a time there was a server that told a tale", "pace": pace}
        )
        with suppress(ResponseComplete):
            client(session)
        return session.verdicts.names


def in_real_time(scenarios: list[Any]) -> Iterator[list[str]]:
    with MockLLM() as server, ThreadPoolExecutor(8) as pool:
        yield from pool.map(lambda scenario: verdicts_of(server, *scenario), scenarios)


def in_virtual_time(scenarios: list[Any]) -> Iterator[list[str]]:
    with MockLLM() as server, virtual_time():
        yield from [verdicts_of(server, *scenario) for scenario in scenarios]


def differing(scenarios: list[Any]) -> dict[str, list[str]]:
    """The scenarios whose verdicts differ, with those in virtual time. In real time a busy machine delays clients,
    which may change a verdict on their waits: such a scenario is played again, up to three times.
    """
    expected = list(zip(scenarios, in_virtual_time(scenarios), strict=True))
    for _ in range(4):
        real = in_real_time([scenario for scenario, _ in expected])
        expected = [pair for pair, names in zip(expected, list(real), strict=True) if pair[1] != names]
    return {f"{client.__name__} {failures}": virtual for (client, failures), virtual in expected}


def test_verdicts_in_virtual_time_equal_those_in_real_time() -> None:
    assert differing(SCENARIOS[::7]) == {}


@pytest.mark.full
def test_verdicts_of_a_hundred_scenarios_are_the_same() -> None:
    assert len(SCENARIOS) == 100
    seen = {name for names in in_virtual_time(SCENARIOS) for name in names}
    assert seen >= {"recovered", "retry_after_ignored", "retried_non_retryable", "no_backoff", "gave_up"}
    assert differing(SCENARIOS) == {}
