"""WireMock's stub mappings: one, or `{mappings: […]}`.

Source: WireMock's reference of request matching and stubbing. Matching on XML, dates, cookies or custom code, and
responses by templates, proxies or scenarios are not imported; a note reports mapping of them.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.jsonpath import JsonPathError, compile_path
from mockllm.core.key_forms import REDACTED
from mockllm.core.regex.compile import compile_regex
from mockllm.core.secret_names import secret_name
from mockllm.dialects.provider_facts import begins_with_prefix, certain_prefixes
from mockllm.recordings.import_file import ImportFile, NotImported, header_text, of
from mockllm.recordings.imported_rules import ImportedRules
from mockllm.recordings.interaction import DROPPED_HEADERS, valid_headers
from mockllm.recordings.scenario_writer import is_wait, wait_text
from mockllm.scenario.diagnostics import Path

TEXTS: Final = {"equalTo": "equals", "contains": "contains", "matches": "regex"}
FAULTS: Final = {
    "CONNECTION_RESET_BY_PEER": {"reset": {"after": {"bytes": 0}}},
    "EMPTY_RESPONSE": {"close": {"after": {"bytes": 0}}},
}
DEFAULT_PRIORITY: Final = 5
"""The priority of a mapping without one."""
IGNORED_KEYS: Final = frozenset(
    {"id", "uuid", "name", "persistent", "metadata", "insertionIndex", "request", "response"}
)


def is_format(data: Json) -> bool:
    if isinstance(of(data, "mappings"), list):
        return True
    request = of(data, "request")
    if not isinstance(request, dict) or not isinstance(of(data, "response"), dict):
        return False
    urls = {"url", "urlPath", "urlPattern", "urlPathPattern", "bodyPatterns", "urlPathTemplate"}
    return bool(urls & request.keys())


def import_rules(file: ImportFile) -> ImportedRules:
    rules = ImportedRules(file)
    several = of(file.data, "mappings")
    for index, mapping in enumerate([file.data] if several is None else several):
        _mapping(mapping, () if several is None else ("mappings", index), rules, index + 1)
    return rules


def _mapping(mapping: Json, path: Path, rules: ImportedRules, number: int) -> None:
    request, response = of(mapping, "request"), of(mapping, "response")
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise NotImported(f"{rules.file.where(path)}: expected a mapping with a request and a response")
    rule: dict[str, Json] = {
        "name": f"mapping-{number}",
        "match": _match(request, (*path, "request"), rules),
    }
    if type(of(mapping, "priority")) is int:
        # in WireMock the lowest number has priority
        rule["priority"] = DEFAULT_PRIORITY - mapping["priority"]
    for name in mapping:
        if name not in IGNORED_KEYS and name != "priority":
            rules.omit((*path, name))
    rule |= _response(response, (*path, "response"), rules)
    rules.add(rule, path)


def _match(request: dict[str, Json], path: Path, rules: ImportedRules) -> dict[str, Json]:
    match: dict[str, Json] = {}
    for name, value in request.items():
        if name == "method":
            if value != "ANY":
                match["method"] = str(value)
        elif name in ("url", "urlPath"):
            bare, _, query = str(value).partition("?")
            if begins_with_prefix(bare):
                provider, _, rest = bare.lstrip("/").partition("/")
                match["provider"], bare = provider, f"/{rest}"
            match["path"] = {"equals": bare}
            if query:
                rules.note((*path, name), "the query of a url is not imported")
        elif name in ("urlPattern", "urlPathPattern"):
            bare = str(value).partition("?")[0]
            prefix = next((each for each in certain_prefixes() if bare.startswith(f"/{each}/")), None)
            if prefix is not None:
                match["provider"], bare = prefix, bare.removeprefix(f"/{prefix}")
            pattern = _anchored(bare, (*path, name), rules)
            if pattern is not None:
                match["path"] = {"regex": pattern}
        elif name in ("headers", "queryParameters") and isinstance(value, dict):
            conditions = _conditions(value, (*path, name), rules)
            if conditions:
                match["headers" if name == "headers" else "query"] = conditions
        elif name == "bodyPatterns" and isinstance(value, list):
            for index, pattern in enumerate(value):
                _body(pattern, match, (*path, name, index), rules)
        else:
            rules.omit((*path, name))
    if "path" not in match:
        match["path"] = "*"
    return match


def _conditions(value: dict[str, Json], path: Path, rules: ImportedRules) -> dict[str, Json]:
    """Return conditions on headers or the query by name, without headers that contain keys."""
    keys = [key for key in value if secret_name(key)]
    if keys:
        rules.note(path, f"{', '.join(keys)}: keys are not imported")
    conditions = {
        key: _condition(item, (*path, key), rules) for key, item in value.items() if key not in keys
    }
    return {key: item for key, item in conditions.items() if item is not None}


def _anchored(pattern: str, path: Path, rules: ImportedRules) -> str | None:
    """Return a regex for the complete text, as in WireMock; None if it is invalid here."""
    anchored = f"^(?:{pattern})$"
    try:
        compile_regex(anchored)
    except ValueError as error:
        rules.note(path, f"{error}; this condition is not imported")
        return None
    return anchored


def _condition(value: Json, path: Path, rules: ImportedRules) -> Json:
    for name, operator in TEXTS.items():
        if isinstance(value, dict) and name in value:
            compared = header_text(value[name])
            text = _anchored(compared, path, rules) if name == "matches" else compared
            if text is None:
                return None
            conditions: dict[str, Json] = {operator: text}
            return conditions | ({"ignore_case": True} if value.get("caseInsensitive") else {})
    if isinstance(value, dict) and "absent" in value:
        return {"exists": False}
    rules.note(path, "this condition is not imported")
    return None


def _body(pattern: Json, match: dict[str, Json], path: Path, rules: ImportedRules) -> None:
    body = match.setdefault("body", {})
    if isinstance(of(pattern, "matchesJsonPath"), str):
        try:
            singular = compile_path(pattern["matchesJsonPath"]).singular
            body[pattern["matchesJsonPath"]] = {"exists": True} if singular else {"some": {"exists": True}}
        except JsonPathError as error:
            rules.note(path, f"{error}")
    elif of(pattern, "equalToJson") is not None:
        expected = pattern["equalToJson"]
        try:
            expected = loads(expected) if isinstance(expected, str) else expected
            body["$"] = {"subset" if pattern.get("ignoreExtraElements") else "equals": expected}
        except JSONDecodeError:
            rules.note(path, "equalToJson is not JSON")
    elif isinstance(of(pattern, "contains"), str) and "raw_body" not in match:
        match["raw_body"] = {"contains": pattern["contains"]}
    elif isinstance(of(pattern, "matches"), str) and "raw_body" not in match:
        whole = _anchored(pattern["matches"], path, rules)
        if whole is not None:
            match["raw_body"] = {"regex": whole}
    else:
        rules.note(path, "this pattern is not imported")
    if not body:
        del match["body"]


def _response(response: dict[str, Json], path: Path, rules: ImportedRules) -> dict[str, Json]:
    http: dict[str, Json] = {}
    settings: dict[str, Json] = {}
    for name, value in response.items():
        if name == "status" and type(value) is int and 200 <= value <= 599:
            http["status"] = value
        elif name == "headers" and isinstance(value, dict):
            http["headers"] = _headers(value, (*path, name), rules)
        elif name == "body":
            http["body"] = value  # a value that is no text is sent as JSON
        elif name == "jsonBody":
            # these two would be sent as a text and as no body
            http["body"] = dumps(value).decode() if value is None or isinstance(value, str) else value
        elif name == "bodyFileName" and _is_file_below(value):
            http["body_file"] = f"__files/{value}"
            rules.note((*path, name), f"copy __files/{value} beside the scenario file")
        elif name == "fixedDelayMilliseconds" and is_wait(value):
            settings["delay"] = wait_text(value)
        elif name == "fault" and isinstance(value, str) and value in FAULTS:
            settings["faults"] = [FAULTS[value]]
        elif name != "statusMessage":
            rules.omit((*path, name))
    return {"literal": True, "http": http, **settings}


def _is_file_below(name: Json) -> bool:
    """Return whether a file is in WireMock's folder of files: a scenario refers to none outside of its folder."""
    return isinstance(name, str) and name.strip("/") == name != "" and ".." not in name.split("/")


def _headers(value: dict[str, Json], path: Path, rules: ImportedRules) -> dict[str, Json]:
    """Return response headers without keys and cookies; repeated headers are joined."""
    pairs = [
        (
            key,
            REDACTED
            if secret_name(key)
            else ", ".join(map(header_text, item if type(item) is list else [item])),
        )
        for key, item in value.items()
        if key.lower() not in DROPPED_HEADERS and key.lower() != "set-cookie"
    ]
    valid, invalid = valid_headers(pairs)
    for name in invalid:
        rules.note(path, f"{name!r} is not a header name and is left out")
    return dict(valid)
