"""`validation: exact` refuses the fields that Mistral's chat does not have, with the entries of users' reports."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps, loads
from tests.language.virtual_server import ClientRequest, respond_once

CHAT = "/mistral/v1/chat/completions"
USER: Json = {"role": "user", "content": "hi"}
RULES = "rules: [reply: hello]"


def response(validation: str, fields: dict[str, Json], path: str = CHAT) -> tuple[int, Json]:
    body = dumps({"model": "m", "messages": [USER], **fields})
    received = respond_once(f"validation: {validation}\n{RULES}", ClientRequest(path, body))
    return received.status, loads(received.bytes)


def entry(place: list[Json], value: Json) -> dict[str, Json]:
    loc: list[Json] = ["body", *place]
    return {"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs are not permitted", "input": value}


@pytest.mark.parametrize(
    ("fields", "entries"),
    [
        (
            {"store": False, "max_completion_tokens": 8192},
            [entry(["store"], False), entry(["max_completion_tokens"], 8192)],
        ),
        (
            {"messages": [USER, {"role": "assistant", "content": "a", "reasoning_content": "\n"}, USER]},
            [entry(["messages", 1, "assistant", "reasoning_content"], "\n")],
        ),
        (
            {"seed": 1, "messages": [{**USER, "name": None}]},
            [entry(["messages", 0, "user", "name"], None), entry(["seed"], 1)],
        ),
    ],
)
def test_unknown_fields_have_an_entry_each(fields: dict[str, Json], entries: list[Json]) -> None:
    assert response("exact", fields) == (422, {"detail": entries})
    assert response("strict", fields)[0] == 200


def test_known_fields_of_a_chat_pass() -> None:
    fields: dict[str, Json] = {
        "random_seed": 1,
        "safe_prompt": True,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [USER, {"role": "assistant", "content": "a", "prefix": True}],
    }
    body = dumps({"model": "m", **fields})
    assert respond_once(f"validation: exact\n{RULES}", ClientRequest(CHAT, body)).status == 200


@pytest.mark.parametrize("messages", ["x", ["x"], [{"role": "boss", "name": "n"}], [{"role": []}]])
def test_messages_of_a_wrong_form_have_other_entries(messages: Json) -> None:
    status, body = response("exact", {"messages": messages})
    assert status == 422
    assert b"extra_forbidden" not in dumps(body)


def test_other_calls_of_mistral_have_no_such_check() -> None:
    assert response("exact", {"input": "x", "user": "u"}, "/mistral/v1/embeddings")[0] == 200


def test_entries_of_unknown_fields_are_bounded() -> None:
    status, body = response("exact", {f"field{number}": 0 for number in range(200)})
    assert status == 422
    assert isinstance(body, dict)
    assert len(body["detail"]) == 100
