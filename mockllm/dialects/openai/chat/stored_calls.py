"""The stored form of a chat completion, and the calls on stored ones. They list all, get, update or delete one, or
read the request messages of one.

A completion is stored where the request sets `store: true`, as the object that these calls return. The deltas of a
stream are merged as a client merges them. A broken stream has no end and is not stored.

The stored responses of the session serve these calls. A completion that was not stored, was deleted or was evicted is
not found; the message of that 404 is inferred.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import CutStep, Plan
from mockllm.core.reply.reply import Usage
from mockllm.core.reply.truncation import count_tokens
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiObjectCall, page
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.chat.response_body import usage
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.metadata import check_metadata
from mockllm.dialects.openai.model_families import OpenAiFamily, family
from mockllm.dialects.openai.validators import check_readable, missing_parameter
from mockllm.dialects.stored_objects import Deletion, ObjectRequest

PREFIX: Final = "chatcmpl-"
"""The prefix of a completion's id; no other stored object has it."""
SETTINGS: Final[dict[str, Json]] = {
    "tool_choice": None,
    "seed": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "tools": None,
    "response_format": None,
}
"""The request fields that a stored completion shows, each with its default, also in place of null."""
MERGED_BY_PARTS: Final = {"role", "tool_calls", "function_call", "audio"}
"""The members of a delta whose own members go on. The role is the same in each delta."""


def storage_update(plan: Plan, request: ChatRequest) -> StorageUpdate | None:
    """Return the storage update; None where nothing is to be stored, or the response is no completion."""
    if not request.may_be_stored:  # the engine checks it before it reads the plan, too
        return None
    completion = _completion(plan)
    id = text_of(completion.get("id"))
    if plan.head.status != 200 or id is None or not id.startswith(PREFIX):
        return None
    shown = dumps(_stored_object(completion, plan, request))
    return StorageUpdate((id,), StoredObject(id, None, request.raw, shown), is_optional=True)


def _completion(plan: Plan) -> dict[str, Json]:
    """Return the completion that a client receives; empty where it receives none."""
    if any(isinstance(step, CutStep) for step in plan.steps):
        return {}
    received = [data for data, _ in events(plan)]
    try:
        if not plan.streamed:
            return object_of(loads(received[0]))
        if not received or received[-1] != b"[DONE]":
            return {}
        return merge_chunks(object_of(loads(data)) for data in received[:-1])
    except JSONDecodeError:
        return {}


def merge_chunks(chunks: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """Return the completion that these chunks form; empty where one of them is an error."""
    completion: dict[str, Json] = {}
    choices: dict[int, dict[str, Json]] = {}
    for chunk in chunks:
        if "error" in chunk:
            return {}
        completion |= {
            name: value for name, value in chunk.items() if value is not None and name != "choices"
        }
        for choice in objects(chunk.get("choices")):
            index = choice.get("index")
            if type(index) is int:
                if index not in choices:
                    choices[index] = _empty_choice(index, completion)
                _merge_choice(choice, choices[index])
    return {**completion, "choices": list(choices.values())}


def _empty_choice(index: int, completion: dict[str, Json]) -> dict[str, Json]:
    """Return a choice with the members that each choice of a body has, whatever its parts."""
    message: dict[str, Json] = {"role": "assistant", "content": None}
    if not _family(completion).ended_before_2025:
        message |= {"refusal": None, "annotations": []}
    return {"index": index, "message": message, "finish_reason": None}


def _family(completion: dict[str, Json]) -> OpenAiFamily:
    return family(text_of(completion.get("model")) or "")


def _merge_choice(chunk: dict[str, Json], choice: dict[str, Json]) -> None:
    delta, message = object_of(chunk.get("delta")), choice["message"]
    for name, value in delta.items():
        if name not in MERGED_BY_PARTS and value is not None:
            message[name] = _joined(message.get(name), value)
    for call in objects(delta.get("tool_calls")):
        _add_call(message.setdefault("tool_calls", []), call)
    if type(delta.get("function_call")) is dict:
        _append(message.setdefault("function_call", {"name": "", "arguments": ""}), delta["function_call"])
    if type(delta.get("audio")) is dict:
        _add_audio(message.setdefault("audio", {}), delta["audio"])
    if "logprobs" in chunk:
        choice.setdefault("logprobs", None)
    for name, entries in object_of(chunk.get("logprobs")).items():
        stored = choice["logprobs"] = choice["logprobs"] or {}
        stored[name] = [*(stored.get(name) or ()), *entries] if type(entries) is list else stored.get(name)
    choice["finish_reason"] = chunk.get("finish_reason") or choice["finish_reason"]


def _joined(before: Json, value: Json) -> Json:
    """Return a member of a message with that of the next delta: texts and lists go on, other values replace it."""
    goes_on = type(before) is type(value) and type(value) in (str, list)
    return before + value if goes_on else value


def _add_call(calls: list[Json], chunk: dict[str, Json]) -> None:
    index = chunk.get("index")
    if type(index) is not int or not 0 <= index < len(calls):
        calls.append({name: value for name, value in chunk.items() if name != "index"})
        return
    for kind in ("function", "custom"):
        _append(object_of(calls[index].get(kind)), object_of(chunk.get(kind)))


def _add_audio(audio: dict[str, Json], chunk: dict[str, Json]) -> None:
    joined: dict[str, Json] = {name: chunk[name] for name in ("data", "transcript") if name in chunk}
    audio |= {name: value for name, value in chunk.items() if name not in joined}
    _append(audio, joined)


def _append(call: dict[str, Json], chunk: dict[str, Json]) -> None:
    for name, text in chunk.items():
        if type(text) is str:
            call[name] = str(call.get(name) or "") + text


def _stored_object(completion: dict[str, Json], plan: Plan, request: ChatRequest) -> dict[str, Json]:
    """Return the completion with the settings of its request, as OpenAI's reference shows it."""
    fields = request.fields
    settings = {
        name: default if fields.get(name) is None else fields[name] for name, default in SETTINGS.items()
    }
    names = ("id", "model", "created", "system_fingerprint", "service_tier", "choices")
    return {
        "object": "chat.completion",
        **{name: completion.get(name) for name in names},
        "request_id": dict(plan.head.headers).get("x-request-id"),
        "usage": completion.get("usage") or _usage(completion, request),
        **settings,
        "input_user": fields.get("user"),
        "metadata": object_of(fields.get("metadata")),
    }


def _usage(completion: dict[str, Json], request: ChatRequest) -> dict[str, Json]:
    """Return the usage of a stream whose client did not request it, counted from the text."""
    output = 0
    for choice in objects(completion.get("choices")):
        message = object_of(choice.get("message"))
        calls = [
            object_of(call.get("function", call.get("custom"))) for call in objects(message.get("tool_calls"))
        ]
        calls.append(object_of(message.get("function_call")))
        transcript = object_of(message.get("audio")).get("transcript")
        texts = [message.get("content"), message.get("refusal"), transcript]
        texts += [text for call in calls for text in call.values()]
        output += sum(count_tokens(text) for text in texts if type(text) is str)
    return usage(Usage(request.input_tokens, output), _family(completion))


class StoredChatRequest(ObjectRequest):
    dialect = "openai"
    api = "stored_completions"
    path_variable = "completion"
    id_prefix = PREFIX


class StoredChatCall(OpenAiObjectCall):
    """The base of the calls on one completion."""

    api = "stored_completions"
    request_class = StoredChatRequest
    object_name = "chat completion (`store: true`)"
    missing_message = "Chat completion with id '{}' not found."

    def respond(self, stored: StoredObject, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return body_plan(self.shown(stored, request), identity)

    def shown(self, stored: StoredObject, request: Request) -> Json:
        """Return the body of the response."""
        return loads(stored.response_body)


class ListChat(StoredChatCall):
    """GET /v1/chat/completions: all completions, or those with a model or metadata; the oldest first."""

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        completions = [loads(stored.response_body) for stored in request.object_lookup.all_stored(PREFIX)]
        matching = [completion for completion in completions if _matches(completion, request)]
        return body_plan(page(matching, request.query, "asc"), identity)


class GetChat(StoredChatCall):
    """GET /v1/chat/completions/{id}."""


class UpdateChat(StoredChatCall):
    """POST /v1/chat/completions/{id}: replaces the metadata."""

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request)
        if error is None and "metadata" not in request.fields:
            error = missing_parameter("metadata")
        return error or check_metadata(request.fields["metadata"])

    check_readable = staticmethod(check_readable)

    def shown(self, stored: StoredObject, request: Request) -> Json:
        return {**loads(stored.response_body), "metadata": object_of(request.fields.get("metadata"))}

    def changed(self, stored: StoredObject, request: Request) -> StoredObject:
        return stored._replace(response_body=dumps(self.shown(stored, request)))


class DeleteChat(Deletion, StoredChatCall):
    """DELETE /v1/chat/completions/{id}."""

    def shown(self, stored: StoredObject, request: Request) -> Json:
        return {"object": "chat.completion.deleted", "id": stored.id, "deleted": True}


class ChatMessages(StoredChatCall):
    """GET /v1/chat/completions/{id}/messages: the messages of the request, the oldest first."""

    def shown(self, stored: StoredObject, request: Request) -> Json:
        messages = objects(object_of(loads(stored.request_body)).get("messages"))
        items = [_message(message, f"{stored.id}-{index}") for index, message in enumerate(messages)]
        return page(items, request.query, "asc")


def _matches(completion: dict[str, Json], request: Request) -> bool:
    for name, value in request.query.items():
        if name == "model" and completion["model"] != value:
            return False
        if name.startswith("metadata[") and completion["metadata"].get(name[9:].removesuffix("]")) != value:
            return False
    return True


def _message(message: dict[str, Json], id: str) -> dict[str, Json]:
    """Return a message of the request: `content` contains a text, `content_parts` contains parts."""
    content = message.get("content")
    parts = content if type(content) is list else None
    own = {name: value for name, value in message.items() if name not in ("role", "content", "name")}
    return {
        "id": id,
        "role": message.get("role"),
        "content": None if parts is not None else content,
        "name": message.get("name"),
        "content_parts": parts,
        **own,
    }
