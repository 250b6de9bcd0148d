"""docs/packs.md names every climate and every agent that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.language.virtual_server import VirtualServer, chat_request, respond_once

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "packs.md").read_text()


def column(head: str) -> list[str]:
    """The names in the first column of a table."""
    (table,) = re.findall(rf"\| {head} \| .*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE)
    return re.findall(r"(?m)^\| `([a-z-]+)`", table)


def test_every_climate_is_on_the_page() -> None:
    manifest = (ROOT / "scenarios" / "weather" / "pack.yaml").read_text()
    (listed,) = re.findall(r"type: \[(.*)\]", manifest)
    assert column("climate") == listed.split(", ")
    for climate in column("climate"):
        VirtualServer("rules: []", packs=["weather"], sets=[f"climate={climate}"])


def test_every_agent_is_on_the_page() -> None:
    written = (ROOT / "scenarios" / "agent-loops" / "loops.yaml").read_text()
    named = set(re.findall(r"\bagent(?:-[a-z]+)+\b", written)) | {"agent"}
    assert set(column("model")) == named - {"agent-loops"}


def test_every_shape_and_drill_is_on_the_page() -> None:
    shapes = (ROOT / "scenarios" / "parsers" / "shapes.yaml").read_text("utf-8")
    assert column("shape") == [
        name for name in re.findall(r"- name: (parse-[a-z-]+)", shapes) if name != "parse-calls"
    ]
    drills = (ROOT / "scenarios" / "gateway-drill" / "drill.yaml").read_text("utf-8")
    named = set(re.findall(r"- (?:\{)?name: (drill-[a-z0-9-]+)", drills))
    assert set(re.findall(r"`(drill-[a-z0-9-]+)`", PAGE)) - {"drill-"} == named


def test_pack_lists_agents_of_page() -> None:
    output = respond_once("", chat_request(), packs=["agent-loops"]).text
    assert set(re.findall(r"\bagent(?:-[a-z]+)*\b", output)) == set(column("model"))
