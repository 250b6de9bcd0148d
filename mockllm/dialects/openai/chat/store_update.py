"""What is remembered of a chat completion: all of it where the client wants it stored (`store: true`).

Kept is the object that the calls on stored completions show (`stored`). A stream is put together as a
client would; one that breaks off has no end, and is not stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import CutStep, Plan
from mockllm.core.reply.truncation import count_tokens
from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.request_helpers import object_of, objects, text_of

PREFIX: Final = "chatcmpl-"
"""What the id of a completion begins with, and of nothing else that is stored."""
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
"""What a stored completion shows of its request, each with what it is where nothing was asked."""


def store_update(plan: Plan, request: ChatRequest) -> StoreUpdate | None:
    """What is to be remembered of an answer; None where nothing was to be stored, or it is no completion."""
    if not request.memorable:
        return None
    told = _told(plan)
    id = text_of(told.get("id"))
    if plan.head.status != 200 or id is None or not id.startswith(PREFIX):
        return None
    shown = dumps(_shown(told, plan, request))
    return StoreUpdate((id,), StoredResponse(id, None, request.raw, shown))


def _told(plan: Plan) -> dict[str, Json]:
    """The completion that a client has in the end; empty where it has none."""
    if any(isinstance(step, CutStep) for step in plan.steps):
        return {}
    said = [data for _, data in events(plan)]
    try:
        if not plan.streamed:
            return object_of(loads(said[0]))
        if not said or said[-1] != b"[DONE]":
            return {}
        return folded(object_of(loads(data)) for data in said[:-1])
    except JSONDecodeError:
        return {}


def folded(chunks: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """The completion that these chunks are; empty where one of them is an error."""
    made: dict[str, Json] = {}
    choices: dict[int, dict[str, Json]] = {}
    for chunk in chunks:
        if "error" in chunk:
            return {}
        made |= {name: value for name, value in chunk.items() if value is not None and name != "choices"}
        for choice in objects(chunk.get("choices")):
            index = choice.get("index")
            if type(index) is int:
                _fold(choice, choices.setdefault(index, _empty(index)))
    return {**made, "choices": list(choices.values())}


def _empty(index: int) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": None, "refusal": None}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": None}


def _fold(chunk: dict[str, Json], choice: dict[str, Json]) -> None:
    """One choice of a chunk, into what its chunks before have come to."""
    delta, message = object_of(chunk.get("delta")), choice["message"]
    for name in ("content", "refusal"):
        if type(delta.get(name)) is str:
            message[name] = (message[name] or "") + delta[name]
    for call in objects(delta.get("tool_calls")):
        _join(message.setdefault("tool_calls", []), call)
    if type(delta.get("function_call")) is dict:
        _say(message.setdefault("function_call", {"name": "", "arguments": ""}), delta["function_call"])
    for name, listed in object_of(chunk.get("logprobs")).items():
        held = choice["logprobs"] = choice["logprobs"] or {}
        held[name] = [*(held.get(name) or ()), *listed] if type(listed) is list else held.get(name)
    choice["finish_reason"] = chunk.get("finish_reason") or choice["finish_reason"]


def _join(calls: list[Json], piece: dict[str, Json]) -> None:
    """A call that begins, or a piece of one that has begun."""
    place = piece.get("index")
    if type(place) is not int or not 0 <= place < len(calls):
        calls.append({name: value for name, value in piece.items() if name != "index"})
        return
    for kind in ("function", "custom"):
        _say(object_of(calls[place].get(kind)), object_of(piece.get(kind)))


def _say(said: dict[str, Json], piece: dict[str, Json]) -> None:
    for name, text in piece.items():
        said[name] = str(said.get(name) or "") + str(text)


def _shown(told: dict[str, Json], plan: Plan, request: ChatRequest) -> dict[str, Json]:
    """The completion with what it shows of its request, as OpenAI's reference has it."""
    asked = request.fields
    settings = {name: asked.get(name, default) for name, default in SETTINGS.items()}
    names = ("id", "model", "created", "system_fingerprint", "service_tier", "choices")
    return {
        "object": "chat.completion",
        **{name: told.get(name) for name in names},
        "request_id": dict(plan.head.headers).get("x-request-id"),
        "usage": told.get("usage") or _usage(told, request),
        **settings,
        "input_user": asked.get("user"),
        "metadata": object_of(asked.get("metadata")),
    }


def _usage(told: dict[str, Json], request: ChatRequest) -> dict[str, Json]:
    """That of a stream whose client did not ask for it: counted from what was said."""
    said = 0
    for choice in objects(told.get("choices")):
        message = object_of(choice.get("message"))
        calls = [
            object_of(call.get("function", call.get("custom"))) for call in objects(message.get("tool_calls"))
        ]
        calls.append(object_of(message.get("function_call")))
        texts = [message.get("content"), message.get("refusal")]
        texts += [text for call in calls for text in call.values()]
        said += sum(count_tokens(text) for text in texts if type(text) is str)
    prompt = request.input_tokens
    return {"total_tokens": prompt + said, "completion_tokens": said, "prompt_tokens": prompt}
