"""The card of faults: by kind, with its place and settings."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, expect

from mockllm.core.faults import FAULTS
from tests.dashboard.dashboard_page import Dashboard


def inject(dashboard: Dashboard, name: str) -> Locator:
    card = dashboard.card("Faults")
    card.get_by_label("Kind").select_option(name)
    card.get_by_label("Rate", exact=True).fill("100%")
    return card


def clicked(dashboard: Dashboard, card: Locator, name: str) -> None:
    card.get_by_role("button", name="Inject the fault").click()
    dashboard.reported(f"get the fault {name}")


def test_connection_is_reset_after_chunks(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    card = inject(dashboard, "close")
    card.get_by_label("Fault point").select_option("chunks")
    card.get_by_label("Value").fill("2")
    assert "faults: [{close: {after: {chunks: 2}}}]" in dashboard.shown("Faults")
    clicked(dashboard, card, "close")
    got = server.ask(stream=True)
    assert got.broke == "IncompleteRead"
    assert server.last()["faults"] == ["close"]
    assert server.last()["left"] == "close"


def test_fault_acts_at_a_fraction_of_one_endpoint(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    dashboard.scope("openai-chat")
    card = inject(dashboard, "stall")
    card.get_by_label("Fault point").select_option("fraction")
    card.get_by_label("Value").fill("50")
    card.get_by_label("for", exact=True).fill("60ms")
    assert "{stall: {after: {fraction: 50%}, for: 60ms}}" in dashboard.shown("Faults")
    clicked(dashboard, card, "stall")
    assert server.ask(stream=True).took >= 0.06
    server.ask(endpoint="anthropic-messages")
    assert server.last()["faults"] == []


def test_fault_acts_on_a_chunk(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    card = inject(dashboard, "drop")
    card.get_by_label("Fault point: chunk").fill("2")
    assert "{drop: {at: {chunk: 2}}}" in dashboard.shown("Faults")
    clicked(dashboard, card, "drop")
    assert server.ask(stream=True).chunks == ["One", " three"]


def test_enumerated_setting_is_a_select(dashboard: Dashboard) -> None:
    server = dashboard.server
    dashboard.open("control")
    card = inject(dashboard, "bad_tool_arguments")
    card.get_by_label("how", exact=True).select_option("truncated")
    clicked(dashboard, card, "bad_tool_arguments")
    got = server.ask("call", tools=[{"type": "function", "function": {"name": "look"}}])
    assert server.last()["faults"] == ["bad_tool_arguments"], got.text


def test_every_fault_is_accepted_by_the_server(dashboard: Dashboard) -> None:
    """With nothing filled in: whatever the page shows for a fault, the server accepts."""
    server = dashboard.server
    dashboard.open("control")
    offered = dashboard.card("Faults").get_by_label("Kind").locator("option").all_inner_texts()
    assert sorted(offered) == sorted(FAULTS)
    whole = "modifiers:\n"
    for name in offered:
        dashboard.card("Faults").get_by_label("Kind").select_option(name)
        yaml = dashboard.shown("Faults")
        assert f"faults: [{name}]" in yaml
        whole += yaml.removeprefix("modifiers:\n")
    taken = server.send("POST", "/api/rules", whole)
    assert taken.status == 200, taken.text
    assert len(json.loads(taken.body)["names"]) == len(FAULTS)


def test_invalid_setting_is_reported(dashboard: Dashboard) -> None:
    dashboard.open("control")
    card = inject(dashboard, "stall")
    card.get_by_label("for", exact=True).fill("a while")
    card.get_by_role("button", name="Inject the fault").click()
    expect(card.locator(".hint.bad")).to_contain_text("duration")
    assert dashboard.server.call("GET", "/api/overlay")["items"] == []
