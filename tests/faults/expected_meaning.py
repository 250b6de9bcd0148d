"""What each fault of meaning must do, compared with the response without it.

The response is read as a client of its protocol reads it, and must have the values of the table (`meaning_table.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mockllm.core.rendering.aws_event_stream import read_frames, unwrapped
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.neutral_request import NeutralRequest
from tests.faults.matrix_cell import ANY, Expect, Fault, Not, Plain, ReceivedResponse, Row
from tests.faults.meaning_readers import ABSENT, READ, USAGE_MEMBERS, Fields
from tests.faults.meaning_table import REPLIES, SCHEMA, TABLE
from tests.faults.protocol_table import ProtocolTable

WANTED = {
    "says": NeutralRequest(),
    "looks": NeutralRequest(tools=(Tool("look", SCHEMA),)),
    "formed": NeutralRequest(response_format=Format("schema", "city", SCHEMA)),
}
UNCALLED = Not("the response calls no tool")
UNASKED = Not("the response calls no tool, and the request has no schema for it")


def bodies(body: bytes, *, streamed: bool) -> list[Any]:
    """The JSON of each event, or of the non-streaming response; a list is one of events too."""
    if streamed and body.startswith(b"\0"):
        return [json.loads(unwrapped(frame.payload)) for frame in read_frames(body)]
    if streamed and body.startswith(b"{"):
        return [json.loads(line) for line in body.splitlines()]
    if streamed and not body.startswith(b"["):
        found = re.findall(rb"(?m)^data: (\{.*\})\r?$", body)
        return [json.loads(data) for data in found]
    stated = json.loads(body)
    return stated if isinstance(stated, list) else [stated]


LIKE = {"eos": "stop", "tool_calls": "stop"}
"""What some vendors of chat call otherwise; which one a vendor says is held by the dialects' own matrix."""


def alike(endpoint: str, fields: Fields, *, streamed: bool) -> Fields:
    if endpoint != "openai-chat":
        return fields
    built = dict(fields)
    if "finish_reason" in built:
        built["finish_reason"] = LIKE.get(built["finish_reason"], built["finish_reason"])
    if streamed and built.get("usage", ABSENT) is None:
        built["usage"] = ABSENT
    return built


def stated(name: str, missing: Not) -> Row:
    """The fields of the table; `missing` where a protocol has nothing to break."""
    forms = ProtocolTable(f"tests/faults/meaning_table.py: TABLE[{name!r}]", TABLE[name][3])

    def row(plain: Plain) -> Expect | Not:
        fields = forms[plain.endpoint]
        return (
            missing
            if fields is None
            else Expect(ANY, check=_says(plain.endpoint, fields, streamed=plain.streamed))
        )

    return row


def _says(endpoint: str, fields: Fields, *, streamed: bool) -> Callable[[ReceivedResponse], None]:
    wanted = alike(endpoint, fields, streamed=streamed)

    def check(seen: ReceivedResponse) -> None:
        assert seen.status == 200
        stated = READ[endpoint](bodies(seen.body, streamed=streamed), streamed)
        found = alike(endpoint, stated, streamed=streamed)
        assert {key: found[key] for key in wanted} == wanted

    return check


def miscounted(plain: Plain) -> Expect:
    """Ten times the output, and no other change."""

    def check(seen: ReceivedResponse) -> None:
        was, found = (bodies(body, streamed=plain.streamed) for body in (plain.body, seen.body))
        reading = READ[plain.endpoint]
        before, after = reading(was, plain.streamed), reading(found, plain.streamed)
        counts, wrong = before.pop("usage"), after.pop("usage")
        assert before == after
        _, output, total = USAGE_MEMBERS[plain.endpoint]
        assert (counts[output], wrong[output]) == (8, 80)
        assert total is None or wrong[total] == counts[total] == 28

    return Expect(ANY, check=check)


def meaning(name: str, missing: Not = UNCALLED) -> Fault:
    assert name in TABLE, f"add the results of {name} to TABLE in tests/faults/meaning_table.py"
    reported, _, settings, _ = TABLE[name]
    row = stated(name, missing)
    return Fault(row, row, settings, reply=REPLIES[reported], wanted=WANTED[reported])


MEANING = {
    "content_filter": meaning("content_filter"),
    "length_stop": meaning("length_stop"),
    "refusal": meaning("refusal"),
    "empty_answer": meaning("empty_answer"),
    "bad_tool_arguments": meaning("bad_tool_arguments"),
    "unknown_tool": meaning("unknown_tool"),
    "wrong_schema": meaning("wrong_schema of arguments", UNASKED),
    "wrong_usage": Fault(miscounted, miscounted, reply=REPLIES["says"]),
    "no_usage": meaning("no_usage"),
}
