"""What the responses of every generating call have in common, also of those that no `NeutralRequest` is for. Each
failure says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from functools import cache
from typing import Final

import pytest

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.rendering.recorded_plan import framing_of
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.engine import Engine
from mockllm.state.engine_state import EngineState
from tests.engine.cached_and_rendered import CALLS, Call, ask_call
from tests.language.virtual_server import ClientResponse, VirtualServer

RULES: Final = """
validation: off
rules:
  - match: {user: broken}
    reply: {chunks: [One, " two", {error: {type: overloaded, message: Own text., fields: {own_field: 1}}}]}
  - match: {user: refused}
    error: {type: rate_limit, status: 418, message: Own text., retry_after: 1234s, fields: {own_field: 1}}
  - {match: {user: unnamed refused}, error: {type: unavailable, fields: {own_field: 1}}}
  - {match: {user: empty}, reply: {tool_calls: [{name: look, arguments: ""}]}}
  - {match: {user: blank}, reply: {tool_calls: [{name: look, arguments: " \\n"}]}}
  - {match: {user: endless}, reply: {chunks: [One, " two"]}, faults: [no_finish]}
  - {match: {user: image}, reply: {text: Look., images: [{size: 8x8}]}}
  - {match: {user: choices}, reply: {choices: [{text: First.}, {text: Second.}]}}
  - match: {user: calls}
    reply: {thinking: Hm., chunks: [One, " two"], tool_calls: [{name: look, arguments: {city: Oslo}}]}
  - {reply: {chunks: [One, " two", " three"]}}
"""
each_call: Final = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
named_call: Final = pytest.mark.parametrize(("name", "call"), CALLS.items(), ids=CALLS)
each_form: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
DAY: Final = 86_400
_ISO: Final = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d")
_WORD: Final = re.compile(r"[A-Za-z]\w*(?:[-_.:]\w+)*")
_ID: Final = re.compile(r"(?:^|_)id$|Id$")


@cache
def loaded() -> VirtualServer:
    """Return a server with the rules, whose files are loaded once."""
    return VirtualServer(RULES)


def responses(call: Call, user: str, *turns: int, stream: bool) -> list[ClientResponse]:
    """Return the responses of one server to requests at these seconds."""
    server = copy(loaded())
    server.engine, server._readers = Engine(server.engine.catalog, EngineState()), {}
    return [server.respond(ask_call(call, user, turn, stream=stream)) for turn in turns]


def response(call: Call, user: str, *, stream: bool) -> ClientResponse:
    return responses(call, user, 0, stream=stream)[0]


def decoded(call: Call, user: str, *, stream: bool) -> DecodedResponse:
    found = call.dialect.decode(response(call, user, stream=stream).planned.plan)
    assert found is not None, "decode does not recognize the response that the dialect writes"
    return found


def payloads(plan: Plan) -> Iterator[Json]:
    for data, _ in events(plan):
        try:
            yield loads(data)
        except JSONDecodeError:
            continue


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield the paths and the values of all members."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, f"{path}.{key}")
    else:
        yield path, value


def leaves_of(found: ClientResponse) -> dict[str, Json]:
    """Return the values of a response by their paths, which begin with the number of the event."""
    return dict(leaves(list(payloads(found.planned.plan))))


# --- errors ----------------------------------------------------------------------------------------


@each_call
def test_error_in_stream_has_fields_of_scenario(call: Call) -> None:
    found = response(call, "broken", stream=True)
    assert b"Own text." in found.bytes, "`fail` of the encoder writes `failure.message` where it is set"
    assert b"own_field" in found.bytes, (
        "`fail` of the encoder adds `failure.fields` to the object of the error"
    )


@each_call
@each_form
@pytest.mark.parametrize("user", ["refused", "unnamed refused"])
@pytest.mark.covering
def test_error_has_all_that_scenario_sets(call: Call, user: str, stream: bool) -> None:
    found = response(call, user, stream=stream)
    assert b"own_field" in found.bytes, "`error` of the dialect adds `failure.fields`, also beside a text"
    if user == "refused":
        assert found.status == 418, "`error` of the dialect writes `failure.status` where it is set"
        assert b"Own text." in found.bytes, "`error` of the dialect writes `failure.message` where it is set"
        wait = [*found.headers.values(), found.bytes.decode()]
        assert any("1234" in text for text in wait), "`error` of the dialect writes `failure.retry_header(…)`"


# --- ids, times and names --------------------------------------------------------------------------


def is_time(value: Json) -> bool:
    """Return whether a value looks like a time: epoch seconds or parts of them, or a date with a time."""
    if isinstance(value, str):
        return _ISO.match(value) is not None
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    return any(1.5e9 < number / unit < 2e9 for unit in (1, 10**3, 10**6, 10**9))


@each_call
@each_form
def test_time_in_response_is_that_of_request(call: Call, stream: bool) -> None:
    first, later = (leaves_of(found) for found in responses(call, "calls", 0, 400 * DAY, stream=stream))
    constant = {path: value for path, value in first.items() if is_time(value) and later.get(path) == value}
    assert not constant, (
        "these times are constant: take `identity.epoch_second`, and `map_placeholder` for a format"
    )


@each_call
@each_form
def test_ids_of_two_responses_differ(call: Call, stream: bool) -> None:
    first, second = (leaves_of(found) for found in responses(call, "calls", 0, 1, stream=stream))
    named = {path: value for path, value in first.items() if _ID.search(path.rpartition(".")[2])}
    constant = {path: value for path, value in named.items() if value and second.get(path) == value}
    assert not {path for path, value in constant.items() if isinstance(value, str)}, (
        f"{constant}: ids are those of `identity.ids.make(…)`, each with a place of its own"
    )


@each_call
def test_events_have_the_names_that_distinguish_them(call: Call) -> None:
    """Where the member is `type`, `extras` finds the event without a name."""
    steps = [
        step for step in response(call, "calls", stream=True).planned.plan.steps if type(step) is EventStep
    ]
    bodies = [loads(step.payload) for step in steps if step.event is None and step.payload[:1] == b"{"]
    for name in bodies[0].keys() - {"type", "id"} if bodies else ():
        kinds = [body.get(name) for body in bodies]
        texts = all(isinstance(kind, str) and _WORD.fullmatch(kind) for kind in kinds)
        assert not texts or len(set(kinds)) in (1, len(kinds)), (
            f"make the value of {name!r} the name of each event: `extras` with `events` needs it"
        )


@each_call
@each_form
def test_framing_is_that_of_content_type(call: Call, stream: bool) -> None:
    plan = response(call, "calls", stream=stream).planned.plan
    kind = dict(plan.head.headers)["content-type"]
    body = response(call, "calls", stream=stream).bytes
    sent = Framing.AWS_EVENT_STREAM if plan.framing is Framing.AWS_EVENT_STREAM_BYTES else plan.framing
    assert framing_of(kind, body, streamed=stream) is sent, (
        f"a recording with {kind!r} is read with another framing: change the header, or add the type to framing_of"
    )


UNREPORTED: Final = frozenset({"gemini", "bedrock"})
"""The protocols whose services refuse unknown fields of some calls, or have fields that differ by the model."""


@each_call
def test_unknown_fields_are_reported(call: Call) -> None:
    named = call.dialect.request_class.documented_fields
    assert named or call.dialect.name in UNREPORTED, (
        "set `documented_fields` of the request's class: else no note names a mistyped field of a request"
    )


# --- content ---------------------------------------------------------------------------------------


@each_call
@each_form
@pytest.mark.parametrize("user", ["empty", "blank"])
@pytest.mark.covering
def test_call_with_blank_arguments_is_sent(call: Call, user: str, stream: bool) -> None:
    try:
        found = response(call, user, stream=stream)
    except ValueError as error:
        pytest.fail(f"arguments may be empty or blank: read them as an empty object ({error!r})")
    assert found.status == 200, found.bytes
    shown = [decoded(call, name, stream=stream).calls for name in (user, "calls")]
    assert len(shown[0]) == len(shown[1]), "a call with blank arguments has none; it is no invalid call"


@each_call
@each_form
@pytest.mark.parametrize("user", ["image", "choices"])
@pytest.mark.covering
def test_reply_without_form_is_left_out(call: Call, user: str, stream: bool) -> None:
    try:
        found = decoded(call, user, stream=stream)
    except Exception as error:
        pytest.fail(f"`supported_reply` keeps a part that the encoder has no form for ({error!r})")
    assert found.text == {"image": "Look.", "choices": "First."}[user], (
        "`supported_reply` returns only parts and choices that the protocol has a form for"
    )


@each_call
@each_form
def test_finish_without_calls_is_that_of_a_text(call: Call, stream: bool) -> None:
    found, plain = (decoded(call, user, stream=stream) for user in ("calls", "plain"))
    assert found.calls or found.finish == plain.finish, (
        "a call without a form is left out: write the finish `tool_calls` as `stop`"
    )


WITHOUT_FINISH: Final = frozenset({"mistral-conversations"})
"""The calls whose responses have no finish reason."""


@named_call
def test_no_finish_takes_the_reason_from_a_stream(name: str, call: Call) -> None:
    usual, cut = decoded(call, "plain", stream=True), decoded(call, "endless", stream=True)
    assert (usual.finish is None) is (name in WITHOUT_FINISH), "each response has a finish reason"
    assert cut.finish is None, (
        "the event with the finish reason comes from `end_choice`, or from `end_stream` with the kind `finish`"
    )


def content(found: DecodedResponse) -> dict[str, Json]:
    names = ("text", "thinking", "refusal", "calls", "finish", "usage")
    return {name: getattr(found, name) for name in names}


IN_ONE_FORM: Final = {
    ("cohere-generate", "plain"): {"usage"},
    ("cohere-generate", "calls"): {"usage"},
    ("huggingface-text_generation", "plain"): {"finish"},
    ("huggingface-text_generation", "calls"): {"finish"},
    ("together-chat", "calls"): {"usage"},
    ("huggingface-together_chat", "calls"): {"usage"},
}
"""What only the stream has, or only the body, by the name of the call and the reply."""


@named_call
@pytest.mark.parametrize("user", ["plain", "calls"])
def test_stream_has_the_content_of_the_body(name: str, call: Call, user: str) -> None:
    whole, streamed = (content(decoded(call, user, stream=stream)) for stream in (False, True))
    differing = {member for member in whole if whole[member] != streamed[member]}
    assert differing == IN_ONE_FORM.get((name, user), set()), (
        "the stream or the body lacks it, or `decode` misreads it"
    )
