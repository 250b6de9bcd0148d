"""What is counted, as JSON, CSV and for Prometheus; and what explains a request."""

from __future__ import annotations

from tests.server.control.steered import Steered, listed


def test_all_is_counted(server: Steered) -> None:
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


def test_prometheus_reads_it(server: Steered) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    server.call("PATCH", "/api/config/global", {"pace": {"itl": "2ms"}})
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
    gaps = {s.name: s.value for s in families["mockllm_inter_chunk_seconds"].samples}
    assert gaps["mockllm_inter_chunk_seconds_count"] >= 1


def test_explain_tells_of_a_request_in_the_journal(server: Steered) -> None:
    server.ask("hello")
    (found,) = listed(server)
    told = server.call("POST", "/api/explain", {"request_id": found["id"]}).json
    assert (told["outcome"], told["rule"]) == ("rule", "a.yaml:hello")
    rules = server.call("GET", "/api/rules").json["rules"]
    assert next(each for each in rules if each["id"] == "a.yaml:hello")["answers"] == 1
