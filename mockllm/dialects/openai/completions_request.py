"""Requests of legacy completions, which have prompts instead of messages, and their checks. No reader raises on any
JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from propcache.api import cached_property

from mockllm.core.budget import WORK_OF_LOGPROBS
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import texts
from mockllm.core.request.request import Message, Request
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.dialects.openai.request_fields import (
    ModelRequest,
    TokenInput,
    choice_count,
    count_inputs,
    input_message,
    is_token_list,
)
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    check_stream_options,
    decimal,
    integer,
    members,
    object_,
    refuse,
    string,
    wrong_type,
)

MAX_TOTAL_CHOICES: Final = 2048
"""The maximum number of choices of all prompts of one request. The real service's total depends on the account."""
MAX_LOGPROBS: Final = 5
"""The maximum number of likeliest tokens per position."""
DOCUMENTED_FIELDS: Final = frozenset({
    "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "model", "n",
    "presence_penalty", "prompt", "seed", "stop", "stream", "stream_options", "suffix", "temperature",
    "top_p", "user"
})  # fmt: skip
"""The fields of the request, as the types of the SDK name them. Other fields of a body pass, and are noted."""


class CompletionsRequest(ModelRequest):
    """A request whose prompts are one message of the user. Each prompt gets its own choices; `output_bounds.n`
    counts all of them."""

    api = "completions"
    generates = True
    documented_fields = DOCUMENTED_FIELDS

    @cached_property
    def prompts(self) -> tuple[TokenInput, ...]:
        value = self.fields.get("prompt")
        if type(value) is not list:
            return (value if type(value) is str else "",)
        if is_token_list(value):
            return (value,)
        return tuple(
            prompt for prompt in value[:MAX_TOTAL_CHOICES] if type(prompt) is str or is_token_list(prompt)
        ) or ("",)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return (input_message(self.prompts),)

    @cached_property
    def output_bounds(self) -> OutputBounds:
        fields = self.fields
        stop, limit = fields.get("stop"), fields.get("max_tokens")
        return OutputBounds(
            n=min(choice_count(fields.get("n")), MAX_TOTAL_CHOICES // len(self.prompts)) * len(self.prompts),
            stop=(stop,) if type(stop) is str else tuple(texts(stop)),
            max_tokens=limit if type(limit) is int and limit >= 0 else None,
        )

    @cached_property
    def input_tokens(self) -> int:
        return count_inputs(self.prompts)

    @cached_property
    def logprobs(self) -> int | None:
        """The number of likeliest tokens at each position; None where the request has no probabilities."""
        value = self.fields.get("logprobs")
        return min(value, MAX_LOGPROBS) if type(value) is int and value >= 0 else None

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """The position where each choice's text begins, counted from the start of its prompt; 0 where the
        prompt is echoed."""
        if self.echoed:
            return (0,) * len(self.echoed)
        count = max(1, self.output_bounds.n // len(self.prompts))
        return tuple(
            len(prompt) if isinstance(prompt, str) else 0 for prompt in self.prompts for _ in range(count)
        )

    @cached_property
    def echoed(self) -> tuple[str, ...]:
        """The echoed prompt before each choice's text, where the request sets `echo`. The text of token
        prompts is unknown here and is not echoed."""
        if self.fields.get("echo") is not True:
            return ()
        count = max(1, self.output_bounds.n // len(self.prompts))
        return tuple(
            prompt if isinstance(prompt, str) else "" for prompt in self.prompts for _ in range(count)
        )

    @cached_property
    def echoed_characters(self) -> int:
        return sum(map(len, self.echoed)) * (1 if self.logprobs is None else WORK_OF_LOGPROBS)


def check(request: Request) -> Failure | None:
    return check_readable(request) or check_body(request.fields)


def check_body(body: Mapping[str, Json]) -> Failure | None:
    """Return the first error: the model, then each field in the body's order, then dependencies between fields."""
    if body.get("model") is None:
        return refuse("you must provide a model parameter")
    error = check_fields(body, FIELDS) or check_stream_options(body)
    return error or _check_choice_count(body.get("prompt"), body.get("n") or 1)


def _check_choice_count(prompt: Json, n: int) -> Failure | None:
    count = len(prompt) if type(prompt) is list and not is_token_list(prompt) else 1
    if count * n <= MAX_TOTAL_CHOICES:
        return None
    return refuse(
        f"Too many parallel completions requested. You submitted {count * n} prompts, but you can currently "
        f"request up to at most a total of {MAX_TOTAL_CHOICES}).",
        "prompt",
    )


def _check_prompt(value: Json, path: str) -> Failure | None:
    if type(value) is str or is_token_list(value):
        return None
    several = type(value) is list and bool(value)
    if several and (
        all(type(entry) is str for entry in value) or all(is_token_list(entry) for entry in value)
    ):
        return None
    return wrong_type(value, path, "one of a string, array of strings, array of integers or array of those")


def _check_stop(value: Json, path: str) -> Failure | None:
    return None if type(value) is str else array(string, "strings", max_length=4)(value, path)


FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "prompt": _check_prompt,
    "best_of": integer(0, 20),
    "echo": boolean,
    "frequency_penalty": decimal(-2, 2),
    "logit_bias": object_,
    "logprobs": integer(0, 5),
    "max_tokens": integer(0),
    "n": integer(1, 128),
    "presence_penalty": decimal(-2, 2),
    "seed": integer(),
    "stop": _check_stop,
    "stream": boolean,
    "stream_options": members((), {"include_usage": boolean, "include_obfuscation": boolean}),
    "suffix": string,
    "temperature": decimal(0, 2),
    "top_p": decimal(0, 1),
    "user": string,
}
