"""`/metrics`: each family that is promised, in both of Prometheus' formats, as its own parsers read them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from mockllm.server.metrics import BOUNDS, MAX_SERIES, Metrics
from tests.server.control.live_server import Got, Steered, steered
from tests.server.test_metrics import STREAM, reported, seen
from tests.waiting import until

PLAIN = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
OPEN = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5"
PROMISED = {
    "mockllm_requests": ("counter", {"endpoint", "model", "rule", "status"}),
    "mockllm_faults": ("counter", {"endpoint", "fault"}),
    "mockllm_unfinished": ("counter", {"endpoint", "how"}),
    "mockllm_response_seconds": ("histogram", {"endpoint", "le"}),
    "mockllm_time_to_first_chunk_seconds": ("histogram", {"endpoint", "le"}),
    "mockllm_inter_chunk_seconds": ("histogram", {"endpoint", "le"}),
    "mockllm_pacing_error_seconds": ("histogram", {"le"}),
    "mockllm_open_answers": ("gauge", {"endpoint"}),
    "mockllm_rules": ("gauge", set()),
    "mockllm_stale_files": ("gauge", set()),
    "mockllm_last_reload_successful": ("gauge", set()),
    "mockllm_cost_dollars": ("counter", {"endpoint", "model"}),
    "mockllm_unpriced_requests": ("counter", {"endpoint", "model"}),
    "mockllm_tokens": ("counter", {"endpoint", "model", "kind"}),
}
Read = Callable[[str], Iterable[Metric]]


def _busy(server: Steered) -> None:
    """Something of each kind has happened."""
    server.call("PATCH", "/api/config/global", {"pace": {"itl": "2ms"}})
    server.ask("hello", stream=True)
    server.call("POST", "/api/config/reset")
    server.ask('hello "quoted"\n', model='mo"d\\el')
    server.call("PATCH", "/api/config/global", {"faults": ["reset"]})
    with pytest.raises(OSError):
        server.ask("hello", stream=True)


def families(got: Got, read: Read = text_string_to_metric_families) -> Mapping[str, Metric]:
    return {family.name: family for family in read(got.text)}


@pytest.mark.parametrize(
    ("accept", "read", "content_type"),
    [
        (PLAIN, text_string_to_metric_families, "text/plain; version=0.0.4; charset=utf-8"),
        (OPEN, openmetrics.text_string_to_metric_families, "application/openmetrics-text; version=1.0.0"),
    ],
    ids=["Prometheus' text", "OpenMetrics"],
)
def test_metrics_page_has_all_documented_metrics(
    server: Steered, accept: str, read: Read, content_type: str
) -> None:
    _busy(server)
    got = server.call("GET", "/metrics", None, {"accept": accept})
    assert got.headers["content-type"].startswith(content_type)
    found = families(got, read)
    assert {name: family.type for name, family in found.items()} == {
        name: kind for name, (kind, _) in PROMISED.items()
    }
    for name, (_, labels) in PROMISED.items():
        assert found[name].samples, name
        assert {label for sample in found[name].samples for label in sample.labels} == labels
    assert 'mo"d\\el' in {sample.labels["model"] for sample in found["mockllm_requests"].samples}


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "application/openmetrics-text;version=abc", "a;b=;,"]
)
def test_metrics_page_accepts_any_accept_header(server: Steered, accept: str) -> None:
    got = server.call("GET", "/metrics", None, {"accept": accept} if accept else None)
    assert (got.status, got.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")


def test_buckets_are_cumulative_up_to_infinity(server: Steered) -> None:
    _busy(server)
    buckets = [
        (sample.labels["le"], sample.value)
        for sample in families(server.call("GET", "/metrics"))["mockllm_response_seconds"].samples
        if sample.name.endswith("_bucket")
    ]
    counts = [count for _, count in buckets]
    assert counts == sorted(counts)
    assert buckets[-1] == ("+Inf", 3)


def value(server: Steered, name: str, **labels: str) -> float | None:
    return next(
        (
            sample.value
            for family in families(server.call("GET", "/metrics")).values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ),
        None,
    )


def test_open_responses_count_a_running_stream(server: Steered) -> None:
    server.call("PATCH", "/api/config/global", {"pace": {"ttft": "30s"}})
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "hello"}]}'
    connection.request("POST", "/v1/chat/completions", body)
    until(lambda: value(server, "mockllm_open_answers", endpoint="openai-chat") == 1)
    connection.close()
    until(lambda: value(server, "mockllm_open_answers", endpoint="openai-chat") == 0)
    assert value(server, "mockllm_unfinished_total", endpoint="openai-chat", how="gone") == 1


@pytest.mark.full
def test_broken_file_is_counted_as_stale(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": "rules: [{reply: hi}]"}) as server:
        assert value(server, "mockllm_last_reload_successful") == 1
        (tmp_path / "a.yaml").write_text("rules: [{reply")
        server.call("POST", "/api/reload")
        assert value(server, "mockllm_last_reload_successful") == 0
        assert (value(server, "mockllm_stale_files"), value(server, "mockllm_rules")) == (1, 1)


def test_scraping_does_not_change_responses(server: Steered) -> None:
    """Pages and responses at the same time."""
    threads = [threading.Thread(target=server.call, args=("GET", "/metrics")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert server.reply_text("hello") == "Hello you."
    for thread in threads:
        thread.join()
    assert value(server, "mockllm_requests_total", rule="a.yaml:hello") == 20


@pytest.mark.parametrize("name", ["mockllm_requests", "mockllm_cost_dollars", "mockllm_tokens"])
def test_models_with_one_label_have_one_series(server: Steered, name: str) -> None:
    for model in ("a\nb", "a\\nb", "\u2028", "\\u2028"):
        server.ask("hello", model=model)
    found = families(server.call("GET", "/metrics"))[name].samples
    series = [tuple(sorted(sample.labels.items())) for sample in found]
    assert len(series) == len(set(series))
    assert {sample.labels["model"] for sample in found} == {"a\\nb", "\\u2028"}


def test_empty_model_is_counted_as_none(server: Steered) -> None:
    server.ask("hello", model="")
    assert value(server, "mockllm_requests_total", model="none") == 1


def test_label_sets_are_bounded() -> None:
    metrics = Metrics()
    for model in range(150):
        for rule in range(50):
            metrics.count_one(seen(reported(rule=f"a.yaml:{rule}"), model=f"m{model}"))
    assert len(metrics.series) == MAX_SERIES + 1
    assert sum(metrics.series.values()) == 150 * 50


@pytest.mark.parametrize("together", [True, False], ids=["counted together", "counted by itself"])
def test_disconnected_stream_records_its_first_chunk(together: bool) -> None:
    metrics, stream = Metrics(), seen(reported(content=STREAM), took=0.02)
    if together:
        metrics.count_cached(stream, [0.02, 0.5])
        metrics.count_cached(stream, [0.1])
    else:
        for took in (0.02, 0.5, 0.1):
            metrics.count_one(replace(stream, duration=took))
        metrics.count_one(replace(stream, end_reason="gone"))
    (found,) = metrics.endpoints.values()
    assert (found.ttft.count, found.ttft.most) == (3, 0.5)
    assert found.ttft.total == pytest.approx(0.62)
    metrics.count_cached(seen(reported()), [1.0])
    assert found.ttft.count == 3


def test_add_all_equals_adding_each_value() -> None:
    values = [0.0001, 0.00015, 0.5, 3.0, BOUNDS[-1] * 2]
    each, together = Metrics(), Metrics()
    for value in values:
        each.count_one(seen(reported(), took=value))
    together.count_cached(seen(reported()), values)
    (one,), (many,) = each.endpoints.values(), together.endpoints.values()
    assert (one.durations.counts, one.durations.most) == (many.durations.counts, many.durations.most)
    assert one.durations.total == pytest.approx(many.durations.total)
