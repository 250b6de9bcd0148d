"""The pack `weather`: how often each climate strikes, that it strikes the same again, and whom it lets through."""

from __future__ import annotations

from collections import Counter

import pytest

from mockllm.engine import PlannedResponse
from tests.language.playing import Ask, Game, chat, claude

CLIMATES = ["calm", "flaky", "rate-limited", "slow", "storm", "provider-outage"]
CLIENTS = 300


def game(climate: str | None, *, seed: int = 0, files: str = "rules: [{reply: one two three four}]") -> Game:
    """Somebody's own scenario, in this weather."""
    environment = {} if climate is None else {"MOCKLLM_CLIMATE": climate}
    return Game(files, packs=["weather"], environment=environment, seed=seed)


def answer(played: Game, asked: Ask) -> PlannedResponse:
    engine = played.engine
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return engine.respond(
        engine.read(asked.method, asked.path, asked.query, headers, asked.body, asked.client, asked.now)
    )


def day(climate: str, *, seed: int = 0, clients: int = CLIENTS) -> list[PlannedResponse]:
    """One answer for each of many clients, streamed."""
    played = game(climate, seed=seed)
    return [answer(played, chat(key=f"key-{number}", stream=True)) for number in range(clients)]


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
def test_how_often_an_answer_is_harmed(climate: str, least: float, most: float) -> None:
    harmed = sum(bool(found.faults) or found.plan.head.status >= 400 for found in day(climate))
    assert least <= harmed / CLIENTS <= most


@pytest.mark.parametrize("climate", CLIMATES)
def test_the_same_seed_brings_the_same_weather(climate: str) -> None:
    first, again = day(climate, clients=40), day(climate, clients=40)
    assert [(found.plan, found.faults) for found in first] == [(found.plan, found.faults) for found in again]


def test_another_seed_brings_other_weather() -> None:
    assert [found.faults for found in day("storm", clients=40)] != [
        found.faults for found in day("storm", seed=1, clients=40)
    ]


def test_a_storm_has_everything_in_it() -> None:
    found = day("storm")
    seen = Counter(name for each in found for name in each.faults)
    seen.update(str(each.plan.head.status) for each in found)
    assert {"reset", "no_response", "html_page", "error_event", "stall", "503", "502", "200"} <= seen.keys()


def test_calm_weather_is_none() -> None:
    """Whether it is named or not, and whether the pack is there or not."""
    asked = claude(key="a", stream=True)
    alone = Game("rules: [{reply: one two three four}]")
    assert answer(game(None), asked).plan == answer(game("calm"), asked).plan == answer(alone, asked).plan


def test_a_client_that_waits_as_told_always_comes_through() -> None:
    played, now, refused = game("rate-limited"), 1.7e9, 0
    for _ in range(30):
        found = answer(played, chat(key="one", now=now))
        if found.plan.head.status == 429:
            refused += 1
            now += int(dict(found.plan.head.headers)["retry-after"])
            found = answer(played, chat(key="one", now=now))
        assert found.plan.head.status == 200
    assert refused > 20


def test_each_climate_has_a_modifier_of_its_own_but_calm() -> None:
    for climate in CLIMATES:
        modifiers = game(climate).engine.catalog.items
        assert any(item.answers is None for item in modifiers) == (climate != "calm")
