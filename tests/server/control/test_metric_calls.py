"""What is counted, as JSON, CSV and for Prometheus; and what explains a request."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

from tests.server.control.live_server import Steered, listed, steered
from tests.waiting import until


def test_metrics_count_all_requests(server: Steered) -> None:
    for _ in range(4):
        server.ask("hello")
    server.ask("nobody answers this")
    found = server.call("GET", "/api/metrics").json
    assert (found["requests"], found["errors"], found["missed"]) == (5, 1, 1)
    (chat,) = found["endpoints"]
    assert (chat["endpoint"], chat["latency"]["count"]) == ("openai-chat", 5)
    assert 0 < chat["latency"]["p50"] <= chat["latency"]["p99"] <= chat["latency"]["max"]
    detailed = server.call("GET", "/api/detailed-metrics").json
    assert {(each["rule"], each["status"]): each["requests"] for each in detailed["series"]} == {
        ("a.yaml:hello", 200): 4,
        ("none", 404): 1,
    }
    assert sum(each["requests"] for each in detailed["seconds"]) == 5
    text = server.call("GET", "/api/detailed-metrics/export/csv").text
    assert text.startswith("at,requests,errors,missed,mean")


def test_time_series_has_one_entry_a_second(server: Steered) -> None:
    server.ask("hello")
    began = int(time.time())
    until(lambda: int(time.time()) > began)
    server.ask("hello")
    server.ask("nobody answers this")
    stated = server.call("GET", "/api/detailed-metrics").json
    times = [each["at"] for each in stated["seconds"]]
    assert times == sorted(set(times))
    assert all(began - 1 <= at <= time.time() for at in times)
    assert len(times) >= 2
    assert [sum(each[name] for each in stated["seconds"]) for name in ("requests", "errors", "missed")] == [
        3,
        1,
        1,
    ]
    assert all(0 < each["mean"] < 60 and each["bytes"] > 0 for each in stated["seconds"])
    assert server.call("GET", "/api/detailed-metrics/export/json").json == stated
    exported = server.call("GET", "/api/detailed-metrics/export/csv")
    assert "mockllm-metrics.csv" in exported.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(exported.text)))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == stated["seconds"]
    assert server.call("POST", "/api/metrics/reset").status == 200
    assert server.call("GET", "/api/detailed-metrics").json == {"series": [], "seconds": []}


def test_latency_is_of_one_endpoint(server: Steered) -> None:
    server.call("PATCH", "/api/config/global", {"delay": "20ms"})
    for _ in range(3):
        server.ask("hello", stream=True)
    for name in ("openai-chat", "%2Fv1%2Fchat%2Fcompletions"):
        stated = server.call("GET", f"/api/metrics/latency/{name}").json
        assert stated["endpoint"] == "openai-chat"
        assert stated["latency"]["count"] == stated["ttft"]["count"] == 3
        assert 0.02 <= stated["latency"]["p50"] <= stated["latency"]["p95"] <= stated["latency"]["p99"]
        assert stated["latency"]["p99"] <= stated["latency"]["max"]
    assert server.call("GET", "/api/metrics/latency/anthropic-messages").json["latency"]["count"] == 0


def test_prometheus_parser_reads_the_page(server: Steered) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    server.call("PATCH", "/api/config/global", {"pace": {"itl": "20ms"}})
    server.ask("hello", stream=True)
    server.ask("hello")
    text = server.call("GET", "/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (sample,) = families["mockllm_requests"].samples
    assert (sample.labels["endpoint"], sample.labels["rule"], sample.value) == (
        "openai-chat",
        "a.yaml:hello",
        2,
    )
    counts = {s.name: s.value for s in families["mockllm_time_to_first_chunk_seconds"].samples}
    assert counts["mockllm_time_to_first_chunk_seconds_count"] == 1

    def gaps() -> float:
        """A late machine writes all chunks of a stream at once."""
        server.ask("hello", stream=True)
        found = text_string_to_metric_families(server.call("GET", "/metrics").text)
        (family,) = (each for each in found if each.name == "mockllm_inter_chunk_seconds")
        return next(each.value for each in family.samples if each.name.endswith("_count"))

    until(gaps)


def test_explain_of_request_id_shows_its_rule(server: Steered) -> None:
    server.ask("hello")
    (found,) = listed(server)
    stated = server.call("POST", "/api/explain", {"request_id": found["id"]}).json
    assert (stated["outcome"], stated["rule"]) == ("rule", "a.yaml:hello")
    rules = server.call("GET", "/api/rules").json["rules"]
    assert next(each for each in rules if each["id"] == "a.yaml:hello")["answers"] == 1


LISTED = """
rules:
  - {name: one, match: {headers: {x-d: "1"}}, reply: One.}
  - {name: both, match: {headers: {x-d: "1, 2"}}, reply: "Both: {{ headers['x-d'] }}"}
"""


def test_header_with_two_lines_is_one_value(tmp_path: Path) -> None:
    """The rule, its template and an explanation see the same value (RFC 9110, section 5.3)."""
    with steered(tmp_path, {"a.yaml": LISTED}) as server:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        got = server.call("POST", "/v1/chat/completions", body, {"x-d": "1", "X-D": "2"})
        stated = server.call("POST", "/api/explain", {"request_id": listed(server)[0]["id"]}).json
    assert got.json["choices"][0]["message"]["content"] == "Both: 1, 2"
    assert stated["rule"] == got.headers["x-mockllm-rule"] == "a.yaml:both"


COUNTED = """
rules:
  - {name: skips, match: {user: skip}, per: api_key, skip: 1, reply: Late.}
  - {name: once, match: {user: once}, times: 1, reply: Once.}
  - {name: second, match: {user: second}, every: 2, reply: Second.}
  - {name: steps, match: {user: step}, sequence: [one, two], then: error}
  - {name: rest, reply: Hello.}
modifiers:
  - {name: later, match: {user: skip}, skip: 2, delay: 1ms}
"""


def test_rule_counts_responses_not_blocked_tries(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": COUNTED}) as server:
        for user in ("skip", "once", "second", "step"):
            for _ in range(3):
                server.ask(user)
        rules = server.call("GET", "/api/rules").json["rules"]
        detail = server.call("GET", "/api/rules/a.yaml%3Askips").json
    assert {each["id"].removeprefix("a.yaml:"): (each["tries"], each["answers"]) for each in rules} == {
        "skips": (3, 2),
        "once": (3, 1),
        "second": (3, 1),
        "steps": (3, 2),
        "rest": (5, 5),
        "later": (3, 1),
    }
    assert (detail["tries"], detail["answers"]) == (3, 2)
