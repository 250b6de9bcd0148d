"""Checks of requests that begin, continue or restart a conversation, from the types of the `mistralai` package (3.7).
All messages are inferred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.mistral.agents.agent import agent_at, stored_agent
from mockllm.dialects.mistral.agents.agent_calls import missing_version
from mockllm.dialects.mistral.agents.arguments import check_arguments
from mockllm.dialects.mistral.conversations.entries import CALL, EXECUTION, HANDOFF, INPUT, OUTPUT, RESULT
from mockllm.dialects.mistral.conversations.request import API, MistralConversationRequest, RestartRequest
from mockllm.dialects.openai.calls import stored_object_note
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    by_type,
    check_fields,
    check_readable,
    check_required,
    members,
    object_,
    one_of,
    refuse,
    string,
    text_or,
    wrong_type,
)

_content: Final = text_or(list, array(object_, "objects"), "array")


def _arguments(value: Json, path: str) -> Failure | None:
    return None if type(value) in (str, dict) else wrong_type(value, path, "a string or an object")


_ENTRIES: Final[Mapping[str, Check]] = {
    INPUT: members(("role", "content"), {"role": one_of("assistant", "user"), "content": _content}),
    OUTPUT: members(("content",), {"content": _content}),
    CALL: members(
        ("tool_call_id", "name", "arguments"),
        {"tool_call_id": string, "name": string, "arguments": _arguments},
    ),
    RESULT: members(("tool_call_id", "result"), {"tool_call_id": string, "result": string}),
    EXECUTION: members(("name", "arguments"), {"name": string, "arguments": string}),
    HANDOFF: members(("previous_agent_id", "next_agent_id"), {}),
}
_typed: Final = by_type(_ENTRIES)


def _entry(value: Json, path: str) -> Failure | None:
    return _typed({"type": INPUT, **value} if type(value) is dict else value, path)


def _version(value: Json, path: str) -> Failure | None:
    return None if type(value) in (str, int) else wrong_type(value, path, "a string or an integer")


FIELDS: Final[Mapping[str, Check]] = {
    "inputs": text_or(list, array(_entry, "objects"), "array"),
    "stream": boolean,
    "store": boolean,
    "handoff_execution": one_of("client", "server"),
    "completion_args": check_arguments,
    "instructions": string,
    "tools": array(object_, "objects"),
    "guardrails": array(object_, "objects"),
    "tool_confirmations": array(object_, "objects"),
    "name": string,
    "description": string,
    "metadata": object_,
    "agent_id": string,
    "agent_version": _version,
    "model": string,
    "from_entry_id": string,
}


def check_start(request: Request) -> Failure | None:
    """Return the failure of a request that begins a conversation."""
    failure = check_readable(request) or check_required(request.fields, "inputs")
    if failure is None and all(request.fields.get(name) is None for name in ("model", "agent_id")):
        failure = refuse("Either 'model' or 'agent_id' must be set.", "model")
    return failure or check_fields(request.fields, FIELDS) or _check_version(request)


def _check_version(request: Request) -> Failure | None:
    """Return the failure of a version that the agent does not have."""
    assert isinstance(request, MistralConversationRequest)
    version = request.fields.get("agent_version")
    agent = None if version is None else stored_agent(request.agent_id, request.object_lookup)
    return missing_version(str(version)) if agent is not None and agent_at(agent, version) is None else None


def check_append(request: Request) -> Failure | None:
    """Return the failure of a request that continues a conversation."""
    assert isinstance(request, MistralConversationRequest)
    failure = check_readable(request) or check_fields(request.fields, FIELDS)
    if failure is None and request.conversation is None:
        id = request.path_variables.get("conversation")
        return Failure(
            "not_found", message=f"No such conversation: {id}", note=stored_object_note("conversation", API)
        )
    return failure


def check_restart(request: Request) -> Failure | None:
    """Return the failure of a request that restarts a conversation."""
    assert isinstance(request, RestartRequest)
    failure = (
        check_readable(request) or check_required(request.fields, "from_entry_id") or check_append(request)
    )
    if failure is None and request.restarted is None:
        return Failure("not_found", message=f"No such entry: {request.fields['from_entry_id']}")
    return failure or _check_version(request)
