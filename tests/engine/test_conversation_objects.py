"""Conversation objects: their calls, and the items that responses add."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - {name: counted, reply: "Turn {{ turn }}."}
"""


class Conversations:
    """A server, and calls on its conversations."""

    def __init__(self, rules: str = RULES) -> None:
        self.game = VirtualServer(rules)

    def call(self, path: str, body: Any = None, method: str | None = None, **more: Any) -> ClientResponse:
        verb = method or ("GET" if body is None else "POST")
        return self.game.respond(raw_request(f"/v1/conversations{path}", body, method=verb, **more))

    def create(self, **body: Any) -> str:
        return str(self.call("", body).json["id"])

    def texts(self, id: str) -> list[str]:
        listed = self.call(f"/{id}/items", query="order=asc").json
        return [item["content"][0]["text"] for item in listed["data"]]


def test_conversation_without_body_is_created_empty() -> None:
    server = Conversations()
    created = server.call("", method="POST").json
    assert (created["object"], created["metadata"]) == ("conversation", {})
    assert server.texts(created["id"]) == []


def test_response_adds_to_conversation_that_begins_with_it() -> None:
    server = Conversations()
    body = {"model": "m", "input": "hi", "conversation": "conv_mine"}
    for _ in range(2):
        server.game.respond(raw_request("/v1/responses", body))
    assert server.texts("conv_mine") == ["hi", "Turn 1.", "hi", "Turn 2."]
    assert server.call("/conv_mine").json["metadata"] == {}


def test_items_have_ids_of_their_own() -> None:
    server = Conversations()
    id = server.create(items=[{"role": "user", "content": "a"}, {"role": "user", "content": "a"}])
    server.call(f"/{id}/items", {"items": [{"role": "user", "content": "a"}]})
    ids = [item["id"] for item in server.call(f"/{id}/items").json["data"]]
    assert len(set(ids)) == 3


def test_deleted_item_is_no_history() -> None:
    server = Conversations()
    id = server.create(items=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])
    item = server.call(f"/{id}/items").json["data"][0]["id"]
    assert server.call(f"/{id}/items/{item}", method="DELETE").json["id"] == id
    body = {"model": "m", "input": "hi", "conversation": id}
    reported = server.game.respond(raw_request("/v1/responses", body)).json
    assert reported["output"][0]["content"][0]["text"] == "Turn 1."
    assert server.call(f"/{id}/items/{item}", method="DELETE").status == 404
    assert server.call(f"/{id}/items/{item}").status == 404


def test_deleted_conversation_is_not_found() -> None:
    server = Conversations()
    id = server.create()
    assert server.call(f"/{id}", method="DELETE").json["deleted"] is True
    for path, body, method in ((f"/{id}", None, "GET"), (f"/{id}", {"metadata": {}}, "POST")):
        assert server.call(path, body, method).status == 404
    assert server.call(f"/{id}", method="DELETE").status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", b"no json"),
        ("", {"metadata": 7}),
        ("", {"metadata": {str(n): "" for n in range(17)}}),
        ("", {"items": 7}),
        ("", {"items": [7]}),
        ("", {"items": [{"role": "user"}]}),
        ("/ID", {}),
        ("/ID", {"metadata": {"a": 7}}),
        ("/ID", b"no json"),
        ("/ID/items", {}),
        ("/ID/items", {"items": [{"role": "user", "content": "a"}] * 21}),
    ],
)
def test_invalid_body_is_refused(path: str, body: Any) -> None:
    server = Conversations()
    assert server.call(path.replace("ID", server.create()), body).status == 400


def test_lenient_calls_read_what_is_there() -> None:
    server = Conversations("validation: lenient\n" + RULES)
    id = server.create(metadata={"a": "1"})
    assert server.call(f"/{id}").json["metadata"] == {"a": "1"}
    assert server.call(f"/{id}", b"no json").status == 400


def test_metadata_is_replaced_also_by_null() -> None:
    server = Conversations()
    id = server.create(metadata={"a": "1"})
    assert server.call(f"/{id}", {"metadata": None}).json["metadata"] == {}
    assert server.call(f"/{id}").json["metadata"] == {}


def test_failed_calls_change_nothing() -> None:
    server = Conversations(
        RULES
        + """
modifiers:
  - {match: {headers: {x-down: "1"}}, error: unavailable}
"""
    )
    id = server.create(metadata={"a": "1"})
    down: dict[str, Any] = {"headers": {"x-down": "1"}}
    assert server.call("", {}, **down).status == 503
    assert server.call(f"/{id}", {"metadata": {}}, **down).status == 503
    assert server.call(f"/{id}", method="DELETE", **down).status == 503
    assert server.call(f"/{id}").json["metadata"] == {"a": "1"}


def test_rule_may_create_conversations() -> None:
    rule = "  - {name: own, match: {api: conversations, method: POST}, http: {body: {id: mine}}}"
    server = Conversations(RULES + rule)
    assert server.call("", {}).json == {"id": "mine"}
    assert server.call("/mine").status == 404


def test_conversation_is_no_response_and_no_response_is_one() -> None:
    server = Conversations()
    id = server.create()
    assert server.game.respond(raw_request(f"/v1/responses/{id}", method="GET")).status == 404
    reported = server.game.respond(raw_request("/v1/responses", {"model": "m", "input": "hi"})).json
    assert server.call(f"/{reported['id']}/items").status == 404


def test_conversation_with_the_id_of_another_object() -> None:
    """It is served as one with an unknown conversation, and the object of a different kind stays."""
    server = Conversations()
    first = server.game.respond(raw_request("/v1/responses", {"model": "m", "input": "hi"})).json
    continued = {"model": "m", "input": "hi", "conversation": first["id"]}
    response = server.game.respond(raw_request("/v1/responses", continued))
    assert (response.status, response.json["output"][0]["content"][0]["text"]) == (200, "Turn 1.")
    kept = server.game.respond(raw_request(f"/v1/responses/{first['id']}", method="GET"))
    assert (kept.status, kept.json) == (200, first)


class InBackground(Conversations):
    """A conversation to which a background response belongs, which ends after 0.7 seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.response = self.respond("hi", background=True)["id"]

    def respond(self, text: str, after: float = 0.0, **fields: Any) -> Any:
        body = {"model": "m", "input": text, "conversation": "conv_mine", **fields}
        return self.game.respond(raw_request("/v1/responses", body, now=NOW + after)).json

    def end(self, after: float, path: str = "", method: str = "DELETE") -> ClientResponse:
        path = f"/v1/responses/{self.response}{path}"
        return self.game.respond(raw_request(path, method=method, now=NOW + after))

    def texts_at(self, after: float) -> list[str]:
        listed = self.call("/conv_mine/items", query="order=asc", now=NOW + after).json
        return [item["content"][0]["text"] for item in listed["data"]]


def test_output_joins_its_conversation_at_the_end() -> None:
    server = InBackground()
    assert [server.texts_at(after) for after in (0.3, 0.8)] == [["hi"], ["hi", "Turn 1."]]
    assert server.respond("next", 0.4)["output"][0]["content"][0]["text"] == "Turn 1."
    assert server.texts_at(0.5) == ["hi", "next", "Turn 1."]
    assert server.respond("last", 0.9)["output"][0]["content"][0]["text"] == "Turn 2."
    assert server.texts_at(1.0) == ["hi", "next", "Turn 1.", "Turn 1.", "last", "Turn 2."]


def test_cancelled_output_is_in_no_conversation() -> None:
    server = InBackground()
    assert server.end(0.1, "/cancel", "POST").json["output"] == []
    assert server.texts_at(9) == ["hi"]


@pytest.mark.parametrize(("after", "texts"), [(0.1, ["hi"]), (0.8, ["hi", "Turn 1."])])
def test_deleted_response_leaves_its_items(after: float, texts: list[str]) -> None:
    server = InBackground()
    assert server.end(after).json["deleted"] is True
    assert server.texts_at(9) == texts


def test_ended_output_is_an_item_of_the_conversation() -> None:
    server = InBackground()
    server.call("/conv_mine/items", {"items": [{"role": "user", "content": "more"}]}, now=NOW + 0.1)
    ids = [item["id"] for item in server.call("/conv_mine/items", now=NOW + 9).json["data"]]
    assert server.call(f"/conv_mine/items/{ids[0]}", method="DELETE", now=NOW + 9).status == 200
    assert server.texts_at(10) == ["hi", "more"]
    server.call("/conv_mine", {"metadata": {"a": "b"}}, now=NOW + 10)
    assert server.texts_at(11) == ["hi", "more"]


def test_deleted_conversation_gets_no_output() -> None:
    server = InBackground()
    server.call("/conv_mine", method="DELETE", now=NOW + 0.1)
    assert server.end(9).json["deleted"] is True
    assert server.call("/conv_mine", now=NOW + 9).status == 404
