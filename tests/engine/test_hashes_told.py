"""The header that tells a request's hash stands only where somebody looked it up."""

from __future__ import annotations

from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.state.sessions import Sessions
from tests.language.playing import Game, chat, gathered

OTHER = "0" * 64


def headers(files: str, **more: object) -> dict[str, str]:
    return Game(files, **more).hear(chat()).headers  # type: ignore[arg-type]


def test_no_rule_asks_for_it() -> None:
    assert "x-mockllm-hash" not in headers("rules: [{reply: hi}]")


def test_a_rule_that_another_answer_stands_behind_asks_for_it() -> None:
    told = headers(f"rules: [{{match: {{hash: '{OTHER}'}}, reply: a}}, {{reply: b}}]")
    assert len(told["x-mockllm-hash"]) == 64
    assert told["x-mockllm-rule"] == "a.yaml:rules[1]"


def test_it_is_not_looked_up_for_another_path() -> None:
    rules = f"rules: [{{match: {{path: /v1/messages, hash: '{OTHER}'}}, reply: a}}, {{reply: b}}]"
    assert "x-mockllm-hash" not in headers(rules)


def test_an_answer_that_is_kept_tells_each_requests_own() -> None:
    game = Game(f"rules: [{{match: {{hash: '{OTHER}'}}, reply: a}}, {{reply: b}}]")
    told = [game.hear(chat(user)).headers["x-mockllm-hash"] for user in ("x", "x", "y", "x")]
    assert told[0] == told[1] == told[3] != told[2]


def test_a_server_that_shows_it_tells_it_always_and_by_its_own_list() -> None:
    catalog = finished(compile_catalog(gathered("rules: [{reply: hi}]").entries))
    engine = Engine(catalog, Sessions(), hashed=True, volatile=frozenset({"messages"}))

    def told(asked: object) -> str:
        request = engine.read("POST", asked.path, "", {}, asked.body, "", 0.0)  # type: ignore[attr-defined]
        return dict(engine.respond(request).plan.head.headers)["x-mockllm-hash"]

    assert told(chat("a")) == told(chat("b"))


def test_a_hash_that_is_not_spelt_out_is_the_usual_one() -> None:
    rules = "rules: [{name: all, match: {hash: {exists: false}}, reply: a}, {name: rest, reply: b}]"
    assert headers(rules)["x-mockllm-rule"] == "a.yaml:rest"
