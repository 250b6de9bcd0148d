"""The result files of benchmarks: each form is read as the same measurement, and other files are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mockllm.core.load_fit.benchmark_run import UnreadableResult
from mockllm.core.load_fit.result_files import read_result
from tests.core.load_fit import results
from tests.core.load_fit.results import Served

SERVED = [Served(float(number), 0.2, 0.05, 100, 11) for number in range(4)]
FORMS = [results.guidellm, results.aiperf, results.aiperf_records, results.vllm, results.vllm_detailed]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_each_form_has_the_same_measurement(form: Callable[[list[Served], int], bytes]) -> None:
    (run,) = read_result(form(SERVED, 2))
    assert run.completed == 4
    assert run.duration == pytest.approx(3.7)
    assert run.clients in (2, None)
    assert run.concurrency == pytest.approx(4 * 0.7 / 3.7)
    for request in run.requests:
        measured = (request.tokens, request.ttft, request.took, request.itl)
        assert measured == pytest.approx((100, 0.2, 0.7, 0.05))


def test_synchronous_run_has_one_client() -> None:
    (run,) = read_result(results.guidellm(SERVED, 1))
    assert run.clients == 1


def test_lines_of_several_results_are_several_runs() -> None:
    lines = b"\n".join([results.vllm(SERVED, 2), results.vllm(SERVED, 4), b""])
    assert [run.clients for run in read_result(lines)] == [2, 4]


NOTHING = "no complete request with a time to the first token"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "it is no JSON"),
        (b"", "not a result of GuideLLM"),
        (b"[1]", "not a result of GuideLLM"),
        (b'{"rules": []}', "not a result of GuideLLM"),
        (b'{"benchmarks": []}', "not a result of GuideLLM"),
        (b'{"benchmarks": [1]}', NOTHING),
        (
            b'{"benchmarks": [{"requests": {"successful": [{"prompt_tokens": true}]}, "duration": 1}]}',
            NOTHING,
        ),
        (b'{"mean_ttft_ms": 5}', NOTHING),
        (b'{"mean_ttft_ms": 5, "completed": 3}', NOTHING),
        (b'{"ttfts": [1, 2], "input_lens": [1], "output_lens": ["x"], "itls": [[]]}', NOTHING),
        (b'{"time_to_first_token": {}, "request_latency": 1}', NOTHING),
        (b'{"metadata": {}, "metrics": {}}', NOTHING),
        (b'{"metadata": {"request_start_ns": 1, "request_end_ns": 2}, "metrics": {}}', NOTHING),
    ],
)
def test_other_file_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(UnreadableResult, match=reason):
        read_result(raw)


def test_negative_and_endless_numbers_are_no_measures() -> None:
    result: dict[str, Any] = json.loads(results.vllm(SERVED, 2))
    for value in (-1, 1e999, None, True):
        raw = json.dumps(result | {"duration": value}).replace("Infinity", "1e999").encode()
        with pytest.raises(UnreadableResult):
            read_result(raw)


def test_response_of_one_token_has_no_time_between_tokens() -> None:
    one = [each._replace(output=1, itl=0.0) for each in SERVED]
    for form in FORMS:
        (run,) = read_result(form(one, 2))
        assert {request.itl for request in run.requests} == {None}


@pytest.mark.parametrize(("tokens", "took"), [(0, 0.2), (2, 0.2), (4, 0.2), (44, 0.7)])
def test_vllm_summary_with_few_tokens_has_no_negative_time(tokens: int, took: float) -> None:
    summary = json.loads(results.vllm(SERVED, 2)) | {"total_output_tokens": tokens}
    (run,) = read_result(json.dumps(summary).encode())
    (request,) = run.requests
    assert (request.took, request.itl) == pytest.approx((took, 0.05 if tokens > 4 else None))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_results_without_positive_times_are_refused(form: Callable[[list[Served], int], bytes]) -> None:
    at_once = [each._replace(ttft=0.0, itl=0.0) for each in SERVED]
    with pytest.raises(UnreadableResult, match=NOTHING):
        read_result(form(at_once, 2))


@pytest.mark.parametrize("form", [results.guidellm, results.aiperf_records, results.vllm_detailed])
def test_requests_without_positive_times_are_left_out(form: Callable[[list[Served], int], bytes]) -> None:
    mixed = [each._replace(ttft=0.0) if number % 2 else each for number, each in enumerate(SERVED)]
    (run,) = read_result(form(mixed, 2))
    assert [request.ttft for request in run.requests] == pytest.approx([0.2, 0.2])
