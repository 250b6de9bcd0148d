"""Costs of the journal, and expectations on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mockllm.server.control import journal_queries
from tests.server.control.live_server import Steered


def test_costs_are_summed_by_model_and_session(server: Steered) -> None:
    before = server.app.journal.total
    server.ask("hello", model="gpt-4o")
    server.ask("hello", model="gpt-4o", session="one")
    server.ask("hello", model="my-model")
    server.ask("nothing matches this", model="gpt-4o")
    found = server.call("GET", "/api/costs").json
    gpt, mine = found["models"]
    assert (gpt["model"], gpt["requests"], gpt["unpriced"]) == ("gpt-4o", 2, 0)
    expected = (gpt["input_tokens"] * 2.5 + gpt["output_tokens"] * 10) / 1_000_000
    assert found["cost"] == pytest.approx(expected)
    assert (mine["cost"], mine["unpriced"], found["unpriced"]) == (0, 1, 1)
    assert {each["session"]: each["requests"] for each in found["sessions"]} == {None: 2, "one": 1}
    assert server.call("GET", "/api/costs?session=one").json["cost"] == pytest.approx(expected / 2)
    assert server.call("GET", f"/api/requests/{before + 1}").json["cost"] == pytest.approx(expected / 2)
    assert server.call("GET", f"/api/requests/{before + 3}").json["cost"] is None


@pytest.mark.parametrize(
    ("model", "bound", "message"),
    [
        ("gpt-4o", 1, None),
        ("gpt-4o", 0, "expected a cost of at most $0, found $"),
        ("my-model", 1, "no price is known for my-model; --prices FILE of serve sets one"),
    ],
)
def test_verify_checks_the_cost(server: Steered, model: str, bound: float, message: str | None) -> None:
    server.ask("hello", model=model)
    result = server.call("POST", "/api/verify", {"max_cost": bound}).json
    assert result["passed"] is (message is None)
    assert [each["message"].startswith(message) for each in result["failures"]] == [True] * (
        message is not None
    )


def samples(server: Steered, name: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by its model, and its kind where it has one."""
    text = server.call("GET", "/metrics").text
    return {
        tuple(sample.labels[label] for label in ("model", "kind") if label in sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_metrics_count_each_request_once(server: Steered) -> None:
    server.ask("hello", model="gpt-4o")
    first = samples(server, "mockllm_cost_dollars_total")
    assert samples(server, "mockllm_cost_dollars_total") == first
    server.ask("hello", model="gpt-4o")
    server.ask("hello", model="my-model")
    server.ask("nothing matches this", model="gpt-4o")
    total = samples(server, "mockllm_cost_dollars_total")
    assert total[("gpt-4o",)] == pytest.approx(2 * first[("gpt-4o",)])
    assert total[("gpt-4o",)] == pytest.approx(server.call("GET", "/api/costs").json["cost"])
    assert samples(server, "mockllm_unpriced_requests_total") == {("gpt-4o",): 0, ("my-model",): 1}
    tokens = samples(server, "mockllm_tokens_total")
    assert tokens[("gpt-4o", "input")] == 2 * tokens[("my-model", "input")] > 0
    assert tokens[("gpt-4o", "cached")] == tokens[("gpt-4o", "cache_write")] == 0


def test_scrapes_at_once_count_each_request_once(server: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_queries, "SLICE", 0.0)  # each entry lets another scrape go on
    for _ in range(20):
        server.ask("hello", model="gpt-4o")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: server.call("GET", "/metrics"), range(4)))
    total = samples(server, "mockllm_cost_dollars_total")
    assert total[("gpt-4o",)] == pytest.approx(server.call("GET", "/api/costs").json["cost"])


@pytest.mark.parametrize(
    ("path", "body"), [("/api/reset", {"what": ["metrics"]}), ("/api/metrics/reset", None)]
)
def test_reset_of_metrics_begins_anew(server: Steered, path: str, body: object) -> None:
    server.ask("hello", model="gpt-4o")
    first = samples(server, "mockllm_cost_dollars_total")
    server.call("POST", path, body)
    assert samples(server, "mockllm_cost_dollars_total") == {}
    server.ask("hello", model="gpt-4o")
    assert samples(server, "mockllm_cost_dollars_total") == pytest.approx(first)


def test_verdict_has_the_cost_of_its_requests(server: Steered) -> None:
    document = "You book trains. Ask for the day and the place. " * 200
    for system in (document, "It is 10:01. " + document):
        turns = [{"role": "system", "content": system}, {"role": "user", "content": "hello"}]
        server.ask("hello", model="gpt-4o", messages=turns)
    (client,) = server.call("GET", "/api/verdicts").json["clients"]
    (verdict,) = client["verdicts"]
    assert (verdict["verdict"], len(verdict["requests"])) == ("cache_lost", 2)
    assert f"#{verdict['requests'][1]} changes messages[0] (system)" in verdict["says"]
    assert verdict["cost"] == pytest.approx(server.call("GET", "/api/costs").json["cost"])
