"""Observed requests and their clients, the timing of responses, and the waits that responses request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.gzip import gzipped
from mockllm.core.rendering.plan import Delivery, Throttle
from mockllm.core.verdicts import Client
from mockllm.core.verdicts.observed_request import DeliveryTiming, decompressed, delivery_timing
from mockllm.core.verdicts.retry_after import format_seconds, requested_wait
from tests.core.verdicts.client_script import ClientScript, streamed, whole

CODED = "content-encoding"


@pytest.mark.parametrize(
    ("client", "text"),
    [
        (Client("A/1", "ff00", "::1"), "A/1, key ff00, ::1"),
        (Client(address="10.0.0.1"), "10.0.0.1"),
        (Client(), "unknown"),
        (Client("a\x1b[2Jb\n" + "c" * 200), "a?[2Jb?" + "c" * 72 + "…"),
    ],
)
def test_client_text_is_one_printable_line(client: Client, text: str) -> None:
    assert str(client) == text
    assert client.is_called(text)


def test_client_is_called_by_any_of_its_fields() -> None:
    client = Client("A/1", "", "::1")
    assert client.is_called("::1")
    assert client.is_called("A/1")
    assert not client.is_called("A/2")
    assert not client.is_called("")


def test_request_text_shows_status_wait_and_ending() -> None:
    script = ClientScript()
    assert (
        str(script.send(0, 429, response_headers={"retry-after": "90"}))
        == "#1 POST /v1/x - 429, retry after 90s"
    )
    assert str(script.send(0, left="gone")) == "#2 POST /v1/x - 200, gone"
    assert str(script.send(0, took=None)) == "#3 POST /v1/x - 200"


@pytest.mark.parametrize(
    ("headers", "retry"),
    [({}, None), ({"x-stainless-retry-count": "2"}, 2), ({"x-stainless-retry-count": "²"}, None)],
)
def test_retry_number_is_read_from_sdk_header(headers: dict[str, str], retry: int | None) -> None:
    assert ClientScript().send(0, headers=headers).retry == retry


def test_response_in_flight_has_no_timing() -> None:
    observed = ClientScript().send(0, 503, took=None, left=None, response_headers={"retry-after": "1"})
    assert (observed.timing, observed.failed, observed.without_response, observed.wait) == (
        None,
        False,
        False,
        1.0,
    )


def test_response_cut_before_first_byte_is_no_response() -> None:
    throttles = replace(streamed([0, 0], cut="reset"), delivery=Delivery(throttles=(Throttle(1, 1.0),)))
    script = ClientScript()
    assert script.send(0, left="reset", plan=streamed([1], cut="reset", delay=1.0), took=0.5).without_response
    assert not script.send(0, left="reset", plan=streamed([1], cut="reset"), took=0.5).without_response
    assert script.send(0, left="reset", plan=throttles).without_response, "the timing is unknown"


PLAN = streamed([0.1, 0.2, 0.3], delay=1.0)
TIMINGS: dict[str, tuple[float, bool, DeliveryTiming]] = {
    "before the head": (0.5, False, DeliveryTiming(False, 0.5, 0.0, 0, 3)),
    "behind the head": (1.05, False, DeliveryTiming(True, 0.05, 1.0, 0, 3)),
    "behind a chunk": (1.2, False, DeliveryTiming(True, 0.1, 1.0, 1, 3)),
    "at its end": (1.6, True, DeliveryTiming(True, 0.0, 1.0, 3, 3)),
}


@pytest.mark.parametrize(("took", "finished", "timing"), TIMINGS.values(), ids=TIMINGS)
def test_delivery_timing_up_to_a_moment(took: float, finished: bool, timing: DeliveryTiming) -> None:
    result = delivery_timing(PLAN, took + 1e-9, finished=finished)
    assert result is not None
    assert result == pytest.approx(timing, abs=1e-6)
    assert result.longest == max(result.last, result.before)


def test_decompressed_plan_has_bytes_and_timing_of_original() -> None:
    for plan in (whole(503, (), {"error": "x"}), streamed([0, 1, 0]), streamed([0, 1, 0], cut="close")):
        there_and_back = decompressed(gzipped(plan))
        assert sent_bytes(there_and_back) == sent_bytes(plan)
        assert delivery_timing(there_and_back, 2.0, finished=False) == delivery_timing(
            plan, 2.0, finished=False
        )


def test_decompressed_returns_unreadable_plan_unchanged() -> None:
    for plan in (
        whole(503, ((CODED, "br"),), "some text"),
        whole(503, ((CODED, "gzip"),), "some text"),
    ):
        assert decompressed(plan) is plan


BODIES: dict[str, tuple[Any, float | None]] = {
    "no details": ({"error": {"message": "google.rpc.RetryInfo"}}, None),
    "an error that is a text": ({"error": "google.rpc.RetryInfo"}, None),
    "an empty list": (["google.rpc.RetryInfo"], None),
    "details that are none": ({"error": {"details": ["google.rpc.RetryInfo", {"@type": 1}]}}, None),
    "one without a delay": ({"error": {"details": [{"@type": "google.rpc.RetryInfo"}]}}, None),
    "one that is long past": (
        {"error": {"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": "-1s"}]}},
        0.0,
    ),
}


@pytest.mark.parametrize(("body", "wait"), BODIES.values(), ids=BODIES)
def test_requested_wait_of_retry_info_in_body(body: Any, wait: float | None) -> None:
    assert requested_wait((), json.dumps(body).encode(), 0.0) == wait


@pytest.mark.parametrize("text", ["12 Jan 99999999999999999999 1:2", "Mon, 99 Jan 2026", "nan", "1e999", ""])
def test_requested_wait_of_invalid_header_is_none(text: str) -> None:
    assert requested_wait((("retry-after", text), ("retry-after-ms", text)), b"", 0.0) is None


def test_requested_wait_of_body_without_json_is_none() -> None:
    assert requested_wait((), b"google.rpc.RetryInfo {", 0.0) is None
    assert requested_wait((("server", "x"),), b"", 0.0) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0ms"),
        (0.0042, "4ms"),
        (0.9999, "1s"),
        (1.54, "1.5s"),
        (2.0, "2s"),
        (59.94, "59.9s"),
        (90.4, "90s"),
        (1e300, "1e+300s"),
    ],
)
def test_format_seconds_is_short(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_requests_of_clients_without_failure_are_not_parsed() -> None:
    script = ClientScript()
    observed = script.send(0, client=Client("fine"))
    other = script.send(1)
    script.send(2, 400)
    assert script.verdicts() == {}
    assert "request" not in vars(observed)
    assert "request" in vars(other)
