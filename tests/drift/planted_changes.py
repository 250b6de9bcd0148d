"""Twenty changes of a provider: what each does to a response, and what `mockllm drift` must tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.drift.pretended_provider import ProviderResponse


@dataclass(frozen=True)
class PlantedChange:
    """A change. `found` is its protocol, kind and place in the report."""

    plant: Callable[[ProviderResponse], None]
    found: tuple[str, str, str]
    severity: str
    fixable: bool = False


def in_bodies(
    api: str, edit: Callable[[dict[str, Any]], None], *, streamed: bool = False
) -> Callable[[ProviderResponse], None]:
    """Return a change of each payload of successful responses."""

    def plant(answer: ProviderResponse) -> None:
        if answer.api == api and answer.streamed is streamed and answer.status == 200:
            for body in answer.bodies:
                edit(body)

    return plant


def in_errors(api: str, edit: Callable[[dict[str, Any]], None]) -> Callable[[ProviderResponse], None]:
    def plant(answer: ProviderResponse) -> None:
        if answer.api == api and answer.status == 400:
            edit(answer.events[0][1])

    return plant


def each_choice(edit: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        for choice in body["choices"]:
            edit(choice)

    return change


def of_type(name: str, edit: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        if body.get("type") == name:
            edit(body)

    return change


def header(api: str, name: str, value: str | None) -> Callable[[ProviderResponse], None]:
    def plant(answer: ProviderResponse) -> None:
        if answer.api == api and not answer.streamed and answer.status == 200:
            answer.headers.pop(name, None)
            if value is not None:
                answer.headers[name] = value

    return plant


def new_event(answer: ProviderResponse) -> None:
    if answer.api == "messages" and answer.streamed:
        answer.events.insert(1, ("context_notice", {"type": "context_notice", "left": 3}))


def no_terminator(answer: ProviderResponse) -> None:
    if answer.api == "chat" and answer.streamed:
        answer.events.pop()


def item_done_late(answer: ProviderResponse) -> None:
    """The end of an item comes behind the end of the response's text."""
    if answer.api == "responses" and answer.streamed:
        names = [name for name, _ in answer.events]
        at = names.index("response.output_item.done")
        answer.events.insert(at - 2, answer.events.pop(at))


def refusal(answer: ProviderResponse) -> None:
    if answer.api == "embeddings":
        answer.status = 400
        error = {"message": "no", "type": "invalid_request_error", "param": None, "code": None}
        answer.events[:] = [(None, {"error": error})]


def set_in(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.update({name: value})


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.pop(name, None) and None


PLANTED = (
    # fields of bodies
    PlantedChange(in_bodies("chat", set_in("cost", 0.1)), ("openai-chat", "new field", "$.cost"), "low", True),
    PlantedChange(
        in_bodies("chat", each_choice(lambda choice: choice["message"].update(audio=None))),
        ("openai-chat", "new field", "$.choices[].message.audio"), "medium", True,
    ),
    PlantedChange(
        in_bodies("chat", each_choice(lambda choice: choice.update(trace={"id": "x", "steps": [1], "by": {"n": 2}}))),
        ("openai-chat", "new field", "$.choices[].trace"), "low", True,
    ),
    PlantedChange(in_bodies("chat", without("created")), ("openai-chat", "gone field", "$.created"), "high"),
    PlantedChange(
        in_bodies("chat", lambda body: body["usage"].update(total_tokens="7")),
        ("openai-chat", "type", "$.usage.total_tokens"), "high",
    ),
    PlantedChange(
        in_bodies("messages", lambda body: body["usage"].update(service_tier=None)),
        ("anthropic-messages", "type", "$.usage.service_tier"), "low",
    ),
    PlantedChange(
        in_bodies("messages", without("stop_sequence")),
        ("anthropic-messages", "gone field", "$.stop_sequence"), "medium",
    ),
    PlantedChange(
        in_bodies("generate", lambda body: body["candidates"][0].update(tokenCount=3)),
        ("gemini-generate", "new field", "$.candidates[].tokenCount"), "medium", True,
    ),
    PlantedChange(
        in_bodies("generate", without("modelVersion")), ("gemini-generate", "gone field", "$.modelVersion"), "medium"
    ),
    PlantedChange(
        in_bodies("responses", set_in("region", "eu")), ("openai-responses", "new field", "$.region"), "low", True
    ),
    # fields of events
    PlantedChange(
        in_bodies("chat", each_choice(lambda choice: choice["delta"].update(mood=None)), streamed=True),
        ("openai-chat stream", "new field", "$.choices[].delta.mood"), "low", True,
    ),
    PlantedChange(
        in_bodies("messages", of_type("message_delta", set_in("billed", True)), streamed=True),
        ("anthropic-messages stream", "new field", "$.billed"), "low", True,
    ),
    PlantedChange(
        in_bodies("responses", of_type("response.output_text.delta", without("item_id")), streamed=True),
        ("openai-responses stream", "gone field", "$.item_id"), "high",
    ),
    # events and their order
    PlantedChange(new_event, ("anthropic-messages stream", "new event", "context_notice"), "high"),
    PlantedChange(no_terminator, ("openai-chat stream", "gone event", "done"), "high"),
    PlantedChange(item_done_late, ("openai-responses stream", "order", "events"), "medium"),
    # headers and errors
    PlantedChange(header("chat", "x-region", "eu"), ("openai-chat", "new header", "x-region"), "low"),
    PlantedChange(header("messages", "request-id", None), ("anthropic-messages", "gone header", "request-id"), "low"),
    PlantedChange(
        in_errors("messages", lambda body: body["error"].update(docs="https://x.example")),
        ("anthropic-messages", "new field", "$.error.docs"), "medium",
    ),
    PlantedChange(refusal, ("openai-embeddings", "refused", "request"), "high"),
)  # fmt: skip
