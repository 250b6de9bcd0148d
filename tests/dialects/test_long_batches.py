"""Batches of many lines, and the lists of their files: a thread reads and writes them, and only what a page has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mockllm.dialects import batch_requests
from mockllm.dialects.gemini import batches as gemini_batches
from mockllm.dialects.gemini import files as gemini_files
from mockllm.dialects.mistral import batches as mistral_batches
from mockllm.dialects.mistral import files as mistral_files
from mockllm.dialects.openai.batches import batch_calls
from mockllm.dialects.openai.files import file_calls
from mockllm.engine import DeferredResponse, PlannedResponse
from tests.dialects.anthropic import test_anthropic_batches as anthropic
from tests.dialects.gemini import test_gemini_batches as gemini
from tests.dialects.mistral import stored_requests as mistral
from tests.dialects.openai.batches.batch_requests import create, get, line
from tests.language.virtual_server import ClientRequest, VirtualServer, raw_request


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer("rules: [{reply: Hi.}]")


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch with a line is long."""
    for module in (batch_requests, batch_calls, mistral_batches, gemini_batches):
        monkeypatch.setattr(module, "LONG", 8)


def is_deferred(server: VirtualServer, sent: ClientRequest) -> bool:
    """Return whether a thread makes the response, which is that of the event loop."""
    engine = server.engine
    read = engine.request_reader(sent.method, sent.path, sent.query, dict(sent.headers))
    response = engine.begin_response(read.read(sent.body, "", sent.now))
    if not isinstance(response, DeferredResponse):
        return False
    planned = response.work_in_thread()()
    assert isinstance(planned, PlannedResponse)
    body = planned.plan.steps[0]
    assert getattr(body, "payload", b"") == server.respond(sent).bytes or sent.method != "GET"
    return True


def of_openai(server: VirtualServer) -> list[str]:
    id = create(server, [line("one", "a")]).json["id"]
    output = server.respond(get(f"/v1/batches/{id}", 9.0)).json["output_file_id"]
    return [
        "/v1/batches",
        f"/v1/batches/{id}",
        "/v1/files",
        f"/v1/files/{output}",
        f"/v1/files/{output}/content",
    ]


def of_mistral(server: VirtualServer) -> list[str]:
    id = mistral.create(server, requests=[mistral.line("one")]).json["id"]
    output = mistral.ended(server, id)["output_file"]
    files, jobs = mistral.FILES, mistral.JOBS
    return [jobs, f"{jobs}/{id}", files, f"{files}/{output}", f"{files}/{output}/content"]


def of_gemini(server: VirtualServer) -> list[str]:
    created = gemini.create_from_file(server, json.dumps({"request": gemini.body("one")})).json["name"]
    output = gemini.read(server, created)["response"]["responsesFile"]
    paths = ["batches", created, "files", output, f"{output}:download"]
    return [f"/v1beta/{path}" for path in paths]


def of_anthropic(server: VirtualServer) -> list[str]:
    path = f"/v1/messages/batches/{anthropic.create(server, anthropic.item('one', 'a')).json['id']}"
    return ["/v1/messages/batches", path, f"{path}/results"]


@pytest.mark.parametrize("paths_of", [of_openai, of_mistral, of_gemini, of_anthropic])
def test_thread_reads_long_batches(
    server: VirtualServer,
    paths_of: Callable[[VirtualServer], list[str]],
    request: pytest.FixtureRequest,
) -> None:
    paths = paths_of(server)
    assert not [path for path in paths if is_deferred(server, get(path, 9.0))]
    request.getfixturevalue("long")
    assert [path for path in paths if is_deferred(server, get(path, 9.0))] == paths


def test_call_that_changes_a_long_batch_is_not_deferred(server: VirtualServer, long: None) -> None:
    pace = "modifiers: [{match: {api: batches}, pace: {queued_polls: 5}}]"
    server = VirtualServer(f"rules: [{{reply: Hi.}}]\n{pace}")
    id = create(server, [line("one", "a")]).json["id"]
    assert not is_deferred(server, get(f"/v1/batches/{id}"))
    assert not is_deferred(server, get(f"/v1/batches/{id}/cancel", method="POST"))
    assert not is_deferred(server, get("/v1/batches/batch_x"))


@pytest.mark.parametrize(
    ("paths_of", "module"),
    [(of_openai, file_calls), (of_mistral, mistral_files), (of_gemini, gemini_files)],
    ids=["openai", "mistral", "gemini"],
)
def test_deletion_of_output_is_not_deferred(
    server: VirtualServer,
    paths_of: Callable[[VirtualServer], list[str]],
    module: Any,
    long: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else several deletions of one file at once would succeed. The event loop writes no file that it deletes."""
    *_, path, _ = paths_of(server)
    written = counted(monkeypatch, module, "output_content")
    assert server.respond(get(path, 0.0, method="DELETE")).status in (403, 404)
    assert not is_deferred(server, get(path, 9.0, method="DELETE"))
    assert server.respond(get(path, 9.0, method="DELETE")).status in (403, 404)
    assert not written


def test_thread_writes_long_output_that_is_input(
    server: VirtualServer, request: pytest.FixtureRequest
) -> None:
    first = mistral.create(server, requests=[mistral.line("one")]).json["id"]
    output = mistral.ended(server, first)["output_file"]
    fields = {"endpoint": "/v1/chat/completions", "model": "m", "input_files": [output]}
    second = raw_request(mistral.JOBS, fields, now=get("", 9.0).now)
    assert not is_deferred(server, second)
    *_, file, _ = of_gemini(server)
    store = server.respond(raw_request("/v1beta/fileSearchStores", {})).json["name"]
    named = {"fileName": file.removeprefix("/v1beta/")}
    imported = raw_request(f"/v1beta/{store}:importFile", named, now=get("", 9.0).now)
    assert not is_deferred(server, imported)
    request.getfixturevalue("long")
    assert is_deferred(server, second)
    assert is_deferred(server, imported)
    server.respond(get(f"{mistral.JOBS}/{first}", 9.0, method="DELETE"))
    assert not is_deferred(server, second)
    assert server.respond(second).status == 404


def test_thread_reads_long_input(server: VirtualServer, long: None) -> None:
    content = json.dumps(mistral.line("one"))
    file = mistral.upload_lines(server, content)
    job = {"endpoint": "/v1/chat/completions", "model": "m", "input_files": [file]}
    assert is_deferred(server, raw_request(mistral.JOBS, job))
    upload = create(server, [line("one", "a")]).json["input_file_id"]
    batch = {"input_file_id": upload, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    assert is_deferred(server, raw_request("/v1/batches", batch))
    created = gemini.create_from_file(server, json.dumps({"request": gemini.body("one")})).json
    fields = {"batch": {"inputConfig": created["metadata"]["inputConfig"]}}
    assert is_deferred(server, raw_request(gemini.CREATE, fields))


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """Return the list to which each call of a function adds its first arguments."""
    calls: list[Any] = []
    function = getattr(module, name)

    def counting(*arguments: Any, **more: Any) -> Any:
        calls.append(arguments)
        return function(*arguments, **more)

    monkeypatch.setattr(module, name, counting)
    return calls


def test_lists_of_openai_show_what_a_page_has(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        create(server, [line("one", "a")])
    shown = counted(monkeypatch, batch_calls, "batch_object")
    assert len(server.respond(get("/v1/batches", 9.0, "limit=1")).json["data"]) == len(shown) == 1
    written = counted(monkeypatch, file_calls, "output_content")
    outputs = "purpose=batch_output&limit=2"
    files = server.respond(get("/v1/files", 9.0, outputs)).json["data"]
    assert server.respond(get("/v1/files", 9.0, outputs)).json["data"] == files
    assert len(files) == len(written) == 2
    content = server.respond(get(f"/v1/files/{files[0]['id']}/content", 9.0)).bytes
    assert files[0]["bytes"] == len(content)


def test_list_of_gemini_shows_what_a_page_has(server: VirtualServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        gemini.create(server, "one")
    shown = counted(monkeypatch, gemini_batches, "operation")
    page = server.respond(get("/v1beta/batches", 9.0, "pageSize=1")).json
    assert (len(page["operations"]), page["nextPageToken"], len(shown)) == (1, "1", 1)
