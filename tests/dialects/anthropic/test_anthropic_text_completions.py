"""Anthropic's text completions, `POST /v1/complete`: turns of a prompt, checks, bodies and streams."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps, loads
from mockllm.core.reply.reply import Choice, Finish, Refusal, Reply, Text, ToolCall
from mockllm.dialects.anthropic.provider import COMPLETE
from mockllm.dialects.anthropic.text_completions import TEXT_COMPLETIONS_LAYOUT
from mockllm.dialects.anthropic.text_completions_request import TextCompletionsRequest
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.anthropic.messages_requests import IDENTITY, body_of
from tests.golden.wire import assert_golden
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

PROMPT = "\n\nHuman: hi\n\nAssistant:"
GOOD: dict[str, Any] = {"model": "claude-2.1", "max_tokens_to_sample": 100, "prompt": PROMPT}
RULES = """
rules:
  - {match: {user: fail}, error: overloaded}
  - {match: {user: broken}, reply: {chunks: [One, {error: overloaded}]}}
  - {match: {user: cut}, reply: One two three four five six seven eight nine ten.}
  - {match: {user: stop}, reply: One two END three.}
  - {match: {user: raw}, reply: {text: Hi., finish_reason: {raw: odd}}}
  - {match: {system: Be nice.}, reply: Nice.}
  - reply: {text: Hello there., extras: {anthropic: {fruit: apple}}}
"""


def request(**fields: Any) -> TextCompletionsRequest:
    body = dumps({**GOOD, **fields})
    return TextCompletionsRequest(method="POST", path="/v1/complete", headers={}, raw=body)


def events_of(response: ClientResponse) -> list[Any]:
    """Return the payloads of a stream, whose lines end with CRLF."""
    blocks = b"".join(data for _, data in response.timed_bytes).split(b"\r\n\r\n")
    return [loads(block.partition(b"data: ")[2]) for block in blocks if block]


def respond(user: str, **fields: Any) -> ClientResponse:
    prompt = f"\n\nHuman: {user}\n\nAssistant:"
    return VirtualServer(RULES).respond(raw_request("/v1/complete", {**GOOD, "prompt": prompt, **fields}))


@pytest.mark.parametrize(
    ("prompt", "turns"),
    [
        (PROMPT, [("user", "hi")]),
        ("Be nice.\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: So",
         [("system", "Be nice."), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "So")]),
        ("\n\nAssistant:\n\nHuman: c", [("assistant", ""), ("user", "c")]),
        ("hi", [("user", "hi")]),
        ("", []),
        (7, []),
    ],
)  # fmt: skip
def test_prompt_has_turns(prompt: Any, turns: list[tuple[str, str]]) -> None:
    assert [(message.role, message.text) for message in request(prompt=prompt).messages] == turns


def test_parameters_of_any_type_are_read() -> None:
    read = request(model=7, stop_sequences=["a", 1], max_tokens_to_sample=9, stream=True)
    assert (read.model, read.stream, read.output_bounds.stop, read.output_bounds.max_tokens) == (
        None,
        True,
        ("a",),
        9,
    )
    odd = request(stop_sequences="a", max_tokens_to_sample="9")
    assert (odd.output_bounds.stop, odd.output_bounds.max_tokens, odd.stream) == ((), None, False)
    assert odd.input_tokens > 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, None),
        ({"model": "claude-instant-1.2"}, None),
        ({"model": "mine"}, None),
        (
            {"model": "claude-haiku-4-5"},
            '"claude-haiku-4-5" is not a model of this API. Use the Messages API instead.',
        ),
        (
            {"model": "claude-3-haiku-20240307"},
            '"claude-3-haiku-20240307" is not a model of this API. Use the Messages API instead.',
        ),
        ({"prompt": 1}, "prompt: Input should be a valid string"),
        ({"max_tokens_to_sample": 0}, "max_tokens_to_sample: Input should be greater than or equal to 1"),
        ({"prompt": "hi"}, 'prompt must start with "\n\nHuman:" turn'),
        ({"prompt": "\n\nAssistant: a\n\nHuman: b"}, 'prompt must start with "\n\nHuman:" turn'),
        ({"prompt": "\n\nHuman: b"}, 'prompt must end with "\n\nAssistant:" turn'),
    ],
)
def test_wrong_requests_are_refused(fields: Any, message: str | None) -> None:
    failure = COMPLETE.check(request(**fields))
    assert (None if failure is None else failure.message) == message


def test_unreadable_body_is_refused() -> None:
    broken = TextCompletionsRequest(method="POST", path="/v1/complete", headers={}, raw=b"{")
    assert COMPLETE.check(broken) is not None
    assert COMPLETE.check_readable(broken) is not None


REPLY = Reply((Choice((Text(("Hello", " there")), ToolCall("f", ("{}",)), Refusal(("No.",)))),))


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_bodies_and_streams_equal_golden_files(finish: Any) -> None:
    reply = Reply((Choice(REPLY.choices[0].parts, finish),))
    assert_golden(f"anthropic/complete-{finish}.txt", COMPLETE.encode_body(reply, request(), IDENTITY))
    assert_golden(
        f"anthropic/complete-{finish}-stream.txt",
        COMPLETE.encode_stream(reply, request(stream=True), IDENTITY),
    )


def test_reply_without_choices_is_an_empty_text() -> None:
    assert body_of(COMPLETE.encode_body(Reply(()), request(), IDENTITY))["completion"] == ""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("user", "fields", "text", "reason", "stop"),
    [
        ("hi", {}, "Hello there.", "stop_sequence", "\n\nHuman:"),
        ("stop", {"stop_sequences": ["END"]}, "One two ", "stop_sequence", "END"),
        ("raw", {}, "Hi.", "odd", None),
    ],
)
def test_stop_reason_follows_the_finish(
    user: str, fields: Any, text: str, reason: str, stop: str | None, stream: bool
) -> None:
    response = respond(user, stream=stream, **fields)
    events = (
        [event for event in events_of(response) if event["type"] == "completion"]
        if stream
        else [response.json]
    )
    assert "".join(event["completion"] for event in events) == text
    assert (events[-1]["stop_reason"], events[-1]["stop"]) == (reason, stop)
    assert events[0]["id"] == events[-1]["log_id"]
    assert response.status == 200


def test_long_text_ends_at_the_maximum_of_tokens() -> None:
    body = respond("cut", max_tokens_to_sample=3).json
    assert (body["stop_reason"], body["stop"], len(body["completion"]) < 20) == ("max_tokens", None, True)


def test_extras_and_system_text_apply() -> None:
    assert respond("hi").json["fruit"] == "apple"
    assert respond("x", prompt=f"Be nice.{PROMPT}").json["completion"] == "Nice."


def test_errors_have_the_form_of_messages() -> None:
    assert (respond("fail").status, respond("fail").json["error"]["type"]) == (529, "overloaded_error")
    assert [event["type"] for event in events_of(respond("broken", stream=True))] == [
        "ping",
        "completion",
        "error",
    ]


def test_request_is_read_as_it_was_built() -> None:
    wire = COMPLETE.build_request(NeutralRequest(user="hi", stream=True, api_key="k", max_tokens=5))
    assert (wire.path, wire.headers["x-api-key"]) == ("/v1/complete", "k")
    read = TextCompletionsRequest(method="POST", path=wire.path, headers=wire.headers, raw=dumps(wire.body))
    assert (read.user, read.stream, read.output_bounds.max_tokens) == ("hi", True, 5)
    assert COMPLETE.check(read) is None
    assert "x-api-key" not in COMPLETE.build_request(NeutralRequest(user="hi")).headers


def test_other_bodies_are_not_decoded() -> None:
    failure = COMPLETE.error(Failure("overloaded"), request(), IDENTITY)
    decoded = COMPLETE.decode(failure)
    assert decoded is not None
    assert decoded.error["type"] == "overloaded_error"
    plan = COMPLETE.encode_body(REPLY, request(), IDENTITY)
    assert COMPLETE.decode(plan.__class__(plan.head, ())) is None


def test_bodies_and_streams_are_decoded() -> None:
    finishes: tuple[Finish, ...] = ("stop", "length")
    for word in finishes:
        reply = Reply((Choice((Text(("Hello", " there")),), word),))
        whole = COMPLETE.decode(COMPLETE.encode_body(reply, request(), IDENTITY))
        streamed = COMPLETE.decode(COMPLETE.encode_stream(reply, request(stream=True), IDENTITY))
        assert whole is not None
        assert streamed is not None
        assert (whole.text, whole.finish, whole.chunks) == ("Hello there", word, None)
        assert (streamed.text, streamed.finish, streamed.chunks) == ("Hello there", word, ("Hello", " there"))


def test_form_of_events_has_finish_reasons_and_texts() -> None:
    event = {"type": "completion", "completion": "a", "stop_reason": "max_tokens", "stop": None}
    (place,) = TEXT_COMPLETIONS_LAYOUT.finishes(event)
    assert (place.members, place.ended) == (("stop_reason", "stop"), True)
    assert TEXT_COMPLETIONS_LAYOUT.text(event) == (event, "completion")
    assert (
        list(TEXT_COMPLETIONS_LAYOUT.finishes({"type": "ping"})),
        TEXT_COMPLETIONS_LAYOUT.text({"type": "ping"}),
    ) == ([], None)
    assert COMPLETE.event_layout(request()) is TEXT_COMPLETIONS_LAYOUT
