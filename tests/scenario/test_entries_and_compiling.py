"""From loaded files to a catalog: what is refused on the way, and what a reload takes over."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pickle

import pytest
from msgspec.structs import replace

from mockllm.core.randomness import Randomness
from mockllm.scenario.catalog import Catalog, ResponseSelector
from mockllm.scenario.compiler import compile_catalog, run_steps
from tests.language.playing import Files, chat, gathered, mistakes, play

TWO = "rules: [{name: one, reply: x}, {name: two, times: 3, reply: {text: {file: t.md}}}]\nmodifiers: [{delay: 1s}]"


def compiled(files: Files, old: Catalog | None = None) -> Catalog:
    return run_steps(compile_catalog(gathered(files).entries, old))


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


@pytest.mark.parametrize(("files", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_refused(files: str, said: str) -> None:
    (found,) = mistakes(files)
    assert said in found


def test_an_empty_file_holds_nothing() -> None:
    assert compiled("# nothing yet").items == ()


def test_what_did_not_change_is_taken_over_as_it_is() -> None:
    old = compiled({"a.yaml": TWO, "t.md": "text"})
    new = compiled({"a.yaml": TWO, "t.md": "text"}, old)
    assert [one is two for one, two in zip(old.items, new.items, strict=True)] == [True, True, True]


def test_what_only_moved_is_taken_over_with_its_new_place() -> None:
    old = compiled({"a.yaml": TWO, "t.md": "text"})
    new = compiled({"a.yaml": "# a line\n" + TWO, "t.md": "text"}, old)
    assert [item.where for item in new.items] == ["s/a.yaml:2", "s/a.yaml:2", "s/a.yaml:3"]
    assert [replace(two, where=one.where) == one for one, two in zip(old.items, new.items, strict=True)] == [
        True
    ] * 3
    assert new.items[0].answers is old.items[0].answers


def test_what_refers_to_a_changed_file_is_made_anew_and_keeps_its_counts() -> None:
    old = compiled({"a.yaml": TWO, "t.md": "text"})
    new = compiled({"a.yaml": TWO, "t.md": "other"}, old)
    assert [one is two for one, two in zip(old.items, new.items, strict=True)] == [True, False, True]
    assert old.keys == new.keys


def test_a_change_of_validation_makes_anew_and_keeps_counts() -> None:
    old, new = compiled(TWO.split("\n")[1]), compiled("validation: off\n" + TWO.split("\n")[1])
    assert old.keys == new.keys
    assert old.items[0].digest != new.items[0].digest


def test_a_change_of_models_makes_anew_and_keeps_counts() -> None:
    old, new = compiled(TWO.split("\n")[1]), compiled("models: strict\n" + TWO.split("\n")[1])
    assert old.keys == new.keys
    assert (old.items[0].known_models, new.items[0].known_models) == (False, True)
    assert old.items[0].digest != new.items[0].digest


def test_entries_travel_between_processes_without_their_words() -> None:
    entries = [replace(entry, spec=None) for entry in gathered({"a.yaml": TWO, "t.md": "text"}).entries]
    there = pickle.loads(pickle.dumps(entries))
    assert [item.id for item in run_steps(compile_catalog(there)).items] == [
        "a.yaml:one",
        "a.yaml:two",
        "a.yaml:modifiers[0]",
    ]


MEASURED = {"a.yaml": "rules: [{reply: x, delay: {empirical: ms.txt}}]", "ms.txt": "100ms 200ms\n300ms"}


def test_measured_values_are_read_from_a_file() -> None:
    assert {heard.delay for heard in play(MEASURED, *[chat()] * 30)} == {0.1, 0.2, 0.3}


def test_and_a_change_of_the_file_makes_the_rule_anew() -> None:
    old, new = compiled(MEASURED), compiled({**MEASURED, "ms.txt": "1s"})
    assert old.keys == new.keys
    assert old.items[0].digest != new.items[0].digest
    there = [replace(entry, spec=None) for entry in gathered(MEASURED).entries]
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
def test_the_names_that_a_match_spells_out(match: str, models: list[str], paths: list[str]) -> None:
    catalog = compiled(f"rules: [{{match: {match}, http: {{body: x}}}}]")
    assert (list(catalog.models), list(catalog.items[0].paths)) == (models, paths)


def test_the_index_is_made_in_slices() -> None:
    rules = "".join(f"  - {{match: {{user: u{number}}}, reply: x}}\n" for number in range(50))
    steps = compile_catalog(gathered("rules:\n" + rules).entries)
    assert sum(1 for _ in steps) >= 50


def test_which_saying_comes_next() -> None:
    chance = Randomness(0, "r", "", 0)
    assert ResponseSelector(()).pick(5, chance) == 0
    for then, picked in (("repeat_last", 1), ("cycle", 0), ("fall_through", None), ("error", None)):
        steps = ResponseSelector((), "sequence", (2, 3), then)  # type: ignore[arg-type]
        assert [steps.pick(given, chance) for given in range(4)] == [0, 0, 1, picked]
    assert ResponseSelector((), "choose", (0.0, 2.0, 2.0)).pick(0, chance) == 1
