"""The `moderation` of chat completions and responses: results for the request and for the generated texts.

Chat completions have lists of results, responses have one result each. Source: a recorded stream of chat completions,
and the types of the SDK.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.reply.reply import Choice, Reply
from mockllm.core.request.messages import MediaPart, TextPart
from mockllm.core.request.request import Message
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.openai.moderations import moderate
from mockllm.dialects.openai.request_fields import ModelRequest


def moderation_model(request: ModelRequest) -> str | None:
    """Return the model that moderates; None where the request wants no moderation."""
    return text_of(object_of(request.fields.get("moderation")).get("model"))


def moderation_key(request: ModelRequest) -> Hashable:
    """Return what changes the moderation of a reply, beside the reply itself."""
    model = moderation_model(request)
    return None if model is None else value_or_digest((model, _input(request)))


def chat_moderation(request: ModelRequest, reply: Reply) -> Json:
    """Return the moderation of a chat completion: one result for the request, and one for each choice."""
    model = moderation_model(request)
    if model is None:
        return None
    results = ([_input(request)], [_output(choice) for choice in reply.choices])
    sides: list[Json] = [
        {
            "type": "moderation_results",
            "model": model,
            "results": _results(messages, model),
        }
        for messages in results
    ]
    return dict(zip(("input", "output"), sides, strict=True))


def response_moderation(request: ModelRequest, reply: Reply) -> Json:
    """Return the moderation of a response."""
    model = moderation_model(request)
    if model is None:
        return None
    sides = {"input": _input(request), "output": _output(reply.choices[0])}
    return {side: _results([message], model)[0] for side, message in sides.items()}


def _input(request: ModelRequest) -> Message:
    """Return all texts and images of the request as one message."""
    parts = (part for message in request.messages for part in message.parts)
    return Message("user", tuple(part for part in parts if type(part) in (TextPart, MediaPart)))


def _output(choice: Choice) -> Message:
    return Message("assistant", (TextPart(choice.text),))


def _results(messages: Sequence[Message], model: str) -> list[dict[str, Json]]:
    return [{"type": "moderation_result", "model": model, **result} for result in moderate(messages)]
