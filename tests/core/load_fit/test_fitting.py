"""Settings are found again: runs of clients against a known batch, measured, fitted and compared."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heapreplace
from random import Random

import pytest

from mockllm.core.load.continuous_batch import BatchCapacity, PromptWork
from mockllm.core.load.running_batch import RunningBatch
from mockllm.core.load_fit.benchmark_run import BenchmarkRun, MeasuredRequest, UnreadableResult
from mockllm.core.load_fit.fitting import fit_batch
from mockllm.core.load_fit.result_files import read_result
from mockllm.core.load_fit.scenario_file import scenario_text
from tests.core.load_fit import results
from tests.core.load_fit.results import Served

SERVER = BatchCapacity(24, None, 8000.0, 0.03, ((1, 0.02), (16, 0.035), (24, 0.05)))


def run_clients(
    batch: BatchCapacity, clients: int, *, lengths: tuple[int, int] = (100, 4000), requests: int = 20
) -> list[Served]:
    """So many clients, each of which sends its next request when its last one has ended."""
    running, random = RunningBatch(batch), Random(clients)
    free = [0.0] * clients
    heapify(free)
    served: list[Served] = []
    for number in range(clients * requests):
        now, output = free[0], random.randint(150, 250)
        work = PromptWork(random.randint(*lengths), output)
        schedule = running.schedule(work, now)
        assert schedule is not None
        assert schedule.itl is not None
        running.add(number, schedule, work, now)
        seen = Served(now, schedule.wait + (schedule.ttft or 0.0), schedule.itl, work.tokens, output)
        running.expect_end(number, seen.end)
        served.append(seen)
        heapreplace(free, seen.end)
    return served


def fitted(form: Callable[[list[Served], int], bytes], *clients: int) -> BatchCapacity:
    runs = [run for number in clients for run in read_result(form(run_clients(SERVER, number), number))]
    return fit_batch(runs).batch


DETAILED = [results.guidellm, results.aiperf_records, results.vllm_detailed]


@pytest.mark.parametrize("form", DETAILED, ids=lambda form: form.__name__)
def test_settings_of_a_known_server_are_found_again(form: Callable[[list[Served], int], bytes]) -> None:
    found = fitted(form, 1, 16, 64)
    assert found.prefill_rate == pytest.approx(8000, rel=0.02)
    assert found.base == pytest.approx(0.03, rel=0.02)
    assert found.slots == pytest.approx(24, abs=2)
    for clients, seconds in ((1, 0.02), (16, 0.035), (24, 0.05)):
        assert found.token_latency(clients) == pytest.approx(seconds, rel=0.05)


@pytest.mark.parametrize("form", [results.aiperf, results.vllm])
def test_summaries_are_enough_for_times_between_tokens(
    form: Callable[[list[Served], int], bytes],
) -> None:
    found = fitted(form, 1, 16)
    assert found.prefill_rate is None
    assert found.slots is None
    assert [number for number, _ in found.itl] == [1, pytest.approx(16, abs=2)]
    assert [seconds for _, seconds in found.itl] == pytest.approx([0.02, 0.035], rel=0.05)


def test_fitted_server_reports_what_was_measured() -> None:
    """The way back: clients of the fitted batch see the times of the measured one."""
    found = fitted(results.guidellm, 1, 16, 64)
    for clients in (1, 16, 64):
        real, again = run_clients(SERVER, clients), run_clients(found, clients)
        for attribute in ("itl", "took"):
            mean = [
                sum(getattr(each, attribute) for each in served) / len(served) for served in (real, again)
            ]
            assert mean[1] == pytest.approx(mean[0], rel=0.1)


def requests_of(*points: tuple[float, float], itl: float | None = 0.01) -> BenchmarkRun:
    found = [MeasuredRequest(tokens, ttft, ttft + 1.0, itl) for tokens, ttft in points]
    return BenchmarkRun(found, len(found), sum(request.took for request in found))


def test_single_late_requests_do_not_change_the_fit() -> None:
    points = [(100.0 * number, 0.1 + 0.01 * number) for number in range(1, 30)]
    found = fit_batch([requests_of(*points, (500.0, 30.0), (2900.0, 9.0))]).batch
    assert found.base == pytest.approx(0.1)
    assert found.prefill_rate == pytest.approx(10_000)


def test_equal_prompts_leave_all_time_to_the_base() -> None:
    found = fit_batch([requests_of((100, 0.2), (100, 0.3), (101, 0.25))])
    assert (found.batch.base, found.batch.prefill_rate) == (0.25, None)
    assert any(note.startswith("the prompts are too equal") for note in found.notes)


def test_prefill_that_explains_all_time_has_no_base() -> None:
    found = fit_batch([requests_of((100, 0.01), (200, 0.11), (300, 0.21))]).batch
    assert found.base == 0.0
    assert found.prefill_rate is not None


def test_busy_quietest_run_is_noted() -> None:
    run = requests_of((100, 0.2), (100, 0.2))
    busy = BenchmarkRun(run.requests, 200, 24.0, 10)
    found = fit_batch([busy])
    assert found.batch.itl == ((10, 0.01),)
    assert "the quietest run had 10.0 open requests: its first tokens may have waited" in found.notes


def test_run_without_second_tokens_is_refused() -> None:
    with pytest.raises(UnreadableResult, match="no time between tokens"):
        fit_batch([requests_of((100, 0.2), itl=None)])


def test_scenario_names_settings_and_their_basis() -> None:
    runs = [requests_of((100, 0.2), (100, 0.2))]
    text = scenario_text(fit_batch(runs), runs)
    assert text.startswith(
        "# Written by `mockllm fit`, from 1 run with 2 requests.\n# The prompts are too equal"
    )
    assert text.endswith("        prefill: {base: 200ms}\n        itl: {1: 10ms}\n")
    known = [
        run
        for clients in (1, 16, 64)
        for run in read_result(results.guidellm(run_clients(SERVER, clients), clients))
    ]
    text = scenario_text(fit_batch(known), known)
    assert "        slots: 2" in text
    assert "        prefill: {tokens_per_second: " in text
