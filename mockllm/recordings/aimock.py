"""Fixtures of aimock: `{fixtures: [{match: {userMessage, model, …}, response: {content, toolCalls, error …}}]}`.

Source: aimock's documentation of its fixtures (matching by substring, first match wins, `sequenceIndex` counts).
They are no recordings: each becomes an ordinary rule.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.reply.embeddings import LARGEST
from mockllm.recordings.import_file import ImportFile, NotImported, of
from mockllm.recordings.rule_writer import ImportedRules
from mockllm.scenario.diagnostics import Path

FORMATS: Final = {"json_object": "json", "json_schema": "schema", "text": "text"}
FINISHES: Final = ("stop", "length", "tool_calls", "content_filter")
ENDPOINTS: Final = {"chat": ["chat", "responses", "messages", "generate"], "embedding": ["embeddings"]}


def is_format(data: Json) -> bool:
    fixtures = of(data, "fixtures")
    return isinstance(fixtures, list) and any(of(each, "response") is not None for each in fixtures)


def import_rules(file: ImportFile) -> ImportedRules:
    found = ImportedRules()
    for index, fixture in enumerate(file.data["fixtures"]):
        path: Path = ("fixtures", index)
        if not isinstance(fixture, dict) or not isinstance(fixture.get("response"), dict):
            raise NotImported(f"{file.where(path)}: expected a fixture with a match and a response")
        rule: dict[str, Any] = {"name": f"fixture-{index + 1}"}
        asked = fixture.get("match") or {}
        if not isinstance(asked, dict):
            raise NotImported(f"{file.where((*path, 'match'))}: expected an object with what it matches on")
        match = _match(asked, file, (*path, "match"), found)
        if match is None:
            continue
        if "times" in match:
            rule |= {"times": 1}
            del match["times"]
        answer = _answer(fixture["response"], file, (*path, "response"), found)
        if "embedding" in answer.get("reply", {}):
            match.setdefault("api", "embeddings")
        if match:
            rule["match"] = match
        rule |= answer | _sending(fixture, file, path, found)
        if answer:
            found.add(rule, file.where(path))
        else:
            found.notes.append(f"{file.where(path)}: it answers nothing that can be carried over")
    return found


def _match(
    given: dict[str, Json], file: ImportFile, path: Path, found: ImportedRules
) -> dict[str, Any] | None:
    """What it matches on; None where that cannot be said here, for then it would answer too much."""
    match: dict[str, Any] = {}
    for name, value in given.items():
        if name == "userMessage":
            match["user"] = {"contains": str(value)}
        elif name == "inputText":
            match |= {"api": "embeddings", "raw_body": {"contains": str(value)}}
        elif name == "toolName":
            match["tools"] = str(value)
        elif name == "toolCallId":
            match["tool_result"] = {"id": str(value)}
        elif name == "model":
            match["model"] = {"equals": str(value)}
        elif name == "responseFormat" and isinstance(value, str) and value in FORMATS:
            match["response_format"] = FORMATS[value]
        elif name == "endpoint" and isinstance(value, str) and value in ENDPOINTS:
            match["api"] = ENDPOINTS[value]
        elif name == "sequenceIndex":
            match["times"] = 1
        else:
            found.notes.append(f"{file.where((*path, name))}: {name} is not carried over, nor is its fixture")
            return None
    return match


def _answer(response: dict[str, Json], file: ImportFile, path: Path, found: ImportedRules) -> dict[str, Any]:
    error = response.get("error")
    if isinstance(error, dict):
        status = response.get("status")
        fits = type(status) is int and 400 <= status <= 599
        said: dict[str, Any] = {"status": status if fits else 500}
        if status is not None and not fits:
            found.notes.append(
                f"{file.where((*path, 'status'))}: this is no status of an error; 500 is answered"
            )
        if isinstance(error.get("message"), str):
            said["message"] = error["message"]
        fields = {name: error[name] for name in ("type", "code", "param") if error.get(name) is not None}
        return {"literal": True, "error": said | ({"fields": fields} if fields else {})}
    reply: dict[str, Any] = {}
    for name, value in response.items():
        if name == "content":
            reply["text" if isinstance(value, str) else "json"] = value
        elif name == "reasoning" and isinstance(value, str):
            reply["thinking"] = value
        elif name == "toolCalls" and isinstance(value, list):
            reply["tool_calls"] = [_call(call) for call in value]
        elif (
            name == "finishReason"
            and isinstance(value, str)
            and value in ("stop", "length", "tool_calls", "content_filter")
        ):
            reply["finish_reason"] = value
        elif name == "model" and isinstance(value, str):
            reply["model"] = value
        elif name == "embedding" and _is_vector(value):
            reply["embedding"] = value
        else:
            found.notes.append(f"{file.where((*path, name))}: {name} is not carried over")
    return {"literal": True, "reply": reply} if reply else {}


def _is_vector(value: Json) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(each) in (int, float) and abs(each) <= LARGEST for each in value)
    )


def _call(call: Json) -> dict[str, Any]:
    arguments = of(call, "arguments")
    if isinstance(arguments, str):
        with suppress(JSONDecodeError):
            arguments = loads(arguments)
    made: dict[str, Any] = {
        "name": str(of(call, "name")),
        "arguments": {} if arguments is None else arguments,
    }
    if isinstance(of(call, "id"), str):
        made["id"] = call["id"]
    return made


def _sending(fixture: dict[str, Json], file: ImportFile, path: Path, found: ImportedRules) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    pace: dict[str, Any] = {}
    for name, value in fixture.items():
        if name in ("match", "response"):
            continue
        if name == "latency" and isinstance(value, int | float) and value >= 0:
            pace["itl"] = f"{value:g}ms"
        elif name == "chunkSize" and isinstance(value, int) and value > 0:
            pace["chunk_size"] = f"{value} characters"
        elif name == "truncateAfterChunks" and type(value) is int and value > 0:
            settings["faults"] = [{"close": {"after": {"chunks": value}}}]
        elif name == "disconnectAfterMs" and isinstance(value, int | float) and value >= 0:
            settings["faults"] = [{"reset": {"after": {"time": f"{value:g}ms"}}}]
        else:
            found.notes.append(f"{file.where((*path, name))}: {name} is not carried over")
    return settings | ({"pace": pace} if pace else {})
