"""What each fault of meaning must do, told of the answer without it.

The answer is read as its protocol's client would, and must say what the table says (`meanings.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from mockllm.core.request.request import Format, Tool
from mockllm.dialects.neutral_request import NeutralRequest
from tests.faults.matrix_cell import ANY, Expect, Fault, Not, Plain, Row, Seen
from tests.faults.meaning_facts import ABSENT, READ, REPLIES, SCHEMA, TABLE, Facts

WISHES = {
    "says": NeutralRequest(),
    "looks": NeutralRequest(tools=(Tool("look", SCHEMA),)),
    "formed": NeutralRequest(response_format=Format("schema", "city", SCHEMA)),
}
UNCALLED = Not("the answer calls no tool")
UNASKED = Not("the answer calls no tool, and the request asks for no schema")


def bodies(body: bytes, *, streamed: bool) -> list[Any]:
    """The JSON of each event, or of the whole answer; a list is one of events too."""
    if streamed and not body.startswith(b"["):
        found = re.findall(rb"(?m)^data: (\{.*\})\r?$", body)
        return [json.loads(data) for data in found]
    told = json.loads(body)
    return told if isinstance(told, list) else [told]


def protocol(told: list[Any]) -> str:
    """Whose answer it is, by its form."""
    first = told[0]
    if "candidates" in first:
        return "generate"
    if first.get("object") == "text_completion":
        return "completions"
    kind = str(first.get("type", first.get("object", "")))
    return (
        "responses" if kind.startswith("response") else "messages" if kind.startswith("message") else "chat"
    )


LIKE = {"eos": "stop", "tool_calls": "stop"}
"""What some vendors of chat call otherwise; which one a vendor says is held by the dialects' own matrix."""


def alike(api: str, facts: Facts, *, streamed: bool) -> Facts:
    if api != "chat":
        return facts
    made = dict(facts)
    if "finish_reason" in made:
        made["finish_reason"] = LIKE.get(made["finish_reason"], made["finish_reason"])
    if streamed and made.get("usage", ABSENT) is None:
        made["usage"] = ABSENT
    return made


def told(name: str, missing: Not) -> Row:
    """The facts of the table; `missing` where a protocol has nothing to break."""
    _, _, _, forms = TABLE[name]

    def row(plain: Plain) -> Expect | Not:
        api = protocol(bodies(plain.body, streamed=plain.streamed))
        facts = forms[api]
        return missing if facts is None else Expect(ANY, check=_says(api, facts, streamed=plain.streamed))

    return row


def _says(api: str, facts: Facts, *, streamed: bool) -> Callable[[Seen], None]:
    wanted = alike(api, facts, streamed=streamed)

    def check(seen: Seen) -> None:
        assert seen.status == 200
        found = alike(api, READ[api](bodies(seen.body, streamed=streamed), streamed), streamed=streamed)
        assert {key: found[key] for key in wanted} == wanted

    return check


def miscounted(plain: Plain) -> Expect:
    """Ten times the output, and nothing else of what is said."""

    def check(seen: Seen) -> None:
        was, found = (bodies(body, streamed=plain.streamed) for body in (plain.body, seen.body))
        api = protocol(was)
        before, after = READ[api](was, plain.streamed), READ[api](found, plain.streamed)
        counts, wrong = before.pop("usage"), after.pop("usage")
        assert before == after
        output = next(
            name for name in ("output_tokens", "completion_tokens", "candidatesTokenCount") if name in counts
        )
        assert (counts[output], wrong[output]) == (8, 80)
        totals = [name for name in ("total_tokens", "totalTokenCount") if name in counts]
        assert all(wrong[name] == counts[name] == 28 for name in totals)

    return Expect(ANY, check=check)


def meaning(name: str, missing: Not = UNCALLED) -> Fault:
    said, _, settings, _ = TABLE[name]
    row = told(name, missing)
    return Fault(row, row, settings, reply=REPLIES[said], wish=WISHES[said])


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
