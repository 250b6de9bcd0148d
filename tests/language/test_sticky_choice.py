"""`choose` with `sticky: true`: one branch for each scope, the same each time."""

from __future__ import annotations

from tests.language.virtual_server import VirtualServer, chat_request, diagnostics_of

RULES = "rules: [{per: 'header:x-user', sticky: %s, choose: [a, b, {weight: 2, reply: c}]}]"


def texts(rules: str, users: int, seed: int = 0) -> list[set[str]]:
    """The texts that each user gets of five requests."""
    server = VirtualServer(rules, seed=seed)
    return [
        {server.respond(chat_request(headers={"x-user": f"u{user}"})).text for _ in range(5)}
        for user in range(users)
    ]


def test_sticky_choice_is_the_same_for_a_user() -> None:
    found = texts(RULES % "true", 40)
    assert all(len(each) == 1 for each in found)
    assert {text for each in found for text in each} == {"a", "b", "c"}
    assert texts(RULES % "true", 40) == found
    assert texts(RULES % "true", 40, seed=1) != found


def test_choice_without_sticky_varies_for_a_user() -> None:
    assert any(len(each) > 1 for each in texts(RULES % "false", 9))


def test_sticky_belongs_to_choose() -> None:
    assert diagnostics_of("rules: [{reply: a, sticky: true}]") == [
        "rules[0].sticky: sticky belongs to choose, and this rule has none"
    ]
