"""The JSON Schemas accept bundled files and documented examples, refuse bad files, and have descriptions and
names for editors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.editor_schemas import schema_text, schemas
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.reply import RESPONSE_KEYS
from mockllm.scenario.yaml_reader import read_source

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.name for path in (ROOT / "schemas").glob("*.json"))
SHIPPED = sorted((ROOT / "scenarios").glob("*/*.yaml"))
LATER = ("reset", "stall")
"""Words of the language's own example that are not built yet."""


@lru_cache
def built() -> dict[str, Any]:
    """All schemas. They are not made where the tests are only collected: that takes longer than all of them."""
    return dict(schemas(KnownNames(PROVIDERS, DIALECT_NAMES, APIS)))


def definitions() -> dict[str, Any]:
    found: dict[str, Any] = built()["scenario.schema.json"]["definitions"]
    return found


@lru_cache
def valid(name: str = "scenario") -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(built()[f"{name}.schema.json"])


def test_committed_schemas_are_those_that_are_made() -> None:
    assert sorted(built()) == NAMES


def data(text: str) -> Any:
    source = read_source(text, "x.yaml")
    assert source.diagnostics == ()
    return source.data


def wrong(validator: Any, value: Any) -> list[str]:
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_schema_accepts_bundled_files(path: Path) -> None:
    validator = valid("pack") if path.name == "pack.yaml" else valid()
    assert wrong(validator, data(path.read_text(encoding="utf-8"))) == []


@lru_cache
def documented() -> dict[str, str]:
    """The YAML blocks of the documentation, each of its files by its own, without those that are not for mockllm."""
    found = {}
    for page in sorted((ROOT / "docs").glob("*.md")):
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)):
            for part in re.split(r"^# file: (?=.*\.yaml$)", block, flags=re.MULTILINE):
                found[f"{page.stem}-{number}-{part.partition(chr(10))[0][:30]}"] = part
    return found


def test_schema_accepts_documented_examples() -> None:
    mistakes = {}
    checked = 0
    for name, block in documented().items():
        source = read_source(block, "x.yaml")
        if source.diagnostics or not isinstance(source.data, dict):
            continue
        pack = {"name", "version"} <= source.data.keys()
        if not pack and not {"rules", "modifiers", "examples"} & source.data.keys():
            continue
        checked += 1
        if found := wrong(valid("pack" if pack else "scenario"), source.data):
            mistakes[name] = found
    assert mistakes == {}
    assert checked > 100


def test_schema_accepts_starter_file() -> None:
    starter = ROOT / "mockllm" / "cli" / "starter" / "scenarios" / "hello.yaml"
    assert wrong(valid(), data(starter.read_text(encoding="utf-8"))) == []


def test_schema_accepts_documented_example() -> None:
    shared = Path(os.environ.get("MOCKLLM_SHARED", ROOT.parent / "shared")) / "LANGUAGE.md"
    if not shared.is_file():
        pytest.skip("1 document is not here")
    example = data(shared.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0])
    assert wrong(valid(), _without_later(example)) == []


def _without_later(value: Any) -> Any:
    """Without items that need a word which is not built yet."""
    if isinstance(value, dict):
        return {key: _without_later(each) for key, each in value.items()}
    if isinstance(value, list):
        return [
            _without_later(each)
            for each in value
            if not (isinstance(each, dict) and set(LATER) & each.keys())
        ]
    return value


FINE = {
    "a bare text as a reply": "rules: [{reply: Hello.}]",
    "a drawn delay": "modifiers: [{delay: {lognormal: {median: 300ms, p99: 2s}}}]",
    "a range": "modifiers: [{pace: {tokens_per_second: [40, 80]}}]",
    "a template in place of a number": 'rules: [{error: {status: "{{ query.fail }}"}}]',
    "a parameter in place of a number": 'rules: [{reply: a, times: "${n}"}]',
    "a parameter inside a duration": 'rules: [{reply: a, delay: "${n}ms"}]',
    "a parameter in place of true": 'rules: [{reply: a, stream: "${streamed}"}]',
    "a fault by its name": "modifiers: [{faults: [malformed]}]",
    "an error by its name": "rules: [{error: overloaded}]",
    "an error in the stream": "rules: [{reply: {chunks: [a, {error: overloaded}]}}]",
    "a condition on parameters": "rules: [{reply: a, enabled: {mood: {exists: true}}}]",
    "a glob of providers": 'rules: [{match: {provider: "open*"}, reply: a}]',
    "a header's scope": 'rules: [{reply: a, per: "header:x-user"}]',
    "a condition in a condition": "rules: [{match: {body: {$.a: [{gt: 3}, {some: x}]}}, reply: a}]",
    "no rule expected": "examples: [{expect: {rule: null}}]",
    "thinking as a text": "rules: [{reply: {thinking: Hm., text: a}}]",
    "a made text": "rules: [{reply: {text: {tokens: [5, 9]}}}]",
    "a state that is unset": "rules: [{requires_state: {order: null}, sets_state: {order: null}, reply: a}]",
    "a header that is removed": "rules: [{headers: {retry-after-ms: null}, error: rate_limit}]",
    "null in a body": "rules: [{match: {body: {$.a: null, $.b: {equals: null}}}, reply: a}]",
    "null in the result of a tool": "rules: [{match: {tool_result: {json: {$.a: null}}}, reply: a}]",
    "null in an expected body": "examples: [{expect: {body: {$.a: null}}}]",
    "a header that is not expected": "examples: [{expect: {finish_reason: null, usage: {cached_tokens: null}}}]",
    "no content-type": "modifiers: [{faults: [{content_type: {value: null}}]}]",
    "a rule that is switched off": "rules: [{replaces: 'default:made', enabled: false}]",
    "a rule with a reply that is off": "rules: [{reply: a, enabled: false}]",
    "any JSON in a body": "rules: [{match: {path: /x}, http: {body: [1, {a: null}]}}]",
}  # fmt: skip

MISTAKES = {
    "an unknown key at the top": "rule: []",
    "an unknown key of a rule": "rules: [{reply: a, mtach: {}}]",
    "an unknown key of a match": "rules: [{match: {modle: x}, reply: a}]",
    "an unknown operator": "rules: [{match: {user: {begins_with: x}}, reply: a}]",
    "another language version": "mockllm: 2",
    "no answer": "rules: [{match: {user: a}}]",
    "two answers": "rules: [{reply: a, error: timeout}]",
    "an unknown error": "rules: [{error: to_late}]",
    "an unknown fault": "modifiers: [{faults: [malfromed]}]",
    "two faults in one": "modifiers: [{faults: [{}]}]",
    "a bare number as a duration": "rules: [{reply: a, delay: 300}]",
    "a duration without a unit": 'rules: [{reply: a, delay: "300"}]',
    "a probability above one": "rules: [{reply: a, chance: 3}]",
    "a number in a header's condition": "rules: [{match: {headers: {x: 7}}, reply: a}]",
    "a text in a number's condition": 'rules: [{match: {turn: "2"}, reply: a}]',
    "a condition without a value": "rules: [{match: {user: null}, reply: a}]",
    "a path that is no JSONPath": "rules: [{match: {body: {temperature: 1}}, reply: a}]",
    "an unknown scope": "rules: [{reply: a, per: apikey}]",
    "an unknown end of a sequence": "rules: [{sequence: [a], then: again}]",
    "a status that is no error": "rules: [{error: {status: 200}}]",
    "an error that says nothing": "rules: [{error: {message: x}}]",
    "a chunk that is none": "rules: [{reply: {chunks: [{sleep: 1s}]}}]",
    "a call without a name": "rules: [{reply: {tool_calls: [{arguments: {}}]}}]",
    "a provider's finish": "rules: [{reply: {text: a, finish_reason: end_turn}}]",
    "half a distribution": "modifiers: [{pace: {ttft: {lognormal: {median: 1s}}}}]",
    "three ends of a range": "modifiers: [{delay: [1s, 2s, 3s]}]",
    "a modifier with a reply": "modifiers: [{reply: a}]",
    "an unknown key of an example": "examples: [{expect: {txt: a}}]",
    "a rule that is a text": "rules: [Hello.]",
    "a setting without a value": "rules: [{reply: a, delay: null}]",
    "an operator without a value": "rules: [{match: {user: {regex: null}}, reply: a}]",
    "a rule without a response that is on": "rules: [{replaces: 'default:made', enabled: true}]",
    "times below zero": "rules: [{reply: a, times: -1}]",
}  # fmt: skip

PACK_MISTAKES = {
    "no version": "name: p",
    "a number as a version": "{name: p, version: 1.0}",
    "rules": '{name: p, version: "1", rules: []}',
    "an unknown type": '{name: p, version: "1", params: {n: {type: int}}}',
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE.keys())
def test_schema_accepts_good_file(text: str) -> None:
    assert wrong(valid(), data(text)) == []


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES.keys())
def test_schema_refuses_bad_file(text: str) -> None:
    assert wrong(valid(), data(text)) != []


@pytest.mark.parametrize("text", PACK_MISTAKES.values(), ids=PACK_MISTAKES.keys())
def test_pack_schema_refuses_bad_manifest(text: str) -> None:
    assert wrong(valid("pack"), data(text)) != []


# --- for editors -----------------------------------------------------------------------------------


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            for each in value.values() if key in ("properties", "definitions") else [value]:
                yield from _schemas(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _schemas(each)


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_draft_7(name: str) -> None:
    result = built()[name]
    assert result["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert jsonschema_rs.meta.is_valid(result)
    for schema in _schemas(result):
        assert not {"$defs", "discriminator", "prefixItems"} & schema.keys()
        assert "$ref" not in schema or len(schema) == 1, "an editor reads nothing beside a $ref"


@pytest.mark.parametrize("name", NAMES)
def test_schema_references_and_definitions_correspond(name: str) -> None:
    result = built()[name]
    named = set(re.findall(r'"#/definitions/(\w+)"', schema_text(result)))
    assert named == result.get("definitions", {}).keys()


@pytest.mark.parametrize("name", NAMES)
def test_schema_every_key_has_description(name: str) -> None:
    result = built()[name]
    owners = {"": result, **result.get("definitions", {})}
    silent = [
        f"{owner}.{key}"
        for owner, schema in owners.items()
        for key, property in schema.get("properties", {}).items()
        if "description" not in property and "description" not in _target(result, property)
    ]
    assert silent == []


def _target(result: dict[str, Any], property: dict[str, Any]) -> dict[str, Any]:
    name = property.get("$ref", "").rpartition("/")[2]
    found_values: dict[str, Any] = result["definitions"].get(name, {})
    return found_values


def test_schema_suggests_known_names() -> None:
    for key, names in (("provider", PROVIDERS), ("dialect", DIALECT_NAMES), ("api", APIS)):
        completed = definitions()["Match"]["properties"][key]["anyOf"][0]
        assert completed == {"type": "string", "enum": sorted(names)}
    required = [each["required"] for each in definitions()["RuleSpec"]["oneOf"][:-1]]
    assert required == [[answer] for answer in RESPONSE_KEYS]


def test_schema_mappings_are_first_form() -> None:
    """An editor complains of a misspelt key by the first form, where none fits."""
    for key in ("reply", "error"):
        first = definitions()["RuleSpec"]["properties"][key]["anyOf"][0]
        assert definitions()[first["$ref"].rpartition("/")[2]]["type"] == "object"
    assert definitions()["TextCondition"]["anyOf"][0] == {"$ref": "#/definitions/TextOperators"}


@pytest.mark.parametrize("spec", ["Duration", "DrawnDuration", "Probability", "TextOperators", "ReplySpec"])
def test_schema_form_below_key_has_no_description(spec: str) -> None:
    """An editor shows the first text that it comes by, and the form's is before the key's."""
    assert "description" not in definitions()[spec]


def test_schema_form_without_key_has_description() -> None:
    assert definitions()["Malformed"]["description"]
