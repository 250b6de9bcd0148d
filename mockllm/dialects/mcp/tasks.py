"""Tasks: a call whose result the client requests later. The state of a task follows from the time; no timer runs.

Sources: SEP-2663 (the extension `io.modelcontextprotocol/tasks`) as the scenarios `tasks-*` of
`@modelcontextprotocol/conformance` 0.2.0-alpha.12 read it. The tasks of 2025-11-25, which were experimental, are not
served: their clients get the result at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import BackgroundRun, EventStep, Plan, Step, WaitStep
from mockllm.core.reply.reply import Reply
from mockllm.core.request.mcp_server import McpServer
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject, Timeline
from mockllm.dialects.background import has_ended, timeline_of
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mcp.content import askable, result_of
from mockllm.dialects.mcp.errors import is_error, json_plan, lacking, refusal, response
from mockllm.dialects.mcp.protocol import INVALID_PARAMS, TASKS
from mockllm.dialects.mcp.request import RpcRequest
from mockllm.dialects.mcp.results import completed

STORED: Final = "mcp task "
"""The name under which a task is stored, before its server and its id."""
ENDED: Final = "end"
"""The name of the event that ends the timeline of a task."""


def begun_task(reply: Reply, request: RpcRequest, identity: ResponseIdentity) -> Plan | None:
    """Return the response that begins a task; None where the client gets the result at once."""
    wanted = object_of(reply.mcp_members.get("task"))
    if not wanted or not request.has_tasks or request.rpc_method != "tools/call":
        return None
    task: dict[str, Json] = {
        "taskId": identity.ids.make("task_", 24),
        "createdAt": _timestamp(request.now),
        "ttlMs": _milliseconds(wanted.get("ttl")),
    }
    if wanted.get("poll") is not None:
        task["pollIntervalMs"] = max(1, _milliseconds(wanted["poll"]) or 0)
    error = object_of(wanted.get("error"))
    end = {"error": {"code": -32603, "message": "Internal error", **error}} if error else None
    ended = (
        {"status": "failed", **end} if end else {"status": "completed", "result": result_of(reply, request)}
    )
    questions = askable(reply, request)
    state = {"task": task, "began": request.now, "before": 0.0, "pending": questions, "end": ended}
    steps: tuple[Step, ...] = (
        WaitStep(wanted.get("after") or 0.0, 0),
        EventStep(dumps(state), 0, "end", ENDED),
    )
    status = {"status": "working", "lastUpdatedAt": task["createdAt"]}
    plan = json_plan(response(request, completed({"resultType": "task", **task, **status}, request)))
    run = BackgroundRun(Plan(plan.head, steps))
    return Plan(plan.head, plan.steps, background=run)


def _milliseconds(seconds: Json) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def task_update(plan: Plan, request: RpcRequest) -> StorageUpdate | None:
    """Return the task that begins with this response, or the task as the request changes it; None for an error."""
    if plan.background is not None:
        timeline = timeline_of(plan.background, request.monotonic)
        payload = timeline.events[-1][2]
        name = request.stored_name(STORED, loads(payload)["task"]["taskId"])
        return StorageUpdate((name,), StoredObject(name, None, b"", payload, timeline=timeline))
    if request.kind != "request" or not request.has_tasks or is_error(plan):
        return None
    stored = _stored(request)
    if stored is None or stored.timeline is None or _has_ended(stored, request.monotonic):
        return None
    changed = CHANGES[request.rpc_method or ""](stored, stored.timeline, request)
    return StorageUpdate((stored.id,), changed)


def _cancelled(stored: StoredObject, timeline: Timeline, request: RpcRequest) -> StoredObject:
    return stored._replace(timeline=timeline._replace(cancelled=request.monotonic))


def _with_responses(stored: StoredObject, timeline: Timeline, request: RpcRequest) -> StoredObject:
    """Return the task with the client's responses. Its time begins anew where they respond to a question."""
    state = object_of(loads(stored.response_body))
    responses = object_of(request.params.get("inputResponses"))
    pending = {
        name: question for name, question in object_of(state["pending"]).items() if name not in responses
    }
    if pending == state["pending"]:
        return stored
    before = state["before"] + timeline.elapsed(request.monotonic)
    body = dumps({**state, "began": request.now, "before": before, "pending": pending})
    return stored._replace(response_body=body, timeline=timeline._replace(began=request.monotonic))


CHANGES: Final[Mapping[str, Callable[[StoredObject, Timeline, RpcRequest], StoredObject]]] = {
    "tasks/update": _with_responses,
    "tasks/cancel": _cancelled,
}


def _stored(request: RpcRequest) -> StoredObject | None:
    """Return the task that a request names; None for one that is unknown or older than its `ttl`."""
    stored = request.object_lookup.stored(request.stored_name(STORED, request.named))
    if stored is None or stored.timeline is None:
        return None
    state = loads(stored.response_body)
    ttl, since = state["task"]["ttlMs"], stored.timeline._replace(cancelled=None)
    expired = ttl is not None and (state["before"] + since.elapsed(request.monotonic)) * 1000 > ttl
    return None if expired else stored


def _has_ended(stored: StoredObject, monotonic: float) -> bool:
    timeline = stored.timeline
    assert timeline is not None
    if timeline.cancelled is not None:
        return True
    return not loads(stored.response_body)["pending"] and has_ended(timeline, monotonic)


def _get(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    stored = _known(request)
    if isinstance(stored, Failure):
        return stored
    timeline, state = stored.timeline, object_of(loads(stored.response_body))
    assert timeline is not None
    began = float(state["began"])
    if timeline.cancelled is not None:
        since, rest = began + timeline.cancelled - timeline.began, {"status": "cancelled"}
    elif state["pending"]:
        since, rest = began, {"status": "input_required", "inputRequests": state["pending"]}
    elif _has_ended(stored, request.monotonic):
        since, rest = began + timeline.events[-1][0] * timeline.time_scale, state["end"]
    else:
        since, rest = began, {"status": "working"}
    return {**state["task"], "lastUpdatedAt": _timestamp(since), **rest}


def _acknowledge(request: RpcRequest, server: McpServer) -> dict[str, Json] | Failure:
    stored = _known(request)
    return stored if isinstance(stored, Failure) else {}


def _known(request: RpcRequest) -> StoredObject | Failure:
    """Return the task that the request names, or the failure of a client that has no such task."""
    if not request.has_tasks:
        return lacking({"extensions": {TASKS: {}}})
    stored = _stored(request)
    return stored or refusal(INVALID_PARAMS, f"Invalid params: unknown task {request.named}", 400)


TASK_ANSWERS: Final[Mapping[str, Callable[[RpcRequest, McpServer], dict[str, Json] | Failure]]] = {
    "tasks/get": _get,
    "tasks/update": _acknowledge,
    "tasks/cancel": _acknowledge,
}
"""The methods of the extension."""
