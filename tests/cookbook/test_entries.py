"""Each entry of the cookbook is a valid scenario, and sends the bytes of its symptom in every call that it names."""

from __future__ import annotations

import json
import re

import pytest

from mockllm.cli.recipes import CookbookEntry, entries
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import seconds_until_end_or_silence
from mockllm.dialects.neutral_request import NeutralRequest
from tests.cookbook.special_calls import LONG, SPECIAL
from tests.language.virtual_server import NOW, VirtualServer
from tests.wire_events import CALLS, TOOLS

ENTRIES = entries()
SENT = [
    pytest.param(entry.scenario, call, pattern, id=f"{entry.name}, {call}")
    for entry in ENTRIES
    for call, pattern in entry.sent.items()
]


def response_text(scenario: str, call: str) -> str:
    """What a person would see of a response: status, applied faults, waits, requests after it, headers and body."""
    if call in SPECIAL:
        return SPECIAL[call](scenario)
    name, *words = call.split()
    tools = TOOLS if "completions" not in name else ()
    system = LONG if {"long", "again"} & {*words} else None
    wanted = NeutralRequest(system=system, tools=tools, stream="whole" not in words)
    wire = CALLS[name].build_request(wanted)
    path, _, query = wire.path.partition("?")
    engine = VirtualServer(scenario).engine
    head = ("POST", path, query, {name.lower(): value for name, value in wire.headers.items()})
    sent = (*head, json.dumps(wire.body).encode(), "127.0.0.1", NOW)
    for _ in range(2 if "again" in words else 1):
        planned = engine.respond(engine.read(*sent))
    plan = planned.plan
    lines = [
        f"HTTP {plan.head.status}",
        f"played: {', '.join(planned.faults)}",
        f"took: {seconds_until_end_or_silence(plan):g}",
        *(f"hold: {plan.delivery.hold.name}" for _ in (1,) if plan.delivery.hold),
        *(f"posts: {hook.payload.decode()}" for hook in planned.webhooks),
        *(f"{name.lower()}: {value}" for name, value in plan.head.headers),
    ]
    return "\n".join(lines) + "\n\n" + _compact(sent_bytes(plan).decode(errors="replace"))


def _compact(body: str) -> str:
    """The JSON of a body without spaces; another body unchanged."""
    try:
        return json.dumps(json.loads(body), separators=(",", ":"))
    except ValueError:
        return body


def test_there_are_at_least_sixty_entries_with_own_names() -> None:
    assert len(ENTRIES) >= 60
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entry_has_symptom_source_and_calls(entry: CookbookEntry) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", entry.name)
    assert entry.source.startswith("https://")
    assert entry.symptom
    assert entry.sent
    assert {call.partition(" ")[0] for call in entry.sent} <= {*CALLS, *SPECIAL}


@pytest.mark.parametrize(("scenario", "call", "pattern"), SENT)
def test_response_has_bytes_of_symptom(scenario: str, call: str, pattern: str) -> None:
    text = response_text(scenario, call)
    assert re.search(pattern, text), text
