"""From loaded files to a catalog: refused entries, and items that a reload reuses."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pickle

import pytest
from msgspec.structs import replace

from mockllm.core.randomness import Randomness
from mockllm.scenario.catalog import Catalog, ResponseSelector
from mockllm.scenario.compiler import compile_catalog, run_steps
from tests.language.virtual_server import (
    ScenarioText,
    chat_request,
    diagnostics_of,
    load_scenario_files,
    respond_all,
)

TWO = "rules: [{name: one, reply: x}, {name: two, times: 3, reply: {text: {file: t.md}}}]\nmodifiers: [{delay: 1s}]"


def compiled(files: ScenarioText, old: Catalog | None = None) -> Catalog:
    return run_steps(compile_catalog(load_scenario_files(files).entries, old))


REFUSED: list[tuple[str, str, str]] = [
    ("an unknown key of the file", "rule: []", 'rule: unknown key; did you mean "rules"?'),
    ("rules that are no list", "rules: {a: 1}", "rules: expected"),
    ("a rule that is no mapping", "rules: [text]", "rules[0]: expected"),
    ("an empty name", "rules: [{name: '', reply: x}]", "rules[0].name: a name is a text of printable characters"),
    ("a name with a newline", 'rules: [{name: "a\\nb", reply: x}]', "rules[0].name: a name is a text of printable"),
    ("a name that is a number", "rules: [{name: 7, reply: x}]", "rules[0].name: expected"),
    ("enabled by a text", "rules: [{enabled: often, reply: x}]", "rules[0].enabled: expected true, false or a condition"),
    ("enabled outside of a pack", "rules: [{enabled: {a: 1}, reply: x}]", "rules[0].enabled"),
    ("a file that is not there", "rules: [{http: {body_file: none.txt}}]", 'rules[0].http.body_file: there is no file "none.txt"'),
    ("a file in a sequence", "rules: [{sequence: [a, {http: {body_file: none.txt}}]}]", 'there is no file "none.txt"'),
    ("a file of measured values that is not there", "rules: [{reply: x, delay: {empirical: none.txt}}]", 'rules[0].delay: none.txt: there is no file "none.txt"'),
    ("per of nobody", "rules: [{reply: x, per: everyone}]", "rules[0].per"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_entry_with_error_has_diagnostic(files: str, message: str) -> None:
    (result,) = diagnostics_of(files)
    assert message in result


def test_empty_file_has_no_entries() -> None:
    assert compiled("# nothing yet").items == ()


def test_compile_unchanged_entry_reuses_item() -> None:
    old = compiled({"a.yaml": TWO, "t.md": "text"})
    new = compiled({"a.yaml": TWO, "t.md": "text"}, old)
    assert [first_item is two for first_item, two in zip(old.items, new.items, strict=True)] == [
        True,
        True,
        True,
    ]


def test_compile_moved_entry_reuses_item_with_new_place() -> None:
    old = compiled({"a.yaml": TWO, "t.md": "text"})
    new = compiled({"a.yaml": "# a line\n" + TWO, "t.md": "text"}, old)
    assert [item.file_and_line for item in new.items] == ["s/a.yaml:2", "s/a.yaml:2", "s/a.yaml:3"]
    assert [
        replace(two, file_and_line=first_item.file_and_line) == first_item
        for first_item, two in zip(old.items, new.items, strict=True)
    ] == [True] * 3
    assert new.items[0].selector is old.items[0].selector


def test_compile_changed_reference_renews_item_with_same_key() -> None:
    old = compiled({"a.yaml": TWO, "t.md": "text"})
    new = compiled({"a.yaml": TWO, "t.md": "other"}, old)
    assert [first_item is two for first_item, two in zip(old.items, new.items, strict=True)] == [
        True,
        False,
        True,
    ]
    assert old.keys == new.keys


def test_compile_changed_validation_renews_item_with_same_key() -> None:
    old, new = compiled(TWO.split("\n")[1]), compiled("validation: off\n" + TWO.split("\n")[1])
    assert old.keys == new.keys
    assert old.items[0].digest != new.items[0].digest


def test_compile_changed_models_renews_item_with_same_key() -> None:
    old, new = compiled(TWO.split("\n")[1]), compiled("models: strict\n" + TWO.split("\n")[1])
    assert old.keys == new.keys
    assert (old.items[0].known_models_only, new.items[0].known_models_only) == (False, True)
    assert old.items[0].digest != new.items[0].digest


def test_pickled_entry_without_spec_reads_spec_again() -> None:
    entries = [
        replace(entry, spec=None) for entry in load_scenario_files({"a.yaml": TWO, "t.md": "text"}).entries
    ]
    there = pickle.loads(pickle.dumps(entries))
    assert [item.id for item in run_steps(compile_catalog(there)).items] == [
        "a.yaml:one",
        "a.yaml:two",
        "a.yaml:modifiers[0]",
    ]


MEASURED = {"a.yaml": "rules: [{reply: x, delay: {empirical: ms.txt}}]", "ms.txt": "100ms 200ms\n300ms"}


def test_measured_values_are_read_from_file() -> None:
    assert {response.delay for response in respond_all(MEASURED, *[chat_request()] * 30)} == {0.1, 0.2, 0.3}


def test_measured_values_changed_file_renews_rule() -> None:
    old, new = compiled(MEASURED), compiled({**MEASURED, "ms.txt": "1s"})
    assert old.keys == new.keys
    assert old.items[0].digest != new.items[0].digest
    there = [replace(entry, spec=None) for entry in load_scenario_files(MEASURED).entries]
    assert run_steps(compile_catalog(there)).items[0].settings == old.items[0].settings


@pytest.mark.parametrize(
    ("match", "models", "paths"),
    [
        ("{model: gpt-mine}", ["gpt-mine"], []),
        ("{model: [a, b*, {equals: c}]}", ["a", "c"], []),
        ("{model: {equals: [a, b]}}", ["a", "b"], []),
        ("{model: {contains: a}}", [], []),
        ("{path: [/one, '/t*']}", [], ["/one"]),
    ],
)
def test_item_models_are_literal_names_of_match(match: str, models: list[str], paths: list[str]) -> None:
    catalog = compiled(f"rules: [{{match: {match}, http: {{body: x}}}}]")
    assert (list(catalog.models), list(catalog.items[0].paths)) == (models, paths)


def test_compile_catalog_pauses_for_each_item() -> None:
    rules = "".join(f"  - {{match: {{user: u{number}}}, reply: x}}\n" for number in range(50))
    steps = compile_catalog(load_scenario_files("rules:\n" + rules).entries)
    assert sum(1 for _ in steps) >= 50


def test_response_selector_picks_next_response() -> None:
    chance = Randomness(0, "r", "", 0)
    assert ResponseSelector(()).pick(5, chance) == 0
    for then, picked in (("repeat_last", 1), ("cycle", 0), ("fall_through", None), ("error", None)):
        steps = ResponseSelector((), "sequence", (2, 3), then)  # type: ignore[arg-type]
        assert [steps.pick(options, chance) for options in range(4)] == [0, 0, 1, picked]
    assert ResponseSelector((), "choose", (0.0, 2.0, 2.0)).pick(0, chance) == 1
