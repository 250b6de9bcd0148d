"""`examples`: a file's own tests, run by `mockllm test` and read by `mockllm explain`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.values import Duration
from mockllm.scenario.language.conditions import JsonCondition, NameCondition, NumberCondition, TextCondition
from mockllm.scenario.language.model import Word


class RequestWord(Word):
    """A request in neutral words, written in each provider's wire format; or raw, by `path` and `body`."""

    provider: str | list[str] | None = None
    """openai where nothing is said; of a list, each is run."""
    api: str | None = None
    """The call, where it is not the provider's usual one."""
    model: str | None = None
    user: str | None = None
    """The last user message; `hi` where nothing is said."""
    system: str | None = None
    messages: list[dict[str, JsonValue]] | None = None
    """The whole history in the provider's own form, in place of `user` and `system`."""
    tools: list[str | dict[str, JsonValue]] | None = None
    """Offered tools: names, or `{name, description, parameters}`."""
    tool_choice: str | dict[str, JsonValue] | None = None
    """auto, none, any, or `{name: …}`."""
    response_format: str | dict[str, JsonValue] | None = None
    """text, json, or `{name, schema}`."""
    max_tokens: int | None = None
    stop: list[str] | None = None
    n: int | None = None
    stream: bool | None = None
    api_key: str | None = None
    session: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    method: str = "POST"
    path: str | None = None
    """A raw request to this path, with `body` as it is."""
    body: JsonValue = None


class ExpectWord(Word):
    """What must come back; everything that is given is checked."""

    rule: TextCondition | None = None
    """The rule's name or id; null for a miss."""
    modifier: NameCondition | None = None
    """A modifier that applied."""
    status: NumberCondition | None = None
    text: TextCondition | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None
    """`{name, arguments}` of each call."""
    refusal: TextCondition | None = None
    finish_reason: TextCondition | None = None
    error: TextCondition | None = None
    """The error's neutral name."""
    usage: dict[str, NumberCondition] | None = None
    headers: dict[str, TextCondition] | None = None
    chunks: NumberCondition | list[str] | None = None
    """How many chunks, or exactly these."""
    faults: list[str] | None = None
    """The faults that were played."""
    took: Duration | dict[str, Duration] | None = None
    """How long it took, exactly; or `{gte: 1s, lt: 2s}`."""
    body: dict[str, JsonCondition] | None = None
    """JSONPaths into the body."""


class ExampleStep(Word):
    """One request of several."""

    request: RequestWord = Field(default_factory=RequestWord)
    expect: ExpectWord = Field(default_factory=ExpectWord)
    after: Duration | None = None
    """How long after the step before."""


class ExampleWord(ExampleStep):
    """One example: a request and what must come back, or several steps on the same state."""

    name: str | None = None
    steps: Annotated[list[ExampleStep], Field(min_length=1)] | None = None
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    """Parameters of the pack, for this example."""

    @model_validator(mode="after")
    def one_form(self) -> ExampleWord:
        if self.steps is not None and {"request", "expect", "after"} & self.model_fields_set:
            raise PydanticCustomError("steps", "give steps, or a request and what to expect, not both")
        return self
