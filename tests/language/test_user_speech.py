"""`reply: {user_speech: …}`: the response to a handshake, its mistakes and the warnings about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.cli.sources import known_names
from mockllm.scenario import catalog_lint
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from tests.language.virtual_server import ClientRequest, VirtualServer, diagnostics_of

UPGRADE = {"upgrade": "websocket"}
SPEECH = "reply: {user_speech: [{start: 1s, stop: 2s, transcript: Hi.}]}"


def handshake(path: str, rules: str) -> tuple[int, str | None, bool]:
    """The status, the rule, and whether a session begins."""
    server = VirtualServer(rules)
    response = server.respond(ClientRequest(path, b"", "GET", headers=UPGRADE))
    return (
        response.status,
        response.planned.responder_id,
        response.planned.plan.delivery.websocket_factory is not None,
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/realtime", 101), ("/v1/responses", 426)],
)
def test_speech_is_the_reply_to_a_handshake_with_audio(path: str, status: int) -> None:
    rules = f"rules: [{{name: call, match: {{api: handshake}}, {SPEECH}}}, {{reply: Hi.}}]"
    assert handshake(path, rules) == (status, "a.yaml:call" if status == 101 else None, status == 101)


def test_sequence_of_scripts_is_one_for_each_session() -> None:
    one, two = "{reply: {user_speech: []}}", f"{{{SPEECH}}}"
    server = VirtualServer(f"rules: [{{match: {{api: handshake}}, sequence: [{one}, {two}], then: error}}]")
    call = ClientRequest("/v1/realtime", b"", "GET", headers=UPGRADE)
    assert [server.respond(call).status for _ in range(2)] == [101, 101]


def test_ordinary_reply_is_not_for_a_handshake() -> None:
    assert (
        handshake("/v1/realtime", "rules: [{match: {path: /v1/realtime}, reply: Hi.}]")[1]
        == "openai:handshake"
    )


def test_model_says_nothing_of_a_script_to_a_message() -> None:
    server = VirtualServer(f"rules: [{{match: {{path: /v1/chat/completions}}, {SPEECH}}}]")
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    assert server.respond(ClientRequest("/v1/chat/completions", body)).json["choices"][0]["message"][
        "content"
    ] in ("", None)


@pytest.mark.parametrize(
    ("speech", "mistake"),
    [
        ("[{start: 2s, stop: 1s}]", "user_speech[0]: the user stops before the start"),
        ("[{start: 1s, stop: 1s}]", "user_speech[0]: the user stops before the start"),
        (
            "[{start: 0s, stop: 2s}, {start: 1s, stop: 3s}]",
            "user_speech: entry 2 starts before the entry before it",
        ),
        ("[{start: 1s}]", 'user_speech[0]: missing key "stop"'),
        ("hello", "user_speech: "),
    ],
)
def test_mistake_in_a_script_is_named(speech: str, mistake: str) -> None:
    (found,) = diagnostics_of(f"rules:\n  - match: {{api: handshake}}\n    reply: {{user_speech: {speech}}}")
    assert mistake in found


@pytest.mark.parametrize(
    ("match", "reply", "warning"),
    [
        ("{api: handshake}", "{user_speech: []}", ""),
        ("{path: /v1/realtime}", "{user_speech: []}", ""),
        ("{api: handshake}", "Hi.", "or add user_speech to the reply"),
        ("{api: models}", "{user_speech: []}", "a reply is for generating calls only"),
    ],
)
def test_reply_that_no_handshake_gets_is_a_warning(
    match: str, reply: str, warning: str, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(f"rules:\n  - match: {match}\n    reply: {reply}\n")
    loaded = load_scenarios(ScenarioSources([str(tmp_path)], known_names=known_names()))
    found = [each.message for each in catalog_lint.warnings(loaded)]
    assert len(found) == bool(warning)
    assert all(warning in message for message in found)
