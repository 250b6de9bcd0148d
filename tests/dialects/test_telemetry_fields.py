"""The members that traces report of each protocol: its responses have them."""

from __future__ import annotations

from typing import Final

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import objects
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.reply.reply import Choice, Reply, Text, Usage
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider_facts import telemetry_fields
from mockllm.dialects.providers import GENERATING_CALLS, GeneratingCall
from mockllm.dialects.telemetry_fields import TelemetryFields, members_at
from tests.dialects.test_building_and_decoding import encoded

FINISH: Final = "finish-of-reply"
WITH_FINISH: Final = [call for call in GENERATING_CALLS if call.dialect.api != "responses"]
"""Responses have a status in place of a finish reason."""


@pytest.mark.parametrize("call", WITH_FINISH, ids=lambda call: call.name)
def test_telemetry_fields_name_the_finish_reason(call: GeneratingCall) -> None:
    fields = telemetry_fields(call.dialect.name)
    replied = Reply((Choice((Text(("Hello.",)),), raw_finish=FINISH),), Usage(3, 2))
    body: Json = loads(sent_bytes(encoded(call.dialect, replied, NeutralRequest())))
    choices = [body] if fields.choices is None else [*objects(body.get(fields.choices))]
    assert [value for choice in choices for value in members_at(choice, fields.finish)] == [FINISH]


def test_unknown_protocol_has_no_telemetry_fields() -> None:
    assert telemetry_fields("none") == TelemetryFields()


def test_missing_members_are_left_out() -> None:
    paths = (("a", "b"), ("c",), ("d", "e"))
    assert list(members_at({"a": {"b": 1}, "c": None, "d": "text"}, paths)) == [1]
