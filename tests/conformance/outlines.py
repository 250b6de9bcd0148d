"""Recordings reduced to outlines: the settings of the request, the parts of the response and their number of
chunks, and the observation. The outlines contain no texts. `python -m tests.conformance.outlines` rewrites them
from a folder of recordings.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from mockllm.conformance.shape import Observation, Protocol, Recording, body_of, observe
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import (
    Choice,
    Citation,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from tests.conformance.comparison import RecordedCase
from tests.conformance.left_out import LEFT_OUT

HERE = Path(__file__).parent
OUTLINES = HERE / "outlines"
NEWER_OUTLINES = HERE / "newer_outlines"
"""Outlines of other recordings, of July and August 2026, where the recordings have few of them. They are not
rewritten: their recordings are tests of public projects (pydantic-ai, ruby_llm, chatlas, ellmer, activeagent,
llm-openrouter, Braintrust's SDK and others)."""

VARIABLE = "MOCKLLM_TRANSCRIPTS"
"""The variable that names another folder of recordings; `pytest --transcripts DIR` sets it."""


def recordings() -> Path:
    """Return the folder of the recordings: the named folder, else the one beside the work tree. It may not
    exist."""
    beside = HERE.parents[2] / "shared" / "transcripts"
    return Path(os.environ.get(VARIABLE, beside))


def has_custom_folder() -> bool:
    """Return whether the recordings may be ones whose differences are not reviewed."""
    return VARIABLE in os.environ


def recorded_cases(protocol: Protocol) -> Iterator[RecordedCase]:
    """Yield the cases of a protocol's recordings; none where there are no recordings."""
    return (reduce(protocol, recording) for recording in files(protocol))


def files(protocol: Protocol) -> Iterator[Recording]:
    """Yield a protocol's recordings, except those that are left out."""
    folders = (protocol.folder, *protocol.more)
    for file in (item for folder in folders for item in sorted((recordings() / folder).glob("*.json"))):
        recording = json.loads(file.read_text())
        if recording["id"] in LEFT_OUT:
            continue
        request = recording["request"]
        if request is not None and (protocol.method == "GET" or isinstance(request["body"], dict)):
            yield recording


def reduce(protocol: Protocol, recording: Recording) -> RecordedCase:
    request, response = recording["request"], recording["response"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    full = "full_headers" in recording["features"]
    observed = observe(protocol, response["status"], response["headers"] if full else (), body_of(response))
    content = protocol.decode(recording)
    return RecordedCase(
        id=recording["id"],
        day=_day(response),
        path=protocol.path or _path(request),
        body=protocol.settings(request["body"] or {}),
        headers={name: headers[name] for name in protocol.headers if name in headers},
        content=replace(content, message=None) if isinstance(content, Failure) else _without_words(content),
        observed=observed,
    )


def _path(request: Mapping[str, Any]) -> str:
    """Return the path without the names of projects, and its query without keys."""
    path = re.sub("/(projects|locations)/[^/]+", r"/\1/x", request["path"])
    query = {name: value for name, value in request["query"].items() if name != "key"}
    return f"{path}?{urlencode(query)}" if query else str(path)


def _day(response: Mapping[str, Any]) -> str:
    """Return the day of the response: from its date header, else from its body."""
    dates = [value for name, value in response["headers"].items() if name.lower() == "date"]
    if dates:
        return parsedate_to_datetime(dates[0]).date().isoformat()
    body = str(response["body"])
    match = re.search(r"createTime\W+(\d{4}-\d\d-\d\d)", body)
    if match is not None:
        return match[1]
    created = re.search(r"created(?:_at)?\W+(\d{10})\b", body)
    return datetime.fromtimestamp(int(created[1]), UTC).date().isoformat() if created else ""


def _without_texts(value: Json) -> Json:
    """Return the same tree; strings are replaced by "x", except types."""
    if isinstance(value, dict):
        return {key: item if key == "type" else _without_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_texts(item) for item in value]
    return "x" if isinstance(value, str) else value


def _without_words(reply: Reply) -> Reply:
    """Return the reply with the same number of chunks, and without its texts."""
    return reply_from_json(reply_to_json(reply))


def reply_to_json(reply: Reply) -> Json:
    """Return a reply as JSON."""
    return {
        "choices": [
            {
                "parts": [_part_to_json(part) for part in choice.parts],
                "finish": choice.finish,
                "stopped": choice.stopped_by is not None,
            }
            for choice in reply.choices
        ],
        "model": reply.model,
        "usage": [getattr(reply.usage, name) for name in USAGE],
        "extras": {name: _without_texts(dict(own)) for name, own in reply.extras.items()},
        **({} if reply.failure is None else {"broken": [reply.failure.type, dict(reply.failure.fields)]}),
        **({"unfinished": True} if reply.unfinished else {}),
    }


USAGE = ("input", "output", "cache_read", "cache_write", "reasoning")


def _part_to_json(part: Part) -> Json:
    match part:
        case NativePart(dialect, block):
            return ["native", dialect, _without_texts(block)]
        case Thinking(text_chunks, signature, redacted):
            return ["thinking", len(text_chunks), signature is not None, redacted]
        case Text(text_chunks) if part.citations:
            return ["text", len(text_chunks), len(part.citations)]
        case Text(text_chunks):
            return ["text", len(text_chunks)]
        case ToolCall(chunks=argument_chunks):
            return ["call", len(argument_chunks)]
        case Refusal(text_chunks):
            return ["refusal", len(text_chunks)]


def reply_from_json(value: Json) -> Reply:
    """Return the reply of its JSON form."""
    choices = tuple(
        Choice(
            tuple(_part_from_json(*part) for part in choice["parts"]),
            choice["finish"],
            "x" if choice["stopped"] else None,
        )
        for choice in value["choices"]
    )
    usage = Usage(**dict(zip(USAGE, value["usage"], strict=True)))
    broken = Failure(value["broken"][0], fields=value["broken"][1]) if "broken" in value else None
    unfinished = value.get("unfinished", False)
    return Reply(choices, usage, value["model"], broken, unfinished, value["extras"])


def _part_from_json(kind: str, *values: Any) -> Part:
    match kind, values:
        case "native", (dialect, block):
            return NativePart(dialect, block)
        case "thinking", (count, signed, redacted):
            return Thinking(("x",) * count, "x" if signed else None, redacted)
        case "call", (count,):
            return ToolCall("x", _arguments(count))
        case "refusal", (count,):
            return Refusal(("x",) * count)
        case _:
            return Text(("x",) * values[0], citations=(Citation("https://x"),) * sum(values[1:]))


def _arguments(count: int) -> tuple[str, ...]:
    """Return an empty object in `count` chunks."""
    return ("{", *(" " for _ in range(count - 2)), "}") if count > 1 else ("{}",) * count


def write(protocol: Protocol, folder: Path = OUTLINES) -> int:
    """Write the outlines of a protocol; return the number of cases."""
    cases = list(recorded_cases(protocol))
    entries = sorted({entry for case in cases for entry in case.observed.shape})
    number = {entry: place for place, entry in enumerate(entries)}
    rows = [
        {
            "id": case.id,
            "day": case.day,
            "status": case.observed.status,
            **({} if protocol.path else {"path": case.path}),
            "body": case.body,
            "headers": case.headers,
            "failure": [case.content.type, case.content.status, dict(case.content.fields)]
            if isinstance(case.content, Failure)
            else None,
            "reply": None if isinstance(case.content, Failure) else reply_to_json(case.content),
            "shape": sorted(number[entry] for entry in case.observed.shape),
            "order": case.observed.order,
            "seen": sorted(case.observed.headers),
        }
        for case in cases
    ]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    text = f'{{"entries":{json.dumps(entries, indent=0)},\n"cases":[\n{lines}\n]}}\n'
    (folder / f"{protocol.folder}.json").write_text(text)
    return len(cases)


def newer_cases(protocol: Protocol) -> Iterator[RecordedCase]:
    """Yield the cases of the newer outlines, where a protocol has such outlines."""
    exist = (NEWER_OUTLINES / f"{protocol.folder}.json").exists()
    return committed_cases(protocol, NEWER_OUTLINES) if exist else iter(())


def committed_cases(protocol: Protocol, folder: Path = OUTLINES) -> Iterator[RecordedCase]:
    """Yield the cases of the committed outlines."""
    outline = json.loads((folder / f"{protocol.folder}.json").read_text())
    for row in outline["cases"]:
        shape = frozenset(outline["entries"][place] for place in row["shape"])
        order = tuple(tuple((kind, count) for kind, count in choice_key) for choice_key in row["order"])
        failure = (
            Failure(row["failure"][0], row["failure"][1], fields=row["failure"][2])
            if row["failure"]
            else None
        )
        yield RecordedCase(
            row["id"],
            row["day"],
            protocol.path or row["path"],
            row["body"],
            row["headers"],
            failure or reply_from_json(row["reply"]),
            Observation(row["status"], shape, order, frozenset(row["seen"])),
        )


if __name__ == "__main__":
    from mockllm.conformance.protocols import PROTOCOLS

    for protocol in PROTOCOLS:
        if len(sys.argv) == 1 or protocol.folder in sys.argv[1:]:
            print(f"{protocol.folder}: {write(protocol)} cases")
