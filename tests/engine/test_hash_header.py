"""The header with a request's hash is sent only where a rule looked the hash up."""

from __future__ import annotations

from mockllm.engine import Engine
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.state.engine_state import EngineState
from tests.language.virtual_server import VirtualServer, chat_request, load_scenario_files

OTHER = "0" * 64


def headers(files: str, **more: object) -> dict[str, str]:
    return VirtualServer(files, **more).respond(chat_request()).headers  # type: ignore[arg-type]


def test_without_hash_rules_there_is_no_hash() -> None:
    assert "x-mockllm-hash" not in headers("rules: [{reply: hi}]")


def test_a_hash_rule_looks_up_the_hash() -> None:
    stated = headers(f"rules: [{{match: {{hash: '{OTHER}'}}, reply: a}}, {{reply: b}}]")
    assert len(stated["x-mockllm-hash"]) == 64
    assert stated["x-mockllm-rule"] == "a.yaml:rules[1]"


def test_the_hash_is_not_computed_for_other_paths() -> None:
    rules = f"rules: [{{match: {{path: /v1/messages, hash: '{OTHER}'}}, reply: a}}, {{reply: b}}]"
    assert "x-mockllm-hash" not in headers(rules)


def test_a_cached_response_has_each_requests_hash() -> None:
    game = VirtualServer(f"rules: [{{match: {{hash: '{OTHER}'}}, reply: a}}, {{reply: b}}]")
    stated = [game.respond(chat_request(user)).headers["x-mockllm-hash"] for user in ("x", "x", "y", "x")]
    assert stated[0] == stated[1] == stated[3] != stated[2]


def test_hashed_adds_the_hash_to_every_response() -> None:
    catalog = run_steps(compile_catalog(load_scenario_files("rules: [{reply: hi}]").entries))
    engine = Engine(
        catalog, EngineState(), EngineSettings(hash_header=True, volatile=frozenset({"messages"}))
    )

    def stated(requested: object) -> str:
        request = engine.read("POST", requested.path, "", {}, requested.body, "", 0.0)  # type: ignore[attr-defined]
        return dict(engine.respond(request).plan.head.headers)["x-mockllm-hash"]

    assert stated(chat_request("a")) == stated(chat_request("b"))


def test_every_request_has_a_hash() -> None:
    rules = "rules: [{name: all, match: {hash: {exists: false}}, reply: a}, {name: rest, reply: b}]"
    assert headers(rules)["x-mockllm-rule"] == "a.yaml:rest"
