"""Reads a legacy completions request: prompts instead of messages. Nothing here raises on any JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.lazy import lazy
from mockllm.core.request.request import Message, OtherPart, Part, Request, Sampling, TextPart
from mockllm.core.tokens import estimate
from mockllm.dialects.openai import known_fields
from mockllm.dialects.openai.chat.check import check_readable
from mockllm.dialects.openai.request_helpers import ModelRequest, choice_count, texts
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    decimal,
    integer,
    members,
    object_,
    refuse,
    string,
    wrong_type,
)

MOST_CHOICES: Final = 2048
"""How many choices all prompts of one request may have together. The service's own total depends on the
account."""
Prompt = str | list[int]
"""A text, or the numbers of its tokens."""


MOST: Final = 5
"""How many likeliest tokens a place may have."""


class CompletionsRequest(ModelRequest):
    """The prompts are one message of the user. Each is answered by choices of its own: `sampling.n` counts
    them all."""

    api = "completions"
    generates = True
    known = known_fields.COMPLETIONS

    @lazy
    def prompts(self) -> tuple[Prompt, ...]:
        given = self.fields.get("prompt")
        if type(given) is not list:
            return (given if type(given) is str else "",)
        if _tokens(given):
            return (given,)
        return tuple(each for each in given[:MOST_CHOICES] if type(each) is str or _tokens(each)) or ("",)

    @lazy
    def messages(self) -> tuple[Message, ...]:
        parts: list[Part] = [
            TextPart(each) if isinstance(each, str) else OtherPart("tokens") for each in self.prompts
        ]
        return (Message("user", tuple(parts)),)

    @lazy
    def sampling(self) -> Sampling:
        fields = self.fields
        stop, limit = fields.get("stop"), fields.get("max_tokens")
        return Sampling(
            n=min(choice_count(fields.get("n")), MOST_CHOICES // len(self.prompts)) * len(self.prompts),
            stop=(stop,) if type(stop) is str else tuple(texts(stop)),
            max_tokens=limit if type(limit) is int and limit >= 0 else None,
        )

    @lazy
    def input_tokens(self) -> int:
        """The prompts have no framing: they are counted as they stand."""
        return sum(estimate(each) if isinstance(each, str) else len(each) for each in self.prompts)

    @lazy
    def logprobs(self) -> int | None:
        """How many likeliest tokens are wanted at each place; None where no probabilities are."""
        wanted = self.fields.get("logprobs")
        return min(wanted, MOST) if type(wanted) is int and wanted >= 0 else None

    @lazy
    def offsets(self) -> tuple[int, ...]:
        """Where each choice's text begins, counted from its prompt on; where that is echoed, 0."""
        if self.echoed:
            return (0,) * len(self.echoed)
        each = max(1, self.sampling.n // len(self.prompts))
        return tuple(
            len(prompt) if isinstance(prompt, str) else 0 for prompt in self.prompts for _ in range(each)
        )

    @lazy
    def echoed(self) -> tuple[str, ...]:
        """What stands before each choice's text: its prompt, where the request wants it back. What tokens say
        is not known here, so they are not said."""
        if self.fields.get("echo") is not True:
            return ()
        each = max(1, self.sampling.n // len(self.prompts))
        return tuple(
            prompt if isinstance(prompt, str) else "" for prompt in self.prompts for _ in range(each)
        )


def _tokens(value: Json) -> bool:
    return type(value) is list and bool(value) and all(type(each) is int for each in value)


def check(request: Request) -> Failure | None:
    """The first thing that is wrong with the body."""
    wrong = check_readable(request)
    if wrong is not None:
        return wrong
    body = request.fields
    if body.get("model") is None:
        return refuse("you must provide a model parameter")
    for name, value in body.items():
        field = FIELDS.get(name)
        if field is not None and value is not None:
            wrong = field(value, name)
            if wrong is not None:
                return wrong
    if body.get("stream_options") is not None and body.get("stream") is not True:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return refuse(message, "stream_options")
    return _too_many(body.get("prompt"), body.get("n") or 1)


def _too_many(prompt: Json, n: int) -> Failure | None:
    count = len(prompt) if type(prompt) is list and not _tokens(prompt) else 1
    if count * n <= MOST_CHOICES:
        return None
    return refuse(
        f"Too many parallel completions requested. You submitted {count * n} prompts, but you can currently "
        f"request up to at most a total of {MOST_CHOICES}).",
        "prompt",
    )


def _prompt(value: Json, path: str) -> Failure | None:
    if type(value) is str or _tokens(value):
        return None
    several = type(value) is list and bool(value)
    if several and (all(type(each) is str for each in value) or all(_tokens(each) for each in value)):
        return None
    return wrong_type(value, path, "one of a string, array of strings, array of integers or array of those")


def _stop(value: Json, path: str) -> Failure | None:
    return None if type(value) is str else array(string, "strings", max_length=4)(value, path)


FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "prompt": _prompt,
    "best_of": integer(0, 20),
    "echo": boolean,
    "frequency_penalty": decimal(-2, 2),
    "logit_bias": object_,
    "logprobs": integer(0, 5),
    "max_tokens": integer(0),
    "n": integer(1, 128),
    "presence_penalty": decimal(-2, 2),
    "seed": integer(),
    "stop": _stop,
    "stream": boolean,
    "stream_options": members((), {"include_usage": boolean, "include_obfuscation": boolean}),
    "suffix": string,
    "temperature": decimal(0, 2),
    "top_p": decimal(0, 1),
    "user": string,
}
