"""Decodes an interaction: the steps of a body, or the events of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Usage
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, count_in, payloads

FINISH: Final[Mapping[str, str]] = {
    "completed": "stop",
    "requires_action": "tool_calls",
    "incomplete": "length",
}
"""The statuses at the end of an interaction as neutral values. `incomplete` has no reason."""


def decode(plan: Plan) -> DecodedResponse | None:
    """Return the content of a response, or its error; None where it is no interaction."""
    decoder = ResponseDecoder(plan)
    for payload in payloads(plan):
        _read_payload(payload, decoder)
    return decoder.result()


def _read_payload(payload: Json, decoder: ResponseDecoder) -> None:
    """Read one event, or the body of a non-streaming response."""
    match payload:
        case {"error": dict(error)}:
            decoder.recognized, decoder.error = True, error
        case {"event_type": "step.start", "index": int(place), "step": step}:
            decoder.recognized = True
            _read_call(step, place, decoder)
        case {"event_type": "step.delta", "index": int(place), "delta": delta}:
            _read_delta(delta, place, decoder)
        case {"event_type": str(), "interaction": interaction}:
            _read_interaction(interaction, decoder)
        case {"object": "interaction"}:
            _read_interaction(payload, decoder)


def _read_interaction(interaction: Json, decoder: ResponseDecoder) -> None:
    """Read the status, the usage and the steps, of which the one at the end of a stream has none."""
    if not isinstance(interaction, dict):
        return
    decoder.recognized = True
    status = interaction.get("status")
    if isinstance(status, str):
        decoder.finish = FINISH.get(status)
    match interaction.get("usage"):
        case {"total_input_tokens": int(prompt), **counted}:
            thoughts = count_in(counted, "total_thought_tokens")
            output = count_in(counted, "total_output_tokens") + thoughts
            decoder.usage = Usage(prompt, output, count_in(counted, "total_cached_tokens"), 0, thoughts)
    steps = interaction.get("steps")
    for place, step in enumerate(steps if isinstance(steps, list) else ()):
        _read_step(step, place, decoder)


def _read_step(step: Json, place: int, decoder: ResponseDecoder) -> None:
    """Read a step with all its content."""
    match step:
        case {"type": "model_output", "content": list(contents)}:
            _read_texts(contents, decoder, thinking=False)
        case {"type": "thought", "summary": list(contents)}:
            _read_texts(contents, decoder, thinking=True)
        case {"type": "function_call"}:
            _read_call(step, place, decoder)
            arguments = step.get("arguments", {})
            decoder.add_arguments(
                place, arguments if isinstance(arguments, str) else dumps(arguments).decode()
            )


def _read_texts(contents: list[Json], decoder: ResponseDecoder, *, thinking: bool) -> None:
    for content in contents:
        match content:
            case {"text": str(text)}:
                decoder.add_text("thinking" if thinking else "text", text)


def _read_call(step: Json, place: int, decoder: ResponseDecoder) -> None:
    match step:
        case {"type": "function_call", "name": str(name)}:
            decoder.add_call(place, name, id=step.get("id"))


def _read_delta(delta: Json, place: int, decoder: ResponseDecoder) -> None:
    match delta:
        case {"type": "text", "text": str(text)}:
            decoder.add_text("text", text)
        case {"type": "thought_summary", "content": {"text": str(text)}}:
            decoder.add_text("thinking", text)
        case {"type": "arguments_delta", "arguments": str(text)}:
            decoder.add_arguments(place, text)
