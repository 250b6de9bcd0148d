"""What scenarios do to files and batches of every provider: faults, errors, limits, delays, validation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.dialects.openai.batches.batch_requests import create as create_openai
from tests.dialects.openai.batches.batch_requests import get, line
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

CLAUDE = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
GEMINI = {"contents": [{"parts": [{"text": "hi"}]}]}


class BatchWire(NamedTuple):
    """How a provider creates a batch and lists batches, and the member of the list's page."""

    create: Callable[[VirtualServer], ClientResponse]
    path: str
    list: str
    member: str
    state: Callable[[Any], str]


WIRES = {
    "openai": BatchWire(
        lambda server: create_openai(server, [line("hi", "a")]),
        "/v1/batches",
        "/v1/batches",
        "data",
        lambda batch: str(batch["status"]),
    ),
    "anthropic": BatchWire(
        lambda server: server.respond(
            raw_request("/v1/messages/batches", {"requests": [{"custom_id": "a", "params": CLAUDE}]})
        ),
        "/v1/messages/batches",
        "/v1/messages/batches",
        "data",
        lambda batch: str(batch["processing_status"]),
    ),
    "gemini": BatchWire(
        lambda server: server.respond(
            raw_request(
                "/v1beta/models/gemini-2.5-flash:batchGenerateContent",
                {"batch": {"inputConfig": {"requests": {"requests": [{"request": GEMINI}]}}}},
            )
        ),
        "/v1beta/models/gemini-2.5-flash:batchGenerateContent",
        "/v1beta/batches",
        "operations",
        lambda batch: str(batch["metadata"]["state"]),
    ),
}
ENDED = {"openai": "completed", "anthropic": "ended", "gemini": "BATCH_STATE_SUCCEEDED"}


def served(modifier: str, validation: str = "strict") -> VirtualServer:
    rules = f"validation: '{validation}'\nrules: [{{reply: Hi.}}]"
    return VirtualServer(
        f"{rules}\nmodifiers: [{{match: {{api: batches}}, {modifier}}}]" if modifier else rules
    )


def listed(server: VirtualServer, name: str, after: float = 5.0) -> list[Any]:
    wire = WIRES[name]
    found: list[Any] = server.respond(get(wire.list, after)).json.get(wire.member, [])
    return found


@pytest.mark.parametrize("fault", ["reset", "close", "truncate"])
@pytest.mark.parametrize("name", WIRES)
def test_batch_runs_where_its_client_loses_the_response(name: str, fault: str) -> None:
    server = served(f"faults: [{{{fault}: {{}}}}]")
    WIRES[name].create(server)
    assert [WIRES[name].state(batch) for batch in listed(server, name)] == [ENDED[name]]


@pytest.mark.parametrize(("error", "status"), [("rate_limit", 429), ("server_error", 500)])
@pytest.mark.parametrize("name", WIRES)
def test_refused_batch_is_not_stored(name: str, error: str, status: int) -> None:
    server = served(f"error: {error}")
    refused = WIRES[name].create(server)
    assert (refused.status, "error" in refused.json) == (status, True)
    assert listed(server, name) == []


@pytest.mark.parametrize("name", WIRES)
def test_limit_counts_new_batches(name: str) -> None:
    server = served("limit: {strategy: fixed-window, requests: 1, window: 1m}")
    assert [WIRES[name].create(server).status for _ in range(2)] == [200, 429]
    assert len(listed(server, name)) == 1


@pytest.mark.parametrize("name", WIRES)
def test_delay_comes_before_the_states(name: str) -> None:
    server = served("delay: 3s")
    assert WIRES[name].create(server).delay == 3.0
    assert WIRES[name].state(listed(server, name, 3.1)[0]) != ENDED[name]
    assert WIRES[name].state(listed(server, name, 4.0)[0]) == ENDED[name]


@pytest.mark.parametrize("name", WIRES)
def test_slowdown_stretches_the_states(name: str) -> None:
    server = served("pace: {slowdown: 10}")
    WIRES[name].create(server)
    assert WIRES[name].state(listed(server, name, 7.0)[0]) != ENDED[name]
    assert WIRES[name].state(listed(server, name, 8.1)[0]) == ENDED[name]


@pytest.mark.parametrize("name", WIRES)
def test_lenient_validation_reads_the_body(name: str) -> None:
    server = served("", "lenient")
    refused = server.respond(raw_request(WIRES[name].path, "{"))
    assert refused.status == 400
    assert "error" in json.loads(refused.bytes)
    assert listed(server, name) == []
