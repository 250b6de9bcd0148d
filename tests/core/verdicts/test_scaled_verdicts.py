"""Verdicts on clients of a server with a time scale: in the scenario's time."""

from __future__ import annotations

from mockllm.core.time_scale import CLOCK_HEADER, SCENARIO
from tests.core.verdicts.client_script import ClientScript

WAIT = {"retry-after-ms": "50"}


def script(second: float, scale: float = 0.01, **more: object) -> ClientScript:
    """Return a refusal that requests 50 ms, and the same request again after so many seconds."""
    built = ClientScript()
    built.send(0.0, 429, response_headers=WAIT, time_scale=scale, **more)  # type: ignore[arg-type]
    built.send(second, 200, time_scale=scale, **more)  # type: ignore[arg-type]
    return built


def test_scaled_wait_is_reported_in_scenario_time() -> None:
    built = script(0.05)
    assert built.requests[0].wait == 5.0
    assert built.verdicts() == {"recovered": [1, 2]}


def test_scaled_wait_that_is_ignored_is_bad() -> None:
    assert "retry_after_ignored" in script(0.01).verdicts()


def test_back_off_in_real_time_is_still_a_retry() -> None:
    assert script(8.0).verdicts() == {"recovered": [1, 2]}


def test_client_with_a_scaled_clock_is_read_by_its_own_times() -> None:
    built = script(0.0005, headers={CLOCK_HEADER: SCENARIO, "x-stainless-read-timeout": "600"})
    assert built.requests[0].wait == 0.05
    assert built.requests[0].read_timeout == 600
    assert "retry_after_ignored" not in built.verdicts()


def test_timeout_of_a_client_counts_in_the_time_of_the_scenario() -> None:
    built = script(0.05, headers={"x-stainless-read-timeout": "6"})
    assert built.requests[0].read_timeout == 600


def test_sessions_with_different_scales_are_judged_apart() -> None:
    built = script(0.05)
    built.send(0.0, 429, response_headers={"retry-after": "5"}, session="slow")
    built.send(5.0, 200, session="slow")
    names = [(report.session, [each.verdict.name for each in report.verdicts]) for report in built.reports()]
    assert names == [(None, ["recovered"]), ("slow", ["recovered"])]
