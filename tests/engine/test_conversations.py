"""`per: conversation`: whose conversation a request is of, also where it goes on from a stored response."""

from __future__ import annotations

from typing import Any

from tests.language.virtual_server import (
    ClientRequest,
    VirtualServer,
    chat_request,
    claude_request,
    raw_request,
)

RULES = """
rules:
  - per: conversation
    sequence: [one, two, three]
"""


def responses(input: str, **fields: Any) -> ClientRequest:
    return raw_request("/v1/responses", {"model": "gpt-4o", "input": input, **fields})


def reported(game: VirtualServer, requested: ClientRequest) -> tuple[str, str]:
    """The response's text and id."""
    body = game.respond(requested).json
    return body["output"][0]["content"][0]["text"], body["id"]


def test_a_chain_of_responses_is_the_conversation_of_its_root() -> None:
    game = VirtualServer(RULES)
    first, id = reported(game, responses("weather", instructions="be kind"))
    other, _ = reported(game, responses("hello"))
    second, id = reported(game, responses("and now?", previous_response_id=id, instructions="be short"))
    third, id = reported(game, responses("hello", previous_response_id=id))
    assert (first, second, third, other) == ("one", "two", "three", "one")


def test_a_branch_of_a_chain_is_the_same_conversation() -> None:
    game = VirtualServer(RULES)
    _, root = reported(game, responses("weather"))
    branches = [reported(game, responses(text, previous_response_id=root))[0] for text in ("a", "b")]
    assert branches == ["two", "three"]


def test_a_chain_without_its_root_stays_a_conversation() -> None:
    game = VirtualServer(RULES)
    _, root = reported(game, responses("weather"))
    second, id = reported(game, responses("more", previous_response_id=root))
    assert game.respond(raw_request(f"/v1/responses/{root}", method="DELETE")).status == 200
    third, _ = reported(game, responses("still more", previous_response_id=id))
    assert (second, third) == ("two", "three")


def test_a_conversation_object_is_one_conversation() -> None:
    game = VirtualServer(RULES)
    assert reported(game, responses("hi", conversation="conv_a"))[0] == "one"
    assert reported(game, responses("hi", conversation={"id": "conv_b"}))[0] == "one"
    assert reported(game, responses("more", conversation={"id": "conv_a"}))[0] == "two"
    assert reported(game, responses("hi"))[0] == "one"


def test_a_continued_conversation_object_stays_the_same() -> None:
    game = VirtualServer(RULES)
    _, id = reported(game, responses("hi", conversation="conv_a"))
    assert reported(game, responses("more", previous_response_id=id))[0] == "two"


def test_a_chain_of_interactions_is_one_conversation() -> None:
    game = VirtualServer(RULES)
    body: dict[str, Any] = {"model": "gemini-2.5-flash", "input": "weather"}
    texts = []
    for _ in range(3):
        sent = game.respond(raw_request("/v1beta/interactions", body)).json
        texts.append(sent["steps"][-1]["content"][0]["text"])
        body = {**body, "input": "more", "previous_interaction_id": sent["id"]}
    assert texts == ["one", "two", "three"]


def test_one_opening_is_one_conversation_in_any_dialect() -> None:
    game = VirtualServer(RULES)
    assert [game.respond(chat_request("hi")).text, game.respond(claude_request("hi")).text] == ["one", "two"]
    assert game.respond(claude_request("hi", system="be kind")).text == "one"
