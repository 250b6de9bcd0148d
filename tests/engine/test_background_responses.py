"""Background responses: their state at any time, their streams behind any event, and what ends tell to addresses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - {name: polled, match: {model: polled}, reply: Polled., pace: {queued_polls: 1, in_progress_polls: 1}}
  - {name: paced, match: {model: paced}, reply: one two three, pace: {queued: 2s, in_progress: 10s, itl: 1s}}
  - {name: quick, match: {model: quick}, reply: Quick., pace: {queued: 0s, in_progress: 0s}}
  - {name: cut, match: {model: cut}, reply: one two three, faults: [{reset: {after: {chunks: 1}}}]}
  - {name: said, reply: {thinking: Hm., text: Hello.}}
"""


def create(model: str, **fields: Any) -> ClientRequest:
    return raw_request("/v1/responses", {"model": model, "input": "hi", "background": True, **fields})


def call(path: str, after: float, method: str = "GET", query: str = "") -> ClientRequest:
    return raw_request(f"/v1/responses/{path}", method=method, query=query, now=NOW + after)


class Started:
    """A background response, and what a client reads of it so many seconds later."""

    def __init__(self, model: str, **fields: Any) -> None:
        self.game = VirtualServer(RULES)
        self.created = self.game.respond(create(model, **fields))
        data = self.created.events[0].json["response"] if fields.get("stream") else self.created.json
        self.id = data["id"]

    def at(self, after: float) -> Any:
        return self.game.respond(call(self.id, after)).json

    def stream(self, after: float, number: int | None = None) -> ClientResponse:
        query = "stream=true" if number is None else f"stream=true&starting_after={number}"
        return self.game.respond(call(self.id, after, query=query))

    def cancel(self, after: float) -> Any:
        return self.game.respond(call(f"{self.id}/cancel", after, "POST")).json


def test_response_is_queued_then_in_progress_then_completed() -> None:
    started = Started("paced")
    assert (started.created.json["status"], started.created.json["output"]) == ("queued", [])
    states = [(after, started.at(after)["status"]) for after in (0, 1.9, 2, 11.9, 12)]
    assert states == [
        (0, "queued"),
        (1.9, "queued"),
        (2, "in_progress"),
        (11.9, "in_progress"),
        (12, "completed"),
    ]
    assert started.at(60)["output"][0]["content"][0]["text"] == "one two three"


def test_items_that_are_done_are_read_before_the_end() -> None:
    started = Started("said")
    assert [item["type"] for item in started.at(0.3)["output"]] == []
    assert [item["type"] for item in started.at(0.75)["output"]] == ["reasoning", "message"]


def test_response_without_times_has_ended_at_once() -> None:
    assert Started("quick").at(0)["status"] == "completed"


def test_reads_move_a_polled_response_on() -> None:
    started = Started("polled")
    assert [started.at(9)["status"] for _ in range(4)] == ["queued", "in_progress", "completed", "completed"]


@pytest.mark.parametrize("number", [None, 2])
def test_polled_response_has_ended_behind_a_streamed_read(number: int | None) -> None:
    started = Started("polled")
    assert started.stream(0, number).events[-1].json["type"] == "response.completed"
    assert started.at(9)["status"] == "completed"


def test_streamed_read_moves_no_response_by_time() -> None:
    started = Started("paced")
    assert started.stream(0).events[-1].at == 12
    assert started.at(1)["status"] == "queued"


def test_stream_is_read_behind_each_event_at_its_time() -> None:
    started = Started("paced", stream=True)
    whole = started.created.events
    for number in range(-1, len(whole)):
        read = started.stream(0, number).events if number >= 0 else started.stream(0).events
        assert [(event.at, event.data) for event in read] == [
            (event.at, event.data) for event in whole[number + 1 :]
        ]
    assert [event.at for event in started.stream(11.5, 4).events] == [0] * 2 + [0.5] * 5


def test_cut_stream_goes_on_in_the_background() -> None:
    game = VirtualServer(RULES)
    sent = create("cut", stream=True)
    planned = game.engine.respond(game.engine.read("POST", sent.path, "", {}, sent.body, "", NOW))
    assert planned.faults == ("reset",)
    assert planned.plan.background is not None
    assert planned.plan.background.plan.steps != planned.plan.steps


def test_comments_of_a_script_are_no_events() -> None:
    game = VirtualServer("rules: [{reply: {chunks: [a, {comment: wait}, b]}}]")
    id = game.respond(create("m")).json["id"]
    events = game.respond(call(id, 9, query="stream=true")).events
    assert [event.json["sequence_number"] for event in events] == list(range(len(events)))


def test_background_response_has_to_be_stored() -> None:
    refused = VirtualServer(RULES).respond(create("said", store=False))
    assert (refused.status, refused.json["error"]["param"]) == (400, "background")


def test_cancelled_response_stays_cancelled() -> None:
    started = Started("paced")
    assert started.cancel(5)["status"] == started.cancel(6)["status"] == "cancelled"
    assert started.at(60)["status"] == "cancelled"
    assert started.stream(60).events[-1].json["type"] == "response.in_progress"


def test_ended_response_is_not_cancelled() -> None:
    started = Started("paced")
    assert started.cancel(12)["status"] == "completed"


def test_failed_read_moves_no_polled_response() -> None:
    game = VirtualServer(
        RULES
        + """
modifiers:
  - {match: {headers: {x-down: "1"}}, error: unavailable}
"""
    )
    id = game.respond(create("polled")).json["id"]
    down = raw_request(f"/v1/responses/{id}", method="GET", headers={"x-down": "1"})
    assert [game.respond(down).status for _ in range(3)] == [503] * 3
    assert game.respond(call(id, 0)).json["status"] == "queued"


@pytest.mark.parametrize("path", ["resp_1", "resp_1/cancel"])
def test_unknown_response_is_not_found(path: str) -> None:
    method = "POST" if path.endswith("cancel") else "GET"
    assert VirtualServer(RULES).respond(call(path, 0, method)).status == 404


# --- what continues a background response --------------------------------------------------------


def history_of(game: VirtualServer, after: float, **fields: Any) -> list[str]:
    """Return the types of the items before a request that comes so many seconds later."""
    body = {"model": "said", "input": "next", **fields}
    id = game.respond(raw_request("/v1/responses", body, now=NOW + after)).json["id"]
    listed = game.respond(call(f"{id}/input_items", after, query="order=asc")).json["data"]
    return [item.get("role", item["type"]) for item in listed]


def test_history_has_the_output_of_its_time() -> None:
    started = Started("said")
    found = [history_of(started.game, after, previous_response_id=started.id) for after in (0.1, 0.3, 9.0)]
    assert found == [["user", "user"], ["user", "user"], ["user", "reasoning", "assistant", "user"]]


def test_history_of_a_cancelled_response_is_its_output() -> None:
    started = Started("said")
    assert started.cancel(0.1)["output"] == []
    assert history_of(started.game, 60, previous_response_id=started.id) == ["user", "user"]


# --- webhooks ------------------------------------------------------------------------------------


def hooks(response: ClientResponse) -> list[tuple[float, Any]]:
    return [(round(hook.due - NOW, 3), json.loads(hook.payload)) for hook in response.planned.webhooks]


def endpoint(game: VirtualServer, *types: str) -> Any:
    body = {"event_types": list(types), "name": "n", "url": "http://localhost:1/h"}
    return game.respond(raw_request("/v1/webhook_endpoints", body)).json


def test_webhook_is_due_at_the_end() -> None:
    game = VirtualServer(RULES)
    endpoint(game, "response.completed")
    endpoint(game, "response.failed")
    created = game.respond(create("paced"))
    ((at, event),) = hooks(created)
    assert (at, event["type"], event["data"]["id"]) == (12, "response.completed", created.json["id"])
    assert event["created_at"] == NOW + 12


def test_cancellation_sends_its_own_webhook_once() -> None:
    game = VirtualServer(RULES)
    endpoint(game, "response.completed", "response.cancelled")
    created = game.respond(create("paced"))
    cancelled = game.respond(call(f"{created.json['id']}/cancel", 3, "POST"))
    ((at, event),) = hooks(cancelled)
    assert (at, event["type"]) == (3, "response.cancelled")
    assert cancelled.planned.webhooks[0].subject == created.planned.webhooks[0].subject
    assert [each.planned.webhooks[0].ends for each in (created, cancelled)] == [created.json["id"], ""]
    assert hooks(game.respond(call(f"{created.json['id']}/cancel", 4, "POST"))) == []


def test_webhook_of_polled_response_is_due_with_its_last_read() -> None:
    game = VirtualServer(RULES)
    endpoint(game, "response.completed")
    created = game.respond(create("polled"))
    assert hooks(created) == hooks(game.respond(call(created.json["id"], 5))) == []
    ((at, _),) = hooks(game.respond(call(created.json["id"], 6)))
    assert at == 6


def test_webhook_of_polled_response_follows_a_streamed_read() -> None:
    game = VirtualServer(RULES)
    endpoint(game, "response.completed")
    id = game.respond(create("polled")).json["id"]
    ((at, _),) = hooks(game.respond(call(id, 5, query="stream=true")))
    assert at == 5
    assert hooks(game.respond(call(id, 6, query="stream=true"))) == hooks(game.respond(call(id, 7))) == []
