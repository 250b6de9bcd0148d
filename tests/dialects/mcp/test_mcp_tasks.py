"""Tasks of the extension of 2026-07-28: begun by a reply, their states by the virtual clock, questions, and ends."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import pytest

from tests.dialects.mcp.messages import call, rpc
from tests.language.virtual_server import ClientResponse, VirtualServer, diagnostics_of

TASKS: Final[dict[str, Any]] = {"extensions": {"io.modelcontextprotocol/tasks": {}}, "elicitation": {}}
FILE: Final = """
mcp: [{name: jobs, tasks: true, tools: [work, must, fail, ask]}, {name: plain, tools: [work]}]
rules:
  - name: work
    match: {mcp: {tool: work}}
    reply: {text: Done., mcp: {task: {after: 10s, poll: 250ms, ttl: 1m}}}
  - {name: must, match: {mcp: {tool: must}}, reply: {text: Done., mcp: {task: {after: 1s, required: true}}}}
  - {name: fail, match: {mcp: {tool: fail}}, reply: {text: "", mcp: {task: {error: {code: -32001}}}}}
  - name: ask
    match: {mcp: {tool: ask}}
    reply:
      text: Deleted.
      mcp:
        task: 2s
        ask: {one: &ask {method: elicitation/create, params: {message: Sure}}, two: *ask}
"""


class TaskClient:
    """A client that supports tasks."""

    def __init__(self, file: str = FILE) -> None:
        self.server = VirtualServer(file)
        self.now = 1_000_000.0

    def send(self, method: str, params: dict[str, Any], **more: Any) -> ClientResponse:
        more.setdefault("capabilities", TASKS)
        headers = {"mcp-name": params["taskId"]} if "taskId" in params else {}
        request = rpc(method, params, path="/mcp/jobs", modern=True, headers=headers, **more)
        return self.server.respond(dataclasses.replace(request, now=self.now))

    def begin(self, tool: str) -> dict[str, Any]:
        result: dict[str, Any] = self.send("tools/call", {"name": tool}).json["result"]
        return result

    def get(self, task: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self.send("tasks/get", {"taskId": task["taskId"]}).json["result"]
        return result


def test_task_works_and_then_has_its_result() -> None:
    client = TaskClient()
    task = client.begin("work")
    assert (task["resultType"], task["status"], task["ttlMs"], task["pollIntervalMs"]) == (
        "task",
        "working",
        60000,
        250,
    )
    assert "content" not in task
    first = client.get(task)
    assert (first["status"], first["lastUpdatedAt"]) == ("working", task["createdAt"])
    client.now += 10
    last = client.get(task)
    assert (last["status"], last["resultType"]) == ("completed", "complete")
    assert last["result"]["content"] == [{"type": "text", "text": "Done."}]
    assert last["lastUpdatedAt"] > task["createdAt"]


def test_task_is_unknown_after_its_ttl() -> None:
    client = TaskClient()
    task = client.begin("work")
    client.now += 61
    got = client.send("tasks/get", {"taskId": task["taskId"]})
    assert (got.status, got.json["error"]["code"]) == (400, -32602)


def test_cancelled_task_is_unknown_after_its_ttl() -> None:
    client = TaskClient()
    task = client.begin("work")
    client.send("tasks/cancel", {"taskId": task["taskId"]})
    client.now += 61
    assert client.send("tasks/get", {"taskId": task["taskId"]}).status == 400


def test_task_fails_with_the_error_of_the_reply() -> None:
    client = TaskClient()
    task = client.get(client.begin("fail"))
    assert task["status"] == "failed"
    assert task["error"] == {"code": -32001, "message": "Internal error"}
    assert task["ttlMs"] is None


def test_cancelled_task_stays_cancelled() -> None:
    client = TaskClient()
    task = client.begin("work")
    client.now += 3
    ack = client.send("tasks/cancel", {"taskId": task["taskId"]}).json["result"]
    assert set(ack) == {"resultType", "_meta"}
    client.now += 10
    assert client.get(task)["status"] == "cancelled"
    assert client.send("tasks/cancel", {"taskId": task["taskId"]}).status == 200


def test_task_waits_until_all_responses_are_there() -> None:
    client = TaskClient()
    task = client.begin("ask")
    client.now += 5
    waiting = client.get(task)
    assert (waiting["status"], list(waiting["inputRequests"])) == ("input_required", ["one", "two"])
    for name, left in (("one", ["two"]), ("other", ["two"])):
        client.send(
            "tasks/update", {"taskId": task["taskId"], "inputResponses": {name: {"action": "accept"}}}
        )
        assert list(client.get(task)["inputRequests"]) == left
    client.send("tasks/update", {"taskId": task["taskId"], "inputResponses": {"two": {"action": "accept"}}})
    assert client.get(task)["status"] == "working"
    client.now += 2
    assert client.get(task)["result"]["content"][0]["text"] == "Deleted."


def test_update_without_a_pending_question_changes_no_time() -> None:
    client = TaskClient()
    task = client.begin("work")
    for _ in range(3):
        client.now += 4
        client.send("tasks/update", {"taskId": task["taskId"], "inputResponses": {}})
    assert client.get(task)["status"] == "completed"


def test_response_of_the_client_does_not_prolong_the_ttl() -> None:
    client = TaskClient(FILE.replace("task: 2s", "task: {after: 2s, ttl: 10s}"))
    task = client.begin("ask")
    client.now += 8
    responses = {"one": {"action": "accept"}, "two": {"action": "accept"}}
    client.send("tasks/update", {"taskId": task["taskId"], "inputResponses": responses})
    assert client.get(task)["status"] == "working"
    client.now += 2.5
    assert client.send("tasks/get", {"taskId": task["taskId"]}).json["error"]["code"] == -32602


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_client_without_tasks_gets_an_error(method: str) -> None:
    got = TaskClient().send(method, {"taskId": "t"}, capabilities={}).json["error"]
    assert got["code"] == -32021
    assert got["data"]["requiredCapabilities"] == {"extensions": {"io.modelcontextprotocol/tasks": {}}}


def test_unknown_task_is_not_changed() -> None:
    assert TaskClient().send("tasks/cancel", {"taskId": "t"}).json["error"]["code"] == -32602


def test_client_without_tasks_gets_the_result_at_once() -> None:
    client = TaskClient()
    got = client.send("tools/call", {"name": "work"}, capabilities={}).json["result"]
    assert got["content"][0]["text"] == "Done."
    assert client.send("tools/call", {"name": "must"}, capabilities={}).json["error"]["code"] == -32021
    stream = client.server.respond(call("work", path="/mcp/jobs", modern=True))
    assert stream.json["result"]["content"][0]["text"] == "Done."


def test_server_without_tasks_has_none() -> None:
    server = VirtualServer(FILE)
    request = rpc("tasks/get", {"taskId": "t"}, path="/mcp/plain", modern=True, headers={"mcp-name": "t"})
    assert server.respond(request).json["error"]["code"] == -32601
    got = server.respond(call("work", path="/mcp/plain", modern=True, capabilities=TASKS))
    assert got.json["result"]["resultType"] == "complete"


def test_discovery_names_the_extension() -> None:
    client = TaskClient()
    assert (
        client.send("server/discover", {}).json["result"]["capabilities"]["extensions"] == TASKS["extensions"]
    )
    plain = client.server.respond(rpc("server/discover", path="/mcp/plain", modern=True))
    assert "extensions" not in plain.json["result"]["capabilities"]


def test_streamed_reply_begins_a_task_too() -> None:
    client = TaskClient()
    client.server = VirtualServer(FILE.replace("{tool: work}}", "{tool: work}}\n    stream: true"))
    assert client.begin("work")["resultType"] == "task"


def test_task_with_an_unknown_word_is_a_mistake() -> None:
    (found,) = diagnostics_of("rules: [{match: {mcp: {tool: a}}, reply: {mcp: {task: {afterr: 1s}}}}]")
    assert "afterr" in found


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"capabilities": {}}, 400),
        ({"name": "other"}, 400),
        ({"headers": {"origin": "http://a.example"}}, 403),
        ({"path": "/mcp/plain"}, 404),
        ({"path": "/mcp/more"}, 400),
        ({"modern": False}, 200),
        ({"id": None}, 202),
        ({"headers": {"x-fail": "unavailable"}}, 503),
        ({"headers": {"x-fail": "server_error"}}, 200),
    ],
)
def test_request_with_an_error_changes_no_task(sent: dict[str, Any], status: int) -> None:
    client = TaskClient(
        FILE.replace("tasks: true", "sessions: false, tasks: true").replace(
            "{name: plain", "{name: more, tasks: true}, {name: plain"
        )
        + "\n".join(
            f"  - {{match: {{mcp: {{method: tasks/*}}, headers: {{x-fail: {error}}}}}, error: {error}}}"
            for error in ("unavailable", "server_error")
        )
    )
    task = client.begin("work")
    headers = {"mcp-name": sent.get("name", task["taskId"]), **sent.get("headers", {})}
    more = {"path": "/mcp/jobs", "modern": True, "capabilities": TASKS, **sent, "headers": headers}
    more.pop("name", None)
    request = rpc("tasks/cancel", {"taskId": task["taskId"]}, **more)
    got = client.server.respond(dataclasses.replace(request, now=client.now))
    assert got.status == status
    assert client.get(task)["status"] == "working"
