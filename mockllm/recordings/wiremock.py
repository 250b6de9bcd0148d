"""WireMock's stub mappings: one, or `{mappings: […]}`.

Source: WireMock's reference of request matching and stubbing. What it matches on by XML, dates, cookies or custom
code, and what it answers by templates, proxies or scenarios, is told as not carried over.
"""

from __future__ import annotations

from typing import Any, Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.jsonpath import JsonPathError, compile_path
from mockllm.core.redaction import REDACTED, secret_name
from mockllm.core.regex.compile import compile_regex
from mockllm.recordings.import_file import ImportFile, NotImported, header_text, of
from mockllm.recordings.interaction import LEFT_OUT, sound_headers
from mockllm.recordings.rule_writer import ImportedRules
from mockllm.scenario.diagnostics import Path

TEXTS: Final = {
    "equalTo": "equals",
    "contains": "contains",
    "matches": "regex",
    "doesNotMatch": None,
    "absent": None,
}
FAULTS: Final = {
    "CONNECTION_RESET_BY_PEER": {"reset": {"after": {"bytes": 0}}},
    "EMPTY_RESPONSE": {"close": {"after": {"bytes": 0}}},
}
USUAL: Final = 5
"""The priority of a mapping that names none."""
SILENT: Final = frozenset(
    {"id", "uuid", "name", "persistent", "metadata", "insertionIndex", "request", "response"}
)


def is_format(data: Json) -> bool:
    if isinstance(of(data, "mappings"), list):
        return True
    request = of(data, "request")
    urls = {"url", "urlPath", "urlPattern", "urlPathPattern", "bodyPatterns", "urlPathTemplate"}
    return (
        isinstance(request, dict) and isinstance(of(data, "response"), dict) and bool(urls & request.keys())
    )


def import_rules(file: ImportFile) -> ImportedRules:
    found = ImportedRules()
    several = of(file.data, "mappings")
    if several is None:
        _mapping(file.data, file, (), found, 1)
    else:
        for index, each in enumerate(several):
            _mapping(each, file, ("mappings", index), found, index + 1)
    return found


def _mapping(each: Json, file: ImportFile, path: Path, found: ImportedRules, number: int) -> None:
    request, response = of(each, "request"), of(each, "response")
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise NotImported(f"{file.where(path)}: expected a mapping with a request and a response")
    rule: dict[str, Any] = {
        "name": f"mapping-{number}",
        "match": _match(request, file, (*path, "request"), found),
    }
    if type(of(each, "priority")) is int:
        rule["priority"] = USUAL - each["priority"]  # there the lowest number goes first
    for name in each:
        if name not in SILENT and name != "priority":
            found.notes.append(f"{file.where((*path, name))}: {name} is not carried over")
    rule |= _answer(response, file, (*path, "response"), found)
    found.add(rule, file.where(path))


def _match(request: dict[str, Json], file: ImportFile, path: Path, found: ImportedRules) -> dict[str, Any]:
    match: dict[str, Any] = {}
    for name, value in request.items():
        if name == "method":
            if value != "ANY":
                match["method"] = str(value)
        elif name in ("url", "urlPath"):
            bare, _, query = str(value).partition("?")
            match["path"] = {"equals": bare}
            if query:
                found.notes.append(f"{file.where((*path, name))}: the query of a url is not carried over")
        elif name in ("urlPattern", "urlPathPattern"):
            pattern = _whole(str(value).partition("?")[0], file, (*path, name), found)
            if pattern is not None:
                match["path"] = {"regex": pattern}
        elif name in ("headers", "queryParameters") and isinstance(value, dict):
            asked = _named(value, file, (*path, name), found)
            if asked:
                match["headers" if name == "headers" else "query"] = asked
        elif name == "bodyPatterns" and isinstance(value, list):
            for index, pattern in enumerate(value):
                _body(pattern, match, file, (*path, name, index), found)
        else:
            found.notes.append(f"{file.where((*path, name))}: {name} is not carried over")
    if "path" not in match:
        match["path"] = "*"
    return match


def _named(value: dict[str, Json], file: ImportFile, path: Path, found: ImportedRules) -> dict[str, Json]:
    """Conditions on headers or the query, by name; of headers that hold keys, none."""
    keys = [key for key in value if secret_name(key)]
    if keys:
        found.notes.append(f"{file.where(path)}: {', '.join(keys)}: keys are not carried over")
    asked = {
        key: _condition(held, file, (*path, key), found) for key, held in value.items() if key not in keys
    }
    return {key: held for key, held in asked.items() if held is not None}


def _whole(pattern: str, file: ImportFile, path: Path, found: ImportedRules) -> str | None:
    """A regex that has to match the whole text, as all of WireMock's do; None where it is none here."""
    whole = f"^(?:{pattern})$"
    try:
        compile_regex(whole)
    except ValueError as error:
        found.notes.append(f"{file.where(path)}: {error}; this condition is not carried over")
        return None
    return whole


def _condition(held: Json, file: ImportFile, path: Path, found: ImportedRules) -> Json:
    for name, word in TEXTS.items():
        if isinstance(held, dict) and name in held:
            if name == "absent":
                return {"exists": False}
            if word is not None:
                text = str(held[name]) if name != "matches" else _whole(str(held[name]), file, path, found)
                if text is None:
                    return None
                asked: dict[str, Json] = {word: text}
                return asked | ({"ignore_case": True} if held.get("caseInsensitive") else {})
    found.notes.append(f"{file.where(path)}: this condition is not carried over")
    return None


def _body(pattern: Json, match: dict[str, Any], file: ImportFile, path: Path, found: ImportedRules) -> None:
    body = match.setdefault("body", {})
    if isinstance(of(pattern, "matchesJsonPath"), str):
        try:
            singular = compile_path(pattern["matchesJsonPath"]).singular
            body[pattern["matchesJsonPath"]] = {"exists": True} if singular else {"some": {"exists": True}}
        except JsonPathError as error:
            found.notes.append(f"{file.where(path)}: {error}")
    elif of(pattern, "equalToJson") is not None:
        wanted = pattern["equalToJson"]
        try:
            wanted = loads(wanted) if isinstance(wanted, str) else wanted
            body["$"] = {"subset" if pattern.get("ignoreExtraElements") else "equals": wanted}
        except JSONDecodeError:
            found.notes.append(f"{file.where(path)}: equalToJson holds no JSON")
    elif isinstance(of(pattern, "contains"), str) and "raw_body" not in match:
        match["raw_body"] = {"contains": pattern["contains"]}
    elif isinstance(of(pattern, "matches"), str) and "raw_body" not in match:
        whole = _whole(pattern["matches"], file, path, found)
        if whole is not None:
            match["raw_body"] = {"regex": whole}
    else:
        found.notes.append(f"{file.where(path)}: this pattern is not carried over")
    if not body:
        del match["body"]


def _answer(response: dict[str, Json], file: ImportFile, path: Path, found: ImportedRules) -> dict[str, Any]:
    http: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for name, value in response.items():
        if name == "status" and type(value) is int and 200 <= value <= 599:
            http["status"] = value
        elif name == "headers" and isinstance(value, dict):
            http["headers"] = _headers(value, file, (*path, name), found)
        elif name == "body":
            http["body"] = str(value)
        elif name == "jsonBody":
            http["body"] = value
        elif name == "bodyFileName" and isinstance(value, str):
            http["body_file"] = f"__files/{value}"
            found.notes.append(f"{file.where((*path, name))}: copy __files/{value} beside the scenario file")
        elif name == "fixedDelayMilliseconds" and type(value) is int and value >= 0:
            settings["delay"] = f"{value}ms"
        elif name == "fault" and isinstance(value, str) and value in FAULTS:
            settings["faults"] = [FAULTS[value]]
        elif name != "statusMessage":
            found.notes.append(f"{file.where((*path, name))}: {name} is not carried over")
    return {"literal": True, "http": http, **settings}


def _headers(value: dict[str, Json], file: ImportFile, path: Path, found: ImportedRules) -> dict[str, Json]:
    """Headers of an answer, without keys and cookies; several of one name joined."""
    pairs = [
        (key, REDACTED if secret_name(key) else ", ".join(map(header_text, _several(held))))
        for key, held in value.items()
        if key.lower() not in LEFT_OUT and key.lower() != "set-cookie"
    ]
    sound, odd = sound_headers(pairs)
    found.notes.extend(f"{file.where(path)}: {each!r} is no header and is left out" for each in odd)
    return dict(sound)


def _several(held: Json) -> list[Json]:
    return held if isinstance(held, list) else [held]
