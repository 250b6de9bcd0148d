"""Portkey's gateway with the pack `gateway-drill`: fallbacks, retries and timeouts, and what it makes of cut streams.

`scripts/setup all` installs it, at a pinned version. With newer versions of the package `@hono/node-server` it fails
at each stream (https://github.com/Portkey-AI/gateway/issues/1389), so an older one is pinned, too. LiteLLM's router
has the same drills in `tests/sdk/older/checks_gateway.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.gateways.portkey_gateway import PATIENCE, PROGRAM, Portkey, portkey
from tests.process import serving
from tests.server_client import ServerClient
from tests.waiting import until

DRILLS = [
    "drill-429", "drill-429-wait", "drill-429-date", "drill-529", "drill-500", "drill-502", "drill-504",
    "drill-context", "drill-filter", "drill-quota", "drill-key", "drill-retired",
]  # fmt: skip
WAYS = ["openai", "anthropic"]

pytestmark = [pytest.mark.full, pytest.mark.timeout(PATIENCE * 2)]


@dataclass(frozen=True)
class Drills:
    """The server with the pack, and the targets that lead a gateway to it."""

    server: ServerClient

    def target(self, model: str, way: str = "openai", session: str = "any", **more: Any) -> dict[str, Any]:
        return {
            "provider": way,
            "api_key": "any",
            "custom_host": f"{self.server.url}/s/{session}/v1",
            "override_params": {"model": model},
            **more,
        }

    def fallback(self, first: dict[str, Any], **strategy: Any) -> dict[str, Any]:
        """A config that tries a target, then the backup."""
        return {"strategy": {"mode": "fallback", **strategy}, "targets": [first, self.target("backup")]}

    def received(self, session: str, at_least: int) -> int:
        """How many requests came in a session; waits for so many."""

        def look() -> int | None:
            count = len(self.server.get(f"/api/requests?session={session}")["requests"])
            return count if count >= at_least else None

        return until(look)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portkey]:
    if not PROGRAM.exists():
        pytest.skip("Portkey's gateway is not installed (`scripts/setup all`)")
    with portkey(tmp_path_factory.mktemp("portkey")) as started:
        yield started


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drills]:
    with serving("--pack", "gateway-drill", cwd=tmp_path_factory.mktemp("drills")) as server:
        yield Drills(server)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("drill", DRILLS)
def test_failure_leads_to_backup(
    drill: str, way: str, stream: bool, gateway: Portkey, drills: Drills
) -> None:
    response = gateway.ask(drills.fallback(drills.target(drill, way)), stream)
    assert response.status == 200, response
    assert response.text == "backup responds."
    assert response.headers["x-portkey-last-used-option-index"] == "config.targets[1]"


def test_timeout_leads_to_backup(gateway: Portkey, drills: Drills) -> None:
    response = gateway.ask(drills.fallback(drills.target("drill-silent", request_timeout=500)))
    assert response.text == "backup responds."


@pytest.mark.parametrize("way", WAYS)
def test_whole_response_that_breaks_off_is_500(way: str, gateway: Portkey, drills: Drills) -> None:
    """The gateway takes a connection that breaks in a response for its own fault: there is no fallback."""
    response = gateway.ask(drills.fallback(drills.target("drill-cut-half", way)))
    assert response.status == 500
    assert response.headers["x-portkey-gateway-exception"] == "true"


@pytest.mark.parametrize("way", WAYS)
def test_cut_stream_ends_without_finish_reason(way: str, gateway: Portkey, drills: Drills) -> None:
    """HTTP is complete, and there is no error: the client sees the cut by the finish reason that is missing."""
    response = gateway.ask(drills.fallback(drills.target("drill-cut-half", way)), stream=True)
    assert response.text == "One two three four"
    assert not any(chunk["choices"][0].get("finish_reason") for chunk in response.chunks)
    assert "[DONE]" not in response.body


def test_error_event_reaches_client_of_openai(gateway: Portkey, drills: Drills) -> None:
    response = gateway.ask(drills.fallback(drills.target("drill-cut-error")), stream=True)
    assert response.text == "One two three four"
    assert "currently overloaded" in response.body


def test_rate_limits_are_retried_until_response(gateway: Portkey, drills: Drills) -> None:
    target = drills.target("drill-429-twice", session="retried", retry={"attempts": 3})
    response = gateway.ask(target)
    assert response.text == "The third try responds."
    assert response.headers["x-portkey-retry-attempt-count"] == "2"
    assert drills.received("retried", 3) == 3


def test_wrong_key_is_tried_once(gateway: Portkey, drills: Drills) -> None:
    target = drills.target("drill-key", session="wrong-key", retry={"attempts": 3})
    assert gateway.ask(target).status == 401
    assert drills.received("wrong-key", 1) == 1


def test_status_outside_of_strategy_is_passed_on(gateway: Portkey, drills: Drills) -> None:
    response = gateway.ask(drills.fallback(drills.target("drill-500"), on_status_codes=[429]))
    assert response.status == 500
    assert "The server had an error" in response.body
