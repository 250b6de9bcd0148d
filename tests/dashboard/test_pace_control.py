"""The pace card: each of its fields changes what the next request gets, for all endpoints or one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard, Got


def applied(dashboard: Dashboard, **fields: str) -> None:
    card = dashboard.card("Pace")
    for label, value in fields.items():
        card.get_by_label(LABELS[label], exact=True).fill(value)
    card.get_by_role("button", name="Apply").click()
    dashboard.reported("is set")


LABELS = {
    "ttft": "Time to first token (ttft)",
    "itl": "Time between chunks (itl)",
    "jitter": "Jitter",
    "chunk_size": "Chunk size",
    "tokens_per_second": "Tokens per second",
    "delay": "Delay",
    "slowdown": "Slowdown",
}
LEAST = [
    ("an initial delay", {"ttft": "80ms"}, "hello", 0.08, "ttft: 80ms"),
    ("a bare number is one of milliseconds", {"ttft": "80"}, "hello", 0.08, "ttft: 80ms"),
    ("a delay between chunks, twice", {"itl": "40ms"}, "hello", 0.08, "itl: 40ms"),
    ("a drawn delay", {"itl": "[40ms, 50ms]"}, "hello", 0.08, "itl: [40ms, 50ms]"),
    ("a speed", {"tokens_per_second": "40"}, "words", 0.1, "tokens_per_second: 40"),
    ("a delay of the head", {"delay": "90ms"}, "hello", 0.09, "delay: 90ms"),
    ("a slowdown of a rule's own pace", {"slowdown": "4"}, "paced", 0.16, "slowdown: 4"),
    ("jitter, drawn by the seed", {"itl": "1ms", "jitter": "100ms"}, "hello", 0.02, "jitter: 100ms"),
]


@pytest.mark.parametrize(
    ("fields", "user", "least", "yaml"), [c[1:] for c in LEAST], ids=[c[0] for c in LEAST]
)
@pytest.mark.covering(count=2)
def test_next_stream_takes_the_set_time(
    dashboard: Dashboard, fields: dict[str, str], user: str, least: float, yaml: str
) -> None:
    server = dashboard.server
    dashboard.open("control")
    applied(dashboard, **fields)
    assert yaml in dashboard.shown("Pace"), "the control shows what it stands for"
    got = server.ask(user, stream=True)
    assert got.took >= least
    assert server.last()["modifiers"] == ["overlay:settings global"]
    dashboard.card("Pace").get_by_role("button", name="Unset").click()
    dashboard.reported("is set")
    server.ask(user, stream=True)
    assert server.last()["modifiers"] == []


def test_chunks_have_the_set_size(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    applied(dashboard, chunk_size="3 words")
    assert [each.split() for each in server.ask("words", stream=True).chunks] == [
        ["one", "two", "three"],
        ["four", "five", "six"],
    ]


def test_non_streaming_delay_follows_pace_or_is_off(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    card = dashboard.card("Pace")
    took: list[Got] = []
    for whole, itl in (("as_streamed", "500ms"), ("at_once", "60s")):
        card.get_by_label("Non-streaming responses").select_option(whole)
        applied(dashboard, itl=itl)
        expect(card.get_by_role("button", name="Apply")).to_be_disabled()
        assert f"whole: {whole}" in dashboard.shown("Pace")
        took.append(server.ask("hello"))
    assert took[0].took >= 1.0
    assert took[1].status == 200, "the client's patience ends before the pace does"


def test_pace_of_one_endpoint_leaves_others(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    dashboard.scope("anthropic-messages")
    applied(dashboard, delay="80ms")
    assert "dialect: anthropic" in dashboard.shown("Pace")
    assert server.ask(endpoint="anthropic-messages").took >= 0.08
    server.ask()
    assert server.last()["modifiers"] == []
    dashboard.scope("")
    expect(dashboard.card("Pace").get_by_label("Delay", exact=True)).to_have_value("")
    dashboard.scope("anthropic-messages")
    expect(dashboard.card("Pace").get_by_label("Delay", exact=True)).to_have_value("80ms")


def test_invalid_value_is_reported_at_its_field(dashboard: Dashboard) -> None:
    dashboard.open("control")
    card = dashboard.card("Pace")
    card.get_by_label("Time to first token (ttft)").fill("soon")
    card.get_by_role("button", name="Apply").click()
    field = card.get_by_label("Time to first token (ttft)")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(card.locator(".hint.bad")).to_contain_text("duration")
    assert dashboard.server.call("GET", "/api/config")["global"] == {}


def test_preset_fills_the_fields(dashboard: Dashboard) -> None:
    dashboard.open("control")
    card = dashboard.card("Pace")
    card.get_by_role("button", name="Large model").click()
    expect(card.get_by_label("Time to first token (ttft)")).to_have_value("[600ms, 1500ms]")
    card.get_by_role("button", name="Apply").click()
    dashboard.reported("is set")
    assert dashboard.server.call("GET", "/api/config")["global"]["pace"]["ttft"] == ["600ms", "1500ms"]


def test_settings_of_another_client_are_shown(dashboard: Dashboard) -> None:
    dashboard.open("control")
    dashboard.server.call("PATCH", "/api/config/global", {"pace": {"itl": "7ms"}})
    expect(dashboard.card("Pace").get_by_label("Time between chunks (itl)")).to_have_value("7ms")
