"""Costs of the journal, and expectations on them."""

from __future__ import annotations

import pytest

from tests.server.control.live_server import Steered


def test_costs_are_summed_by_model_and_session(server: Steered) -> None:
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
    assert server.call("GET", "/api/requests/1").json["cost"] == pytest.approx(expected / 2)
    assert server.call("GET", "/api/requests/3").json["cost"] is None


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
