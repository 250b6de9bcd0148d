"""What is counted: percentiles, bounded labels, streams, and the time series."""

from __future__ import annotations

from array import array

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, RawStep, ResponseHead, WaitStep
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.exchange import EndReason
from mockllm.server.metrics import BOUNDS, MAX_LABEL_VALUES, MAX_STORED_SECONDS, OTHER, Histogram, Metrics
from tests.language.virtual_server import NOW, VirtualServer, chat_request


def seen(
    answer: PlannedResponse,
    *,
    at: float = 100.0,
    took: float = 0.01,
    model: str | None = "m",
    end_reason: EndReason = "finished",
    times: array[float] | None = None,
) -> EndedExchange:
    return EndedExchange(
        now=at,
        monotonic=5.0,
        response=answer,
        duration=took,
        end_reason=end_reason,
        write_times=times,
        method="POST",
        target="/",
        request_class=Request,
        model=model,
    )


def reported(status: int = 200, rule: str | None = "a.yaml:r", **more: object) -> PlannedResponse:
    response = PlannedResponse(Plan(ResponseHead(status, ()), (EventStep(b"x", 1, "body"),)), rule)
    return replace(response, **more)


def test_percentile_is_exact_to_bucket_width() -> None:
    histogram = Histogram()
    assert histogram.percentile(0.5) is None
    values = [0.001 * number for number in range(1, 1001)]
    for value in values:
        histogram.add(value)
    for share in (0.5, 0.9, 0.99, 1.0):
        found = histogram.percentile(share)
        assert found == pytest.approx(share, rel=0.35)
    assert histogram.percentile(1.0) == histogram.most == 1.0


def test_percentile_counts_values_beyond_buckets() -> None:
    histogram = Histogram()
    histogram.add(BOUNDS[-1] * 2)
    assert histogram.percentile(0.5) == pytest.approx(BOUNDS[-1] * 1.5)
    assert histogram.count == 1


def test_labels_are_bounded() -> None:
    metrics = Metrics()
    for number in range(MAX_LABEL_VALUES + 50):
        metrics.count_one(seen(reported(), model=f"m{number}"))
    metrics.count_one(seen(reported(), model="x" * 300))
    models = {series.model for series in metrics.series}
    assert len(models) == MAX_LABEL_VALUES + 1
    assert sum(count for series, count in metrics.series.items() if series.model == OTHER) == 51


def test_errors_misses_faults_and_who_left_are_counted() -> None:
    metrics = Metrics()
    metrics.count_one(seen(reported(404, None, unmatched=True)))
    metrics.count_one(seen(reported(faults=("reset",)), end_reason="reset"))
    metrics.count_cached(seen(reported(faults=("stall",))), [0.01] * 3)
    (found,) = metrics.endpoints.values()
    assert (found.requests, found.errors, found.unmatched) == (5, 1, 1)
    assert found.faults == {"reset": 1, "stall": 3}
    assert found.end_reasons == {"reset": 1}
    assert found.durations.count == 5


STREAM = Plan(
    ResponseHead(200, ()),
    (
        EventStep(b"role", 0, "open"),
        WaitStep(0.5, 0),
        EventStep(b"a", 1, "chunk"),
        WaitStep(0.1, 1),
        EventStep(b"b", 2, "chunk"),
    ),
    Framing.SSE,
)


def test_stream_metrics_have_ttft_gaps_and_lateness() -> None:
    metrics = Metrics()
    times = array("d", [5.0, 5.51, 5.62])
    metrics.count_one(seen(PlannedResponse(STREAM, "a.yaml:r"), times=times, took=0.62))
    (found,) = metrics.endpoints.values()
    assert found.ttft.total == pytest.approx(0.51)
    assert found.gaps.count == 1
    assert found.gaps.total == pytest.approx(0.11)
    assert metrics.late.total == pytest.approx(0.02)


def test_stream_left_before_first_chunk_has_no_stream_metrics() -> None:
    metrics = Metrics()
    metrics.count_one(seen(PlannedResponse(STREAM, "a.yaml:r"), times=array("d", [5.0]), end_reason="gone"))
    (found,) = metrics.endpoints.values()
    assert (found.ttft.count, found.gaps.count, metrics.late.count) == (0, 0, 0)


def test_paced_whole_body_has_no_ttft() -> None:
    metrics = Metrics()
    held = Plan(ResponseHead(200, ()), (EventStep(b"x", 1, "body"),), delay=0.5)
    metrics.count_one(seen(PlannedResponse(held, "a.yaml:r"), times=array("d", [5.5])))
    (found,) = metrics.endpoints.values()
    assert (found.ttft.count, metrics.late.count) == (0, 1)


def test_response_without_pace_is_never_late() -> None:
    metrics = Metrics()
    metrics.count_one(seen(reported(), times=array("d", [5.0, 9.0])))  # a large one, to a slow reader
    assert metrics.late.count == 0


SIZES: list[tuple[str, EndReason, float, int]] = [
    ("a whole stream is all of its bytes", "finished", 0.62, 6),
    ("who leaves before the last chunk misses its bytes", "gone", 0.55, 5),
    ("who leaves before the first has what opened the stream", "gone", 0.2, 4),
]


@pytest.mark.parametrize(
    ("end_reason", "took", "size"), [case[1:] for case in SIZES], ids=[case[0] for case in SIZES]
)
def test_bytes_are_counted_by_the_second(end_reason: EndReason, took: float, size: int) -> None:
    metrics = Metrics()
    metrics.count_one(seen(PlannedResponse(STREAM, "a.yaml:r"), took=took, end_reason=end_reason))
    (second,) = metrics.seconds()
    assert second.bytes == size


def test_bytes_behind_cut_are_not_counted() -> None:
    metrics = Metrics()
    cut = Plan(ResponseHead(200, ()), (RawStep(b"abc", 0), CutStep("reset", 0), RawStep(b"defg", 0)))
    metrics.count_one(seen(PlannedResponse(cut, None), end_reason="reset"))
    (second,) = metrics.seconds()
    assert second.bytes == 3


def test_many_counts_bytes_of_every_response() -> None:
    metrics = Metrics()
    raw = Plan(ResponseHead(200, ()), (RawStep(b"data: x", 0), EventStep(b"y", 1, "chunk")))
    metrics.count_cached(seen(PlannedResponse(raw, None)), [0.01] * 3)
    (second,) = metrics.seconds()
    assert second.bytes == 3 * 8


def test_bytes_of_cached_responses_are_those_of_rendered_ones() -> None:
    server = VirtualServer("rules: [{reply: Hello}]")
    first, *_, last = (server.respond(chat_request()) for _ in range(4))
    cached = last.planned.cached_from
    assert cached is not None
    assert first.planned.cached_from is None
    metrics, seed = Metrics(), last.planned.id_seed
    ended = replace(seen(cached, at=NOW), id_seed=seed, input_tokens=8)
    metrics.count_cached(ended, [0.01] * 3)
    (second,) = metrics.seconds()
    assert second.bytes == 3 * len(first.bytes)


def test_time_series_is_bounded() -> None:
    metrics = Metrics()
    for second in range(MAX_STORED_SECONDS + 10):
        metrics.count_one(seen(reported(), at=1000.0 + second, took=0.5))
        metrics.count_one(seen(reported(500), at=1000.5 + second, took=1.5))
    seconds = list(metrics.seconds())
    assert len(seconds) == MAX_STORED_SECONDS
    assert (seconds[-1].requests, seconds[-1].errors, seconds[-1].duration) == (2, 1, 2.0)
    metrics.reset()
    assert not list(metrics.seconds())


def test_key_as_model_is_redacted_in_labels() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.count_one(seen(reported(), model="sk-" + "aB3" * 8))
    assert [each.model for each in metrics.series] == ["REDACTED"]


def test_in_flight_is_the_most_of_each_second() -> None:
    metrics = Metrics()
    responses_in_flight: dict[type[Request], int] = {}
    metrics.responses_in_flight = responses_in_flight
    for now, count in ((10.1, 2), (10.9, 1), (11.5, 0), (12.0, 3), (12.5, 0)):
        responses_in_flight[Request] = count
        metrics.sample_in_flight(now)
    assert metrics.in_flight() == {10: 2, 12: 3}
    metrics.reset()
    assert metrics.in_flight() == {}
