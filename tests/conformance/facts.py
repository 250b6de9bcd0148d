"""Recordings reduced to facts: which settings were asked, which parts were said in how many pieces, and what
was seen. No texts. `python -m tests.conformance.facts` writes them anew from a folder of recordings.
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

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Call, Choice, NativePart, Part, Refusal, Reply, Text, Thinking, Usage
from tests.conformance.exceptions import LEFT_OUT
from tests.conformance.shape import Case, Protocol, Recording, Seen, look

HERE = Path(__file__).parent
FACTS = HERE / "facts"


VARIABLE = "MOCKLLM_TRANSCRIPTS"
"""Names another folder of recordings; `pytest --transcripts DIR` sets it."""


def recordings() -> Path:
    """Where the recordings are, if they are anywhere: in the folder that was named, else beside the work tree."""
    beside = HERE.parents[2] / "shared" / "transcripts"
    return Path(os.environ.get(VARIABLE, beside))


def strange() -> bool:
    """Whether the recordings may be some that nobody has looked at."""
    return VARIABLE in os.environ


def recorded(protocol: Protocol) -> Iterator[Case]:
    """The cases of a protocol's recordings; none where there are no recordings."""
    return (reduced(protocol, recording) for recording in files(protocol))


def files(protocol: Protocol) -> Iterator[Recording]:
    """A protocol's recordings, but for those that are left out."""
    folders = (protocol.folder, *protocol.more)
    for file in (each for folder in folders for each in sorted((recordings() / folder).glob("*.json"))):
        recording = json.loads(file.read_text())
        if recording["id"] in LEFT_OUT:
            continue
        request = recording["request"]
        if request is not None and (protocol.method == "GET" or isinstance(request["body"], dict)):
            yield recording


def reduced(protocol: Protocol, recording: Recording) -> Case:
    request, response = recording["request"], recording["response"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    full = "full_headers" in recording["features"]
    seen = look(protocol, response["status"], response["headers"] if full else (), response["body"])
    said = protocol.said(recording)
    return Case(
        id=recording["id"],
        day=_day(response),
        path=protocol.path or _path(request),
        body=protocol.asked(request["body"] or {}),
        headers={name: headers[name] for name in protocol.headers if name in headers},
        said=replace(said, message=None) if isinstance(said, Failure) else _untold(said),
        seen=seen,
    )


def _path(request: Mapping[str, Any]) -> str:
    """The path without the names of whose it was, and its query without keys."""
    path = re.sub("/(projects|locations)/[^/]+", r"/\1/x", request["path"])
    query = {name: value for name, value in request["query"].items() if name != "key"}
    return f"{path}?{urlencode(query)}" if query else str(path)


def _day(response: Mapping[str, Any]) -> str:
    """When the answer was made: by its date, else by its own word."""
    dates = [value for name, value in response["headers"].items() if name.lower() == "date"]
    if dates:
        return parsedate_to_datetime(dates[0]).date().isoformat()
    written = str(response["body"])
    told = re.search(r"createTime\W+(\d{4}-\d\d-\d\d)", written)
    if told is not None:
        return told[1]
    _, created, rest = written.partition("created")
    digits = "".join(character for character in rest[:15] if character.isdigit())
    return datetime.fromtimestamp(int(digits), UTC).date().isoformat() if created and digits else ""


def _without_texts(value: Json) -> Json:
    """The same tree; of its strings only the types are kept."""
    if isinstance(value, dict):
        return {key: item if key == "type" else _without_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_texts(item) for item in value]
    return "x" if isinstance(value, str) else value


def _untold(reply: Reply) -> Reply:
    """The reply with as many pieces, and none of its words."""
    return told(telling(reply))


def telling(reply: Reply) -> Json:
    """A reply as JSON."""
    return {
        "choices": [
            {
                "parts": [_telling(part) for part in choice.parts],
                "finish": choice.finish,
                "stopped": choice.stopped_by is not None,
            }
            for choice in reply.choices
        ],
        "model": reply.model,
        "usage": [getattr(reply.usage, name) for name in USAGE],
        "extras": {name: _without_texts(dict(own)) for name, own in reply.extras.items()},
        **({} if reply.broken is None else {"broken": [reply.broken.type, dict(reply.broken.fields)]}),
        **({"unfinished": True} if reply.unfinished else {}),
    }


USAGE = ("input", "output", "cached_read", "cache_write", "reasoning")


def _telling(part: Part) -> Json:
    match part:
        case NativePart(dialect, block):
            return ["native", dialect, _without_texts(block)]
        case Thinking(pieces, signature, redacted):
            return ["thinking", len(pieces), signature is not None, redacted]
        case Text(pieces) | Call(chunks=pieces) | Refusal(pieces):
            return [type(part).__name__.lower(), len(pieces)]


def told(telling: Json) -> Reply:
    """The reply that was written as JSON."""
    choices = tuple(
        Choice(
            tuple(_told(*part) for part in choice["parts"]),
            choice["finish"],
            "x" if choice["stopped"] else None,
        )
        for choice in telling["choices"]
    )
    usage = Usage(**dict(zip(USAGE, telling["usage"], strict=True)))
    broken = Failure(telling["broken"][0], fields=telling["broken"][1]) if "broken" in telling else None
    unfinished = telling.get("unfinished", False)
    return Reply(choices, usage, telling["model"], broken, unfinished, telling["extras"])


def _told(kind: str, *facts: Any) -> Part:
    match kind, facts:
        case "native", (dialect, block):
            return NativePart(dialect, block)
        case "thinking", (count, signed, redacted):
            return Thinking(("x",) * count, "x" if signed else None, redacted)
        case "call", (count,):
            return Call("x", _arguments(count))
        case "refusal", (count,):
            return Refusal(("x",) * count)
        case _:
            return Text(("x",) * facts[0])


def _arguments(count: int) -> tuple[str, ...]:
    """An empty object in so many pieces."""
    return ("{", *(" " for _ in range(count - 2)), "}") if count > 1 else ("{}",) * count


def write(protocol: Protocol) -> int:
    """Writes the facts of a protocol; how many cases they hold."""
    cases = list(recorded(protocol))
    entries = sorted({entry for case in cases for entry in case.seen.shape})
    number = {entry: place for place, entry in enumerate(entries)}
    rows = [
        {
            "id": case.id,
            "day": case.day,
            "status": case.seen.status,
            **({} if protocol.path else {"path": case.path}),
            "body": case.body,
            "headers": case.headers,
            "failure": [case.said.type, case.said.status, dict(case.said.fields)]
            if isinstance(case.said, Failure)
            else None,
            "reply": None if isinstance(case.said, Failure) else telling(case.said),
            "shape": sorted(number[entry] for entry in case.seen.shape),
            "order": case.seen.order,
            "seen": sorted(case.seen.headers),
        }
        for case in cases
    ]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    text = f'{{"entries":{json.dumps(entries, indent=0)},\n"cases":[\n{lines}\n]}}\n'
    (FACTS / f"{protocol.folder}.json").write_text(text)
    return len(cases)


def kept(protocol: Protocol) -> Iterator[Case]:
    """The cases that the committed facts hold."""
    facts = json.loads((FACTS / f"{protocol.folder}.json").read_text())
    for row in facts["cases"]:
        shape = frozenset(facts["entries"][place] for place in row["shape"])
        order = tuple(tuple((kind, count) for kind, count in lane) for lane in row["order"])
        said = (
            Failure(row["failure"][0], row["failure"][1], fields=row["failure"][2])
            if row["failure"]
            else None
        )
        yield Case(
            row["id"],
            row["day"],
            protocol.path or row["path"],
            row["body"],
            row["headers"],
            said or told(row["reply"]),
            Seen(row["status"], shape, order, frozenset(row["seen"])),
        )


if __name__ == "__main__":
    from tests.conformance.protocols import PROTOCOLS

    for each in PROTOCOLS:
        if len(sys.argv) == 1 or each.folder in sys.argv[1:]:
            print(f"{each.folder}: {write(each)} cases")
