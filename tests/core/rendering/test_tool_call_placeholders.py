"""The arguments of a call as placeholders: each form that a response has them in, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mockllm.core.json.codec import dumps, loads, pretty, spaced, without_angles
from mockllm.core.randomness import Ids
from mockllm.core.rendering.placeholders import Placeholders
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead
from mockllm.core.rendering.prerendered_response import PrerenderedResponse, prerender_response
from mockllm.core.reply.reply import GeneratedToolCall

Encode = Callable[[GeneratedToolCall, Ids], list[bytes]]
"""Encodes the events of a response with a call."""
TEXTS = (
    '{"a":1}',
    '{"path":"c:\\\\d","lines":[1,2.5,1e+16,0.00001],"more":{}}',
    '{"é\U0001f642":"<b>&\u2028/\'","q":"\\"\\n"}',
    '{"del":"\x7f","null":null,"yes":true}',
)


def drawn(text: str, *, in_chunks: bool = True) -> GeneratedToolCall:
    chunks = tuple(text[start : start + 3] for start in range(0, len(text), 3)) if in_chunks else (text,)
    return GeneratedToolCall("look", text, chunks, len(text), in_chunks)


def plan(events: list[bytes]) -> Plan:
    steps = [EventStep(event, number, "chunk") for number, event in enumerate(events)]
    return Plan(ResponseHead(200, ()), steps, Framing.SSE)


def prerendered(encode: Encode, call: GeneratedToolCall) -> PrerenderedResponse:
    placeholders = Placeholders(Ids(0, "", 0), 0.0, 5, call)
    assert placeholders.call is not None
    return prerender_response(plan(encode(placeholders.call, placeholders.ids)), placeholders)


def written(events: list[bytes]) -> bytes:
    return b"".join(b"data: %b\n\n" % event for event in events)


FORMS: dict[str, Encode] = {
    "a text": lambda call, ids: [dumps({"arguments": call.text})],
    "JSON": lambda call, ids: [dumps({"input": loads(call.text)})],
    "indented JSON": lambda call, ids: [pretty([{"input": loads(call.text)}])],
    "the whole body": lambda call, ids: [pretty(loads(call.text))],
    "indented JSON without angle brackets": lambda call, ids: [
        without_angles(pretty({"args": loads(call.text)}))
    ],
    "one line": lambda call, ids: [without_angles(spaced({"args": loads(call.text)}))],
    "chunks": lambda call, ids: [
        b"{}",
        *(dumps({"delta": chunk, "id": ids.make("a", 9)}) for chunk in call.chunks),
    ],
    "chunks and the whole": lambda call, ids: [
        *(dumps([chunk]) for chunk in call.chunks),
        dumps({"arguments": call.text, "id": ids.make("a", 9)}),
    ],
    "nothing of it": lambda call, ids: [dumps(call.tool)],
}


@pytest.mark.parametrize("encode", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("text", TEXTS)
def test_each_form_equals_the_rendered_one(encode: Encode, text: str) -> None:
    response, ids = prerendered(encode, drawn(TEXTS[0])), Ids(0, "", 4)
    (step,) = response.plan(response.compute_placeholder_values(ids.id_seed, 1.0, 5, drawn(text))).steps
    assert isinstance(step, RawStep)
    assert step.data == written(encode(drawn(text), ids))


def test_last_chunk_is_that_of_the_call() -> None:
    call = drawn(TEXTS[1])
    response = prerendered(FORMS["chunks"], drawn(TEXTS[0]))
    (step,) = response.plan(response.compute_placeholder_values(b"0||1|", 1.0, 5, call)).steps
    assert step.chunk_number == len(call.chunks)


@pytest.mark.parametrize(
    "encode",
    [
        lambda call, ids: [json.dumps({"arguments": call.text}).encode()],
        lambda call, ids: [json.dumps(loads(call.text)).encode()],
        lambda call, ids: [dumps(call.text[:-1])],
        lambda call, ids: [dumps(dumps(call.text).decode())],
        lambda call, ids: [without_angles(dumps({"arguments": call.text}))],
        lambda call, ids: [without_angles(dumps(loads(call.text)))],
        lambda call, ids: [spaced(loads(call.text))],
    ],
    ids=["escaped", "spaces", "a part", "twice a text", "no angles in text", "no angles", "one line"],
)
def test_other_form_is_no_placeholder(encode: Encode) -> None:
    with pytest.raises(TypeError, match="a form that no placeholder has"):
        prerendered(encode, drawn(TEXTS[0]))


def test_call_without_chunks_is_one_chunk() -> None:
    call = drawn(TEXTS[0], in_chunks=False)
    response = prerendered(FORMS["chunks"], call)
    (step,) = response.plan(response.compute_placeholder_values(b"0||1|", 1.0, 5, call)).steps
    assert isinstance(step, RawStep)
    assert step.data == written(FORMS["chunks"](call, Ids(0, "", 1)))


COUNTS: dict[str, Callable[[Any, Any], Any]] = {
    "both": lambda tokens, output: [tokens, output, tokens + output, output + 0],
    "a duration": lambda tokens, output: 7 + tokens * 3 + output * 5,
    "more": lambda tokens, output: (tokens + output) * 2 - 3,
    "a text": lambda tokens, output: f"{tokens + output}",
    "a comparison": lambda tokens, output: [output > 9, tokens + output > 12],
}


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
@pytest.mark.parametrize(("tokens", "text"), [(5, TEXTS[0]), (6, TEXTS[1]), (700, TEXTS[2])])
def test_tokens_of_call_are_filled(count: Callable[[Any, Any], Any], tokens: int, text: str) -> None:
    placeholders = Placeholders(Ids(0, "", 0), 0.0, 5, drawn(TEXTS[0]))
    assert placeholders.call is not None
    body = dumps(count(placeholders.input_tokens, placeholders.call.output_tokens))
    response = prerender_response(plan([body]), placeholders)
    assert response.uses_input_tokens
    call = drawn(text)
    if response.fits(0.0, tokens, call.output_tokens):
        (step,) = response.plan(response.compute_placeholder_values(b"0||1|", 0.0, tokens, call)).steps
        assert isinstance(step, RawStep)
        assert step.data == written([dumps(count(tokens, call.output_tokens))])
    else:
        assert count(tokens, call.output_tokens) != count(5, drawn(TEXTS[0]).output_tokens)


def test_two_numbers_of_calls_are_not_combined() -> None:
    placeholders = Placeholders(Ids(0, "", 0), 0.0, 5, drawn(TEXTS[0]))
    assert placeholders.call is not None
    with pytest.raises(TypeError, match="two placeholders"):
        placeholders.call.output_tokens + placeholders.call.output_tokens
