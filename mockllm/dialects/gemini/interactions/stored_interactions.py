"""The stored form of an interaction: its input, and the steps that it has at a time."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of, read_object
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.background import has_ended, is_queued
from mockllm.dialects.gemini.generate_request import list_of

STATUS_UPDATE: Final = "interaction.status_update"
COMPLETED: Final = "interaction.completed"


def input_steps(stored: StoredObject) -> list[Json]:
    return read_input(read_object(stored.request_body).get("input"))


def read_input(value: Json) -> list[Json]:
    """Return an input as steps: a text, a content, a list of contents, or a list of steps."""
    if type(value) is str:
        return [{"type": "user_input", "content": [{"type": "text", "text": value}]}]
    items = [object_of(item) for item in list_of(value)]
    if items and all(_is_content(item) for item in items):
        return [{"type": "user_input", "content": items}]
    return list(items)


def _is_content(item: dict[str, Json]) -> bool:
    return item.get("type") in ("text", "image", "audio", "video", "document") and item.get("role") is None


def interaction_at(stored: StoredObject, monotonic: float) -> dict[str, Json]:
    """Return the interaction as a read at this time finds it."""
    timeline = stored.timeline
    if timeline is None or (timeline.cancelled is None and has_ended(timeline, monotonic)):
        return read_object(stored.response_body)
    opening = object_of(object_of(loads(timeline.events[0][2])).get("interaction"))
    status = "queued" if is_queued(timeline, monotonic, STATUS_UPDATE) else "in_progress"
    if timeline.cancelled is not None:
        status = "cancelled"
    past = [
        EventStep(payload, 0, "open", name)
        for at, name, payload in timeline.events
        if at <= timeline.elapsed(monotonic)
    ]
    ended = EventStep(dumps({"event_type": COMPLETED, "interaction": opening}), 0, "open")
    begun = interaction_of(Plan(ResponseHead(200, ()), (*past, ended), Framing.SSE))
    return {**begun, "status": status, "steps": [] if status == "queued" else begun["steps"]}


def steps_at(stored: StoredObject, monotonic: float) -> list[Json]:
    """Return the steps that an interaction has at this time."""
    return list_of(interaction_at(stored, monotonic).get("steps"))


def interaction_of(plan: Plan) -> dict[str, Json]:
    """Return the interaction of a body, or the one that a stream ends with and its steps. Return an empty object for
    a stream without its end."""
    steps: dict[int, dict[str, Json]] = {}
    arguments: dict[int, str] = {}
    whole: dict[str, Json] = {}
    for payload, _ in events(plan):  # also of a cached response, whose steps are bytes
        event = read_object(payload)
        if plan.framing is Framing.PLAIN:
            return event
        index = event.get("index")
        match event.get("event_type"):
            case "step.start" if type(index) is int:
                steps[index] = dict(object_of(event.get("step")))
            case "step.delta" if type(index) is int and index in steps:
                _add_delta(steps[index], object_of(event.get("delta")), arguments, index)
            case "interaction.completed":
                whole = object_of(event.get("interaction"))
    for index, text in arguments.items():
        steps[index]["arguments"] = read_object(text.encode())
    return {**whole, "steps": list(steps.values())} if whole else {}


def _add_delta(step: dict[str, Json], delta: dict[str, Json], arguments: dict[int, str], index: int) -> None:
    match delta:
        case {"type": "text", "text": str(text)}:
            content = step.setdefault("content", [{"type": "text", "text": ""}])
            content[0]["text"] = content[0].get("text", "") + text
        case {"type": "thought_summary", "content": {"text": str(text)}}:
            summary = step.setdefault("summary", [{"type": "text", "text": ""}])
            summary[0]["text"] += text
        case {"type": "thought_signature", "signature": str(signature)}:
            step["signature"] = signature
        case {"type": "arguments_delta", "arguments": str(text)}:
            arguments[index] = arguments.get(index, "") + text
        case {"type": "text" | "thought_summary" | "thought_signature" | "arguments_delta"}:
            return  # a fault changed it
        case _:  # media
            step["content"] = [delta]
