"""Requests of the legacy text completions, `POST /v1/complete`: a prompt with turns, and its checks.

The packages of 2023 to 2025 have this call (`client.completions.create`), the newest ones do not. The checks of the
prompt have the messages that public reports of clients quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.messages import Message, TextPart
from mockllm.core.request.request import Request
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.core.tokens import estimate
from mockllm.dialects.anthropic.messages_check import check_readable
from mockllm.dialects.anthropic.messages_request import AnthropicRequest
from mockllm.dialects.anthropic.validators import (
    BOOLEAN,
    DICT,
    INTEGER,
    LIST,
    NUMBER,
    STRING,
    AnthropicRequestProblem,
    Shape,
    check_minimum,
    check_shape,
)

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"
_LATER_MODEL: Final = re.compile("claude-(?!1|2|instant|v)")
"""The beginning of the models that only the messages protocol has: those since Claude 3."""
_TURN: Final = re.compile(r"\n\n(Human|Assistant):")
_SHAPE: Final[Shape] = {
    "model": STRING,
    "prompt": STRING,
    "max_tokens_to_sample": INTEGER,
    "stream": BOOLEAN.or_absent(),
    "temperature": NUMBER.or_absent(),
    "top_p": NUMBER.or_absent(),
    "top_k": INTEGER.or_absent(),
    "stop_sequences": LIST.or_absent(),
    "metadata": DICT.or_absent(),
}


class TextCompletionsRequest(AnthropicRequest):
    """POST /v1/complete. The text before the first turn is the system text."""

    api: ClassVar[str | None] = "complete"
    generates: ClassVar[bool] = True
    documented_fields: ClassVar[frozenset[str] | None] = frozenset(_SHAPE)

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return tuple(_turns(self._prompt))

    @cached_property
    def _prompt(self) -> str:
        prompt = self.fields.get("prompt")
        return prompt if isinstance(prompt, str) else ""

    @cached_property
    def output_bounds(self) -> OutputBounds:
        stop, most = self.fields.get("stop_sequences"), self.fields.get("max_tokens_to_sample")
        texts = tuple(text for text in stop if isinstance(text, str)) if isinstance(stop, list) else ()
        return OutputBounds(1, texts, most if type(most) is int else None)

    @cached_property
    def input_tokens(self) -> int:
        return estimate(self._prompt)


def _turns(prompt: str) -> Iterator[Message]:
    """Yield the turns of a prompt. A prompt without any is a message of the user; an empty last turn of the assistant
    is the beginning of the response."""
    before, *parts = _TURN.split(prompt)
    if not parts:
        if prompt:
            yield Message("user", (TextPart(prompt),))
        return
    if before.strip():
        yield Message("system", (TextPart(before.strip()),))
    turns = list(zip(parts[::2], parts[1::2], strict=True))
    for number, (name, text) in enumerate(turns):
        if name == "Human":
            yield Message("user", (TextPart(text.strip()),))
        elif text.strip() or number < len(turns) - 1:
            yield Message("assistant", (TextPart(text.strip()),))


def check(request: Request) -> Failure | None:
    """Return the first problem of a request; None where there is none."""
    failure = check_readable(request)
    if failure is not None:
        return failure
    try:
        _check_fields(request.fields)
    except AnthropicRequestProblem as problem:
        return Failure("bad_request", message=str(problem))
    return None


def _check_fields(fields: dict[str, Json]) -> None:
    check_shape("", fields, _SHAPE)
    if _LATER_MODEL.match(fields["model"]):
        raise AnthropicRequestProblem(
            f'"{fields["model"]}" is not a model of this API. Use the Messages API instead.'
        )
    check_minimum("max_tokens_to_sample", fields["max_tokens_to_sample"], 1)
    names = _TURN.findall(fields["prompt"])
    if not names or names[0] != "Human":
        raise AnthropicRequestProblem(f'prompt must start with "{HUMAN}" turn')
    if names[-1] != "Assistant":
        raise AnthropicRequestProblem(f'prompt must end with "{ASSISTANT}" turn')
