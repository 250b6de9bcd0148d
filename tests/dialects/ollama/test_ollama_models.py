"""The local models of a session: what the calls on models refuse, what they store, and what `validation` changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import VirtualServer, raw_request, respond_once

RULE = "rules: [{match: {model: mine}, reply: x}]"
DIGEST = "sha256:" + "0" * 64
REFUSED: list[tuple[str, Any, int, str]] = [
    ("/api/pull", None, 400, "missing request body"),
    ("/api/pull", {}, 400, "invalid model name"),
    ("/api/pull", {"model": "m", "stream": "no"}, 400, "PullRequest.stream of type bool"),
    ("/api/pull", {"model": "a" * 81}, 400, "invalid model name"),
    ("/api/push", {}, 400, "model is required"),
    ("/api/push", {"model": "/"}, 400, "invalid model name"),
    ("/api/create", {"from": "mine"}, 400, "invalid model name"),
    ("/api/create", {"model": "m"}, 400, "neither 'from' or 'files' was specified"),
    ("/api/create", {"model": "m", "files": []}, 400, "CreateRequest.files of type map[string]string"),
    ("/api/create", {"model": "m", "files": {"a": DIGEST}}, 500, "no such file or directory"),
    (
        "/api/create",
        {"model": "m", "files": {"a": 7}},
        400,
        "number into Go struct field CreateRequest.files",
    ),
    ("/api/blobs/nothing", b"x", 400, "invalid digest format"),
    (f"/api/blobs/{DIGEST}", b"x", 400, f'digest mismatch, expected "{DIGEST}", got "sha256:2d711642'),
    ("/api/copy", None, 400, "missing request body"),
    ("/api/copy", {}, 400, 'source "" is invalid'),
    ("/api/copy", {"source": "mine"}, 400, 'destination "" is invalid'),
    ("/api/copy", {"source": 7}, 400, "CopyRequest.source of type string"),
    ("/api/delete", {}, 400, "model is required"),
    ("/api/delete", {"model": "nope"}, 404, "model 'nope' not found"),
    ("/api/delete", {"model": "a b"}, 400, 'name "a b" is invalid'),
]


@pytest.mark.parametrize(("path", "body", "status", "message"), REFUSED)
def test_wrong_request_is_refused(path: str, body: Any, status: int, message: str) -> None:
    method = "DELETE" if path == "/api/delete" else "POST"
    response = respond_once(RULE, raw_request(path, body, method=method))
    assert response.status == status
    assert message in response.json["error"]


@pytest.mark.parametrize("validation", ["lenient", "off"])
@pytest.mark.parametrize("path", ["/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete"])
def test_lenient_request_is_never_a_400(path: str, validation: str) -> None:
    method = "DELETE" if path == "/api/delete" else "POST"
    request = raw_request(path, {"model": 7, "stream": "no"}, method=method)
    assert respond_once(f"validation: {validation}\n{RULE}", request).status in (200, 404)


def test_lenient_upload_of_a_blob_is_not_compared() -> None:
    response = respond_once(f"validation: lenient\n{RULE}", raw_request(f"/api/blobs/{DIGEST}", b"x"))
    assert response.status == 201


def test_deleted_model_is_not_shown() -> None:
    server = VirtualServer(RULE)
    server.respond(raw_request("/api/delete", {"model": "mine"}, method="DELETE"))
    response = server.respond(raw_request("/api/show", {"model": "mine"}))
    assert (response.status, response.json) == (404, {"error": "model 'mine' not found"})


@pytest.mark.parametrize(("after", "listed"), [(2, False), (99, True)])
def test_model_of_a_cut_pull_is_not_listed(after: int, listed: bool) -> None:
    fault = (
        f"modifiers: [{{match: {{api: pull_model}}, faults: [{{close: {{after: {{chunks: {after}}}}}}}]}}]"
    )
    server = VirtualServer(f"{RULE}\n{fault}")
    server.respond(raw_request("/api/pull", {"model": "far"}))
    models = server.respond(raw_request("/api/tags", method="GET")).json["models"]
    assert ("far:latest" in [entry["name"] for entry in models]) is listed


def test_models_are_those_of_their_session() -> None:
    server = VirtualServer(RULE)
    session = {"x-mockllm-session": "a"}

    def call(path: str, body: Any = None, method: str = "POST", **headers: str) -> Any:
        return server.respond(raw_request(path, body, method=method, headers=headers))

    def names(**headers: str) -> list[str]:
        return [entry["name"] for entry in call("/api/tags", method="GET", **headers).json["models"]]

    assert call("/api/pull", {"model": "me/own:v1"}, **session).status == 200
    assert call("/api/delete", {"name": "mine"}, "DELETE", **session).status == 200
    assert ("me/own:v1" in names(**session), "mine:latest" in names(**session)) == (True, False)
    assert ("me/own:v1" in names(), "mine:latest" in names()) == (False, True)
    chat = {"model": "mine", "messages": [{"role": "user", "content": "hi"}], "stream": False}
    assert call("/api/chat", chat, **session).status == 200


def test_model_of_an_unknown_base_is_pulled_first() -> None:
    response = respond_once(RULE, raw_request("/api/create", {"model": "own", "from": "far"}))
    assert response.bytes.startswith(b'{"status":"pulling manifest"}\n')
    local = respond_once(RULE, raw_request("/api/create", {"model": "own", "from": "mine"}))
    assert local.bytes.startswith(b'{"status":"using existing layer sha256:')


def test_blob_that_exists_is_uploaded_again() -> None:
    server = VirtualServer(RULE)
    path = "/api/blobs/sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert [server.respond(raw_request(path, b"x")).status for _ in range(2)] == [201, 200]


def test_client_can_ask_whether_a_blob_exists() -> None:
    server = VirtualServer(RULE)
    path = "/api/blobs/sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    session = {"x-mockllm-session": "a"}

    def head_status(path: str, headers: dict[str, str] | None = None) -> int:
        return server.respond(raw_request(path, method="HEAD", headers=headers or {})).status

    assert head_status(path) == 404
    server.respond(raw_request(path, b"x"))
    assert (head_status(path), head_status(path, session), head_status("/api/blobs/nothing")) == (
        200,
        404,
        400,
    )
    for validation in ("lenient", "off"):
        refused = respond_once(f"validation: {validation}\n{RULE}", raw_request(path, method="HEAD"))
        assert (refused.status, refused.json["error"]) == (404, f'blob "{path[11:]}" not found')


def test_rule_may_decide_whether_a_blob_exists() -> None:
    rule = "rules: [{match: {api: stored_blobs}, http: {status: 200}}]"
    assert respond_once(rule, raw_request(f"/api/blobs/{DIGEST}", method="HEAD")).status == 200
    assert respond_once(rule, raw_request(f"/api/blobs/{DIGEST}", method="GET")).status == 405
