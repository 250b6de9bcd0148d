"""What each generating call reads of its request with all neutral fields, and of a body that is no JSON
object."""

from __future__ import annotations

from typing import Any, Final

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.messages import CallPart, ResultPart
from mockllm.core.request.request import Request
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider import Provider
from mockllm.dialects.providers import BY_NAME, REGISTERED, GeneratingCall, generating_dialect
from tests.dialects.full_requests import CALL_ID, calls, full_request, read, talking_calls
from tests.dialects.test_agent_loop import ARGUMENTS, RESULT
from tests.dialects.test_building_and_decoding import IDENTITY

UNREADABLE: Final = {"nothing": b"", "a cut list": b"[", "a list": b"[]", "a text": b'"x"', "no JSON": b"a=1"}


def full(call: GeneratingCall) -> Request:
    return read(call, call.dialect.build_request(full_request(call)))


def fields_of(call: GeneratingCall, request: NeutralRequest) -> dict[str, Json]:
    body = call.dialect.build_request(request).body
    assert isinstance(body, dict)
    return body


@calls
@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_body_that_is_no_object_is_unreadable(call: GeneratingCall, raw: bytes) -> None:
    request = read(call, call.dialect.build_request(NeutralRequest()), raw)
    for failure in (call.dialect.check_readable(request), call.dialect.check(request)):
        assert failure is not None
        plan = call.dialect.error(failure, request, IDENTITY)
        assert 400 <= plan.head.status < 500
        decoded = call.dialect.decode(plan)
        assert decoded is not None
        assert isinstance(decoded.error, dict)
        assert decoded.error["message"]


@calls
def test_readable_body_passes_the_lenient_check(call: GeneratingCall) -> None:
    assert call.dialect.check_readable(full(call)) is None
    assert (
        call.dialect.check_readable(read(call, call.dialect.build_request(NeutralRequest()), b"{}")) is None
    )


@calls
def test_fields_of_a_full_request_are_documented(call: GeneratingCall) -> None:
    assert full(call).undocumented_fields == []
    refuse = BY_NAME[call.provider].refuse_inexact
    assert refuse is None or refuse(full(call)) is None


@calls
def test_field_that_no_provider_has_is_undocumented(call: GeneratingCall) -> None:
    wire = call.dialect.build_request(full_request(call))
    request = read(call, wire, dumps({**fields_of(call, full_request(call)), "no_such_field": 1}))
    listed = request.documented_fields is not None and call.provider == call.dialect.name
    assert request.undocumented_fields == (["no_such_field"] if listed else [])


READ_BY_BASES: Final = {
    "cohere-chat_v1": {"logprobs", "tool_choice"},
    "ollama-native_chat": {"name"},
    "openai-completions": {"service_tier"},
}
"""The fields that properties of a base class read, and that the call does not have."""


class RecordingFields(dict[str, Json]):
    """The fields of an empty body, with the names that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return default

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return False


@calls
def test_fields_that_properties_read_are_documented(call: GeneratingCall) -> None:
    """Also those that `build_request` does not write."""
    request = read(call, call.dialect.build_request(NeutralRequest()), b"{}")
    if request.documented_fields is None or call.provider != call.dialect.name:
        return
    assert request.fields == {}  # the body is read before its fields are replaced
    vars(request)["fields"] = fields = RecordingFields()
    for name in dir(type(request)):
        getattr(request, name)
    undocumented = fields.names - request.documented_fields
    assert undocumented == READ_BY_BASES.get(call.name, set()), (
        "add the field to `documented_fields` of the request's class"
    )


@talking_calls
def test_call_and_result_of_the_history_are_read(call: GeneratingCall) -> None:
    parts = [part for message in full(call).messages for part in message.parts]
    (called,) = (part for part in parts if isinstance(part, CallPart))
    (result,) = (part for part in parts if isinstance(part, ResultPart))
    assert (called.name, called.arguments) == ("look", ARGUMENTS)
    assert (result.name, result.json) == ("look", RESULT)
    assert (called.id, result.id) in ((CALL_ID, CALL_ID), (None, None))
    roles = [message.role for message in full(call).messages if message.role != "system"]
    assert roles == ["user", "assistant", "tool"]


@talking_calls
def test_turns_field_names_the_list_of_turns(call: GeneratingCall) -> None:
    """Each further turn is one more item of it, or several."""
    field = call.dialect.request_class.turns_field
    if field is None:
        return
    words = full_request(call)
    turns = words.turns
    sizes = []
    for count in (1, len(turns)):
        listed = fields_of(call, replace(words, messages=turns[:count]))[field]
        assert isinstance(listed, list)
        sizes.append(len(listed))
    assert sizes[1] - sizes[0] >= len(turns) - 1


@pytest.mark.parametrize(
    "provider",
    [each for each in REGISTERED if generating_dialect(each.name) is not None],
    ids=lambda provider: provider.name,
)
def test_messages_field_is_in_the_body_of_a_call(provider: Provider) -> None:
    """`explain` reads a body with this field as a request."""
    usual = generating_dialect(provider.name)
    assert usual is not None
    body = usual.build_request(NeutralRequest()).body
    assert isinstance(body, dict)
    field = provider.messages_field
    assert body.get(field), (
        f"{provider.name}: set `messages_field` to the field with the turns or the prompt; no body has {field!r}"
    )
