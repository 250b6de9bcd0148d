"""The pack `weather`: the rate of faults in each climate, their repeatability, and clients that succeed."""

from __future__ import annotations

from collections import Counter

import pytest

from mockllm.engine import PlannedResponse
from tests.language.virtual_server import ClientRequest, VirtualServer, chat_request, claude_request

CLIMATES = ["calm", "flaky", "rate-limited", "slow", "storm", "provider-outage"]
CLIENTS = 300


def game(
    climate: str | None, *, seed: int = 0, files: str = "rules: [{reply: one two three four}]"
) -> VirtualServer:
    """A user's own scenario, in this weather."""
    environment = {} if climate is None else {"MOCKLLM_CLIMATE": climate}
    return VirtualServer(files, packs=["weather"], environment=environment, seed=seed)


def answer(played: VirtualServer, sent: ClientRequest) -> PlannedResponse:
    engine = played.engine
    headers = {name.lower(): value for name, value in sent.headers.items()}
    return engine.respond(
        engine.read(sent.method, sent.path, sent.query, headers, sent.body, sent.client, sent.now)
    )


def day(climate: str, *, seed: int = 0, clients: int = CLIENTS) -> list[PlannedResponse]:
    """One response for each of many clients, streamed."""
    played = game(climate, seed=seed)
    return [answer(played, chat_request(key=f"key-{number}", stream=True)) for number in range(clients)]


@pytest.mark.parametrize(
    ("climate", "least", "most"),
    [
        ("calm", 0, 0),
        ("flaky", 0.05, 0.2),
        ("rate-limited", 0, 0),
        ("slow", 0.01, 0.1),
        ("storm", 0.35, 0.65),
        ("provider-outage", 1, 1),
    ],
)
def test_climate_fault_rate(climate: str, least: float, most: float) -> None:
    harmed = sum(bool(result.faults) or result.plan.head.status >= 400 for result in day(climate))
    assert least <= harmed / CLIENTS <= most


@pytest.mark.parametrize("climate", CLIMATES)
def test_climate_same_seed_has_same_faults(climate: str) -> None:
    first, again = day(climate, clients=40), day(climate, clients=40)
    assert [(result.plan, result.faults) for result in first] == [
        (result.plan, result.faults) for result in again
    ]


def test_climate_other_seed_has_other_faults() -> None:
    assert [result.faults for result in day("storm", clients=40)] != [
        result.faults for result in day("storm", seed=1, clients=40)
    ]


def test_climate_storm_has_every_fault() -> None:
    result = day("storm")
    seen = Counter(name for each in result for name in each.faults)
    seen.update(str(each.plan.head.status) for each in result)
    assert {"reset", "no_response", "html_page", "error_event", "stall", "503", "502", "200"} <= seen.keys()


def test_climate_calm_has_no_fault() -> None:
    """Whether it is named or not, and whether the pack is there or not."""
    sent = claude_request(key="a", stream=True)
    alone = VirtualServer("rules: [{reply: one two three four}]")
    assert answer(game(None), sent).plan == answer(game("calm"), sent).plan == answer(alone, sent).plan


def test_climate_client_that_waits_succeeds() -> None:
    played, now, refused = game("rate-limited"), 1.7e9, 0
    for _ in range(30):
        result = answer(played, chat_request(key="one", now=now))
        if result.plan.head.status == 429:
            refused += 1
            now += int(dict(result.plan.head.headers)["retry-after"])
            result = answer(played, chat_request(key="one", now=now))
        assert result.plan.head.status == 200
    assert refused > 20


def test_each_climate_but_calm_has_modifier() -> None:
    for climate in CLIMATES:
        modifiers = game(climate).engine.catalog.items
        assert any(item.selector is None for item in modifiers) == (climate != "calm")
