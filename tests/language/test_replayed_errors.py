"""Recorded errors that are replayed as replies: what a response has of the recording, and what of its request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    VirtualServer,
    chat_request,
    claude_request,
    raw_request,
)


def server(body: object, status: int) -> VirtualServer:
    """A server that replays an error to each request."""
    data = body if isinstance(body, str) else json.dumps(body)
    replay = {
        "status": status,
        "headers": {"content-type": "application/json"},
        "frames": [{"data": data}],
        "as": "reply",
    }
    return VirtualServer(json.dumps({"validation": "off", "rules": [{"replay": replay}]}))


def gemini(model: str, query: str = "") -> ClientRequest:
    return raw_request(f"/v1beta/models/{model}:generateContent", {"contents": []}, query=query)


def responses(user: str) -> ClientRequest:
    return raw_request("/v1/responses", {"model": "m", "input": user})


@pytest.mark.parametrize(
    ("status", "requests"),
    [
        (500, (chat_request("a"), chat_request("b"))),
        (500, (claude_request("a"), claude_request("b"))),
        (401, (responses("a"), responses("b"))),
    ],
)
def test_second_error_has_ids_of_its_own(status: int, requests: tuple[ClientRequest, ...]) -> None:
    game = server({}, status)
    first, second = (game.respond(request) for request in requests)
    assert first.status == second.status == status
    names = ("x-request-id", "request-id")
    ids = [response.headers.get(name) for response in (first, second) for name in names]
    assert len({id for id in ids if id}) == 2


def test_second_error_names_its_own_path() -> None:
    game = server("<html>", 404)
    paths = ("/v1/chat/completions", "/chat/completions")
    for path in paths:
        message = game.respond(raw_request(path, {"model": "m", "messages": []})).message
        assert message == f"Invalid URL (POST {path})"


RECORDED: Any = {"error": {"code": 400, "message": "No.", "status": "FAILED_PRECONDITION"}}
NUMBERED = "$alt=json;enum-encoding=int"


@pytest.mark.parametrize("before", ["", NUMBERED])
def test_members_of_an_error_do_not_depend_on_the_first(before: str) -> None:
    """With enums as numbers, Google's own error has more members than the recorded one."""
    game = server(RECORDED, 400)
    game.respond(gemini("a", before))
    assert game.respond(gemini("b")).json == RECORDED
    alone = server(RECORDED, 400).respond(gemini("b", NUMBERED)).json
    assert game.respond(gemini("b", NUMBERED)).json == alone
