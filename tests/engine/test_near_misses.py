"""Near misses of a session: its own rules come before those of sessions that run in parallel."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import chat_request, raw_request, respond_once

OTHERS = "".join(f"  - {{name: other-{n}, match: {{session: s{n}}}, reply: a}}\n" for n in range(20))
OWN = "  - {name: own, match: {session: mine, model: [a, b]}, reply: a}\n"


@pytest.mark.parametrize(("rules", "first"), [(OTHERS + OWN, "own"), (OTHERS, "other-0")])
def test_rules_of_other_sessions_are_no_near_misses(rules: str, first: str) -> None:
    sent = chat_request(headers={"x-mockllm-session": "mine"})
    message = respond_once(f"rules:\n{rules}", sent).json["error"]["message"]
    lines = [line for line in message.splitlines() if "expected" in line]
    assert f" {first}: " in lines[0]
    assert len(lines) == (1 if first == "own" else 3)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/groq/openai/v1/chat/completions", '"/openai/v1/chat/completions" (without the prefix /groq)'),
        ("/openai/v1/chat/completions", '"/v1/chat/completions" (without the prefix /openai)'),
        ("/v1/chat/completions", '"/v1/chat/completions" ('),
    ],
)
def test_near_miss_of_a_path_names_the_unseen_prefix(path: str, found: str) -> None:
    sent = raw_request(path, {"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    message = respond_once("rules: [{match: {path: /v1/chat/completion}, reply: hi}]", sent).json["error"][
        "message"
    ]
    assert f'path expected "/v1/chat/completion", found {found}' in message
