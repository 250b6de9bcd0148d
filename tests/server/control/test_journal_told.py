"""The journal as the control API tells it: in pages, filtered, one in full, and exported."""

from __future__ import annotations

import pytest

from tests.server.control.steered import Steered, listed


def test_one_request_is_shown_in_full(server: Steered) -> None:
    server.ask("hello", stream=True)
    (found,) = listed(server)
    shown = server.call("GET", f"/api/requests/{found['id']}").json
    assert (shown["rule"], shown["endpoint"], shown["model"]) == ("a.yaml:hello", "openai-chat", "gpt-4o")
    assert shown["request"]["body"]["messages"][0]["content"] == "hello"
    assert {"name": "Authorization", "value": "Bearer (redacted)"} in [
        {"name": each["name"].title(), "value": each["value"]} for each in shown["request"]["headers"]
    ]
    assert "s3cret" not in str(shown)
    assert shown["streamed"] is True
    assert shown["response"]["chunks"][-1]["text"].endswith("data: [DONE]\n\n")


def test_of_a_miss_the_nearest_rules_are_told(server: Steered) -> None:
    server.ask("good bye")
    (found,) = listed(server, "?missed=true")
    shown = server.call("GET", f"/api/requests/{found['id']}").json
    assert "hello" in shown["near_misses"][0]


def test_pages_go_back_and_forth(server: Steered) -> None:
    for _ in range(5):
        server.ask("hello")
    ids = [each["id"] for each in listed(server)]
    assert ids == sorted(ids, reverse=True)
    assert [each["id"] for each in listed(server, f"?limit=2&before={ids[1]}")] == ids[2:4]
    assert [each["id"] for each in listed(server, f"?limit=2&after={ids[-1]}")] == ids[::-1][1:3]


FILTERS = {
    "?rule=hello": 1,
    "?rule=a.yaml:hello&status=200": 1,
    "?missed=true": 1,
    "?session=mine": 1,
    "?model=m2": 1,
    "?path=/v1/chat": 3,
    "?provider=openai&endpoint=openai-chat&client=127.0.0.1&left=finished": 3,
    "?fault=reset": 0,
    "?key=nobody": 0,
    "?since=99999999999": 0,
}


@pytest.mark.parametrize(("query", "count"), FILTERS.items(), ids=FILTERS)
def test_a_filter(server: Steered, query: str, count: int) -> None:
    server.ask("hello", model="m2")
    server.ask("nothing")
    server.ask("never asked", session="mine")
    assert len(listed(server, query)) == count


def test_exports_hold_the_requests(server: Steered) -> None:
    server.ask("hello")
    lines = server.call("GET", "/api/requests/export").text.splitlines()
    assert len(lines) == 1
    (entry,) = server.call("GET", "/api/requests/export?format=har").json["log"]["entries"]
    assert entry["request"]["url"].endswith("/v1/chat/completions")
    assert "Hello you." in entry["response"]["content"]["text"]
    assert "s3cret" not in str(entry) + lines[0]
