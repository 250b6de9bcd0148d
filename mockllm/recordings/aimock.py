"""Fixtures of aimock: `{fixtures: [{match: {userMessage, model, …}, response: {content, toolCalls, error …}}]}`.

Source: aimock's documentation of its fixtures (matching by substring, first match wins, `sequenceIndex` counts).
Fixtures are not recordings: each becomes an ordinary rule.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.text_vectors import LARGEST
from mockllm.recordings.import_file import ImportFile, NotImported, of
from mockllm.recordings.imported_rules import ImportedRules
from mockllm.recordings.scenario_writer import is_wait, wait_text
from mockllm.scenario.diagnostics import Path

FORMATS: Final = {"json_object": "json", "json_schema": "schema", "text": "text"}
FINISHES: Final = ("stop", "length", "tool_calls", "content_filter")
ENDPOINTS: Final = {"chat": ["chat", "responses", "messages", "generate"], "embedding": ["embeddings"]}


def is_format(data: Json) -> bool:
    fixtures = of(data, "fixtures")
    return isinstance(fixtures, list) and any(of(fixture, "response") is not None for fixture in fixtures)


def import_rules(file: ImportFile) -> ImportedRules:
    rules = ImportedRules(file)
    for index, fixture in enumerate(file.data["fixtures"]):
        path: Path = ("fixtures", index)
        if not isinstance(fixture, dict) or not isinstance(fixture.get("response"), dict):
            raise NotImported(f"{rules.file.where(path)}: expected a fixture with a match and a response")
        rule: dict[str, Json] = {"name": f"fixture-{index + 1}"}
        conditions = fixture.get("match") or {}
        if not isinstance(conditions, dict):
            raise NotImported(f"{rules.file.where((*path, 'match'))}: expected an object with conditions")
        match = _match(conditions, (*path, "match"), rules)
        if match is None:
            continue
        if "times" in match:
            rule["times"] = match.pop("times")
        response = _response(fixture["response"], (*path, "response"), rules)
        if "embedding" in response.get("reply", {}):
            match.setdefault("api", "embeddings")
        if match:
            rule["match"] = match
        rule |= response | _delivery(fixture, path, rules)
        if response:
            rules.add(rule, path)
        else:
            rules.note(path, "it has no response that can be imported")
    return rules


def _match(conditions: dict[str, Json], path: Path, rules: ImportedRules) -> dict[str, Json] | None:
    """Return the match, or None if a condition cannot be imported: the rule would match too many requests."""
    match: dict[str, Json] = {}
    for name, value in conditions.items():
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
            rules.note((*path, name), f"{name} is not imported, and neither is its fixture")
            return None
    return match


def _response(response: dict[str, Json], path: Path, rules: ImportedRules) -> dict[str, Json]:
    error = response.get("error")
    if isinstance(error, dict):
        status = response.get("status")
        fits = type(status) is int and 400 <= status <= 599
        failure: dict[str, Json] = {"status": status if fits else 500}
        if status is not None and not fits:
            rules.note((*path, "status"), "this is not the status of an error; 500 is used")
        if isinstance(error.get("message"), str):
            failure["message"] = error["message"]
        fields = {name: error[name] for name in ("type", "code", "param") if error.get(name) is not None}
        return {"literal": True, "error": failure | ({"fields": fields} if fields else {})}
    reply: dict[str, Json] = {}
    for name, value in response.items():
        if name == "content":
            reply["text" if isinstance(value, str) else "json"] = value
        elif name == "reasoning" and isinstance(value, str):
            reply["thinking"] = value
        elif name == "toolCalls" and isinstance(value, list):
            reply["tool_calls"] = [_call(call) for call in value]
        elif name == "finishReason" and isinstance(value, str) and value in FINISHES:
            reply["finish_reason"] = value
        elif name == "model" and isinstance(value, str):
            reply["model"] = value
        elif name == "embedding" and _is_vector(value):
            reply["embedding"] = value
        else:
            rules.omit((*path, name))
    return {"literal": True, "reply": reply} if reply else {}


def _is_vector(value: Json) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(type(number) in (int, float) and abs(number) <= LARGEST for number in value)


def _call(call: Json) -> dict[str, Json]:
    arguments = of(call, "arguments")
    if isinstance(arguments, str):
        with suppress(JSONDecodeError):
            arguments = loads(arguments)
    id = {"id": call["id"]} if isinstance(of(call, "id"), str) else {}
    return {"name": str(of(call, "name")), "arguments": {} if arguments is None else arguments, **id}


def _delivery(fixture: dict[str, Json], path: Path, rules: ImportedRules) -> dict[str, Json]:
    settings: dict[str, Json] = {}
    pace: dict[str, Json] = {}
    for name, value in fixture.items():
        if name in ("match", "response"):
            continue
        if name == "latency" and is_wait(value):
            pace["itl"] = wait_text(value)
        elif name == "chunkSize" and type(value) is int and value > 0:
            pace["chunk_size"] = f"{value} characters"
        elif name == "truncateAfterChunks" and type(value) is int and value > 0:
            settings["faults"] = [{"close": {"after": {"chunks": value}}}]
        elif name == "disconnectAfterMs" and is_wait(value):
            settings["faults"] = [{"reset": {"after": {"time": wait_text(value)}}}]
        else:
            rules.omit((*path, name))
    return settings | ({"pace": pace} if pace else {})
