"""What a deed tells of itself, and of its client; how an answer went by time; the waits that answers tell."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.gzip import packed
from mockllm.core.rendering.plan import Delivery, Flow
from mockllm.core.verdicts import Client
from mockllm.core.verdicts.delivery_timing import DeliveryTiming, delivery_timing
from mockllm.core.verdicts.observed_request import plain
from mockllm.core.verdicts.retry_after import requested_wait, words
from tests.core.verdicts.scenes import Scene, streamed, whole

CODED = "content-encoding"


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (Client("A/1", "ff00", "::1"), "A/1, key ff00, ::1"),
        (Client(address="10.0.0.1"), "10.0.0.1"),
        (Client(), "unknown"),
        (Client("a\x1b[2Jb\n" + "c" * 200), "a?[2Jb?" + "c" * 72 + "…"),
    ],
)
def test_a_client_is_told_in_a_line(client: Client, said: str) -> None:
    assert str(client) == said
    assert client.is_called(said)


def test_a_client_is_called_by_any_of_its_parts() -> None:
    client = Client("A/1", "", "::1")
    assert client.is_called("::1")
    assert client.is_called("A/1")
    assert not client.is_called("A/2")
    assert not client.is_called("")


def test_a_deed_is_told_in_a_line() -> None:
    scene = Scene()
    assert str(scene.ask(0, 429, told={"retry-after": "90"})) == "#1 POST /v1/x - 429, asked to wait 90s"
    assert str(scene.ask(0, left="gone")) == "#2 POST /v1/x - 200, gone"
    assert str(scene.ask(0, took=None)) == "#3 POST /v1/x - 200"


@pytest.mark.parametrize(
    ("headers", "retry"),
    [({}, None), ({"x-stainless-retry-count": "2"}, 2), ({"x-stainless-retry-count": "²"}, None)],
)
def test_which_retry_it_is(headers: dict[str, str], retry: int | None) -> None:
    assert Scene().ask(0, headers=headers).retry == retry


def test_an_answer_that_is_under_way_has_no_end() -> None:
    deed = Scene().ask(0, 503, took=None, left=None, told={"retry-after": "1"})
    assert (deed.duration, deed.failed, deed.unanswered, deed.wait) == (None, False, False, 1.0)


def test_an_answer_that_was_cut_before_anything_came_is_none() -> None:
    flows = replace(streamed([0, 0], cut="reset"), delivery=Delivery(flows=(Flow(1, 1.0),)))
    scene = Scene()
    assert scene.ask(0, left="reset", plan=streamed([1], cut="reset", delay=1.0), took=0.5).unanswered
    assert not scene.ask(0, left="reset", plan=streamed([1], cut="reset"), took=0.5).unanswered
    assert scene.ask(0, left="reset", plan=flows).unanswered, "nothing shows that anything came"


PLAN = streamed([0.1, 0.2, 0.3], delay=1.0)
COURSES: dict[str, tuple[float, bool, DeliveryTiming]] = {
    "before the head": (0.5, False, DeliveryTiming(False, 0.5, 0.0, 0, 3)),
    "behind the head": (1.05, False, DeliveryTiming(True, 0.05, 1.0, 0, 3)),
    "behind a chunk": (1.2, False, DeliveryTiming(True, 0.1, 1.0, 1, 3)),
    "at its end": (1.6, True, DeliveryTiming(True, 0.0, 1.0, 3, 3)),
}


@pytest.mark.parametrize(("took", "finished", "went"), COURSES.values(), ids=COURSES)
def test_how_an_answer_went(took: float, finished: bool, went: DeliveryTiming) -> None:
    found = delivery_timing(PLAN, took + 1e-9, finished=finished)
    assert found is not None
    assert found == pytest.approx(went, abs=1e-6)
    assert found.longest == max(found.last, found.before)


def test_a_packed_answer_is_read_as_a_client_reads_it() -> None:
    for plan in (whole(503, (), {"error": "x"}), streamed([0, 1, 0]), streamed([0, 1, 0], cut="close")):
        there_and_back = plain(packed(plan))
        assert sent_bytes(there_and_back) == sent_bytes(plan)
        assert delivery_timing(there_and_back, 2.0, finished=False) == delivery_timing(
            plan, 2.0, finished=False
        )


def test_what_cannot_be_unpacked_is_left_as_it_is() -> None:
    for plan in (
        whole(503, ((CODED, "br"),), "some text"),
        whole(503, ((CODED, "gzip"),), "some text"),
    ):
        assert plain(plan) is plan


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
def test_a_wait_in_a_body(body: Any, wait: float | None) -> None:
    assert requested_wait((), json.dumps(body).encode(), 0.0) == wait


@pytest.mark.parametrize("text", ["12 Jan 99999999999999999999 1:2", "Mon, 99 Jan 2026", "nan", "1e999", ""])
def test_what_is_no_time_tells_no_wait(text: str) -> None:
    assert requested_wait((("retry-after", text), ("retry-after-ms", text)), b"", 0.0) is None


def test_a_body_that_is_no_json_tells_no_wait() -> None:
    assert requested_wait((), b"google.rpc.RetryInfo {", 0.0) is None
    assert requested_wait((("server", "x"),), b"", 0.0) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
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
def test_times_are_told_briefly(seconds: float, said: str) -> None:
    assert words(seconds) == said


def test_nothing_is_read_of_clients_that_saw_no_failure() -> None:
    scene = Scene()
    deed = scene.ask(0, client=Client("fine"))
    other = scene.ask(1)
    scene.ask(2, 400)
    assert scene.shown() == {}
    assert "request" not in vars(deed)
    assert "request" in vars(other)
