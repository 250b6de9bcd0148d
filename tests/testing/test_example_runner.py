"""Running examples: which, against what, and on which state."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.scenario.pack_resolver import bundled_names
from tests.testing.suites import results, stated, suite, write


@pytest.mark.parametrize("name", bundled_names())
def test_examples_of_shipped_pack_pass(name: str, tmp_path: Path) -> None:
    built = suite(tmp_path, packs=(name,))
    assert [str(mistake) for mistake in built.diagnostics] == []
    assert built.planned
    failed = [line for result in built.run() if not result.passed for line in stated([result])]
    assert failed == []


def test_example_passes_and_fails(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="""
        rules:
          - {name: greeting, match: {user: {contains: hello}}, reply: Hi there.}
        examples:
          - {name: greets, request: {user: hello}, expect: {rule: greeting, text: Hi there.}}
          - {request: {user: helo}, expect: {rule: greeting}}
        """,
    )
    found = results(tmp_path)
    assert [result.where.rpartition("/")[2] for result in found] == ["a.yaml:5", "a.yaml:6"]
    assert stated(found) == [
        "ok greets",
        "FAIL examples[1]",
        '  rule: expected "greeting", found no rule',
        f'    {tmp_path}/a.yaml:3 greeting: user expected contains "hello", found "helo"',
        "    the response says: No rule matched this request.",
    ]


def test_example_has_fresh_state_shared_by_its_steps(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="""
        rules:
          - {name: once, times: 1, reply: one}
          - {name: rest, reply: two}
        examples:
          - {name: first, expect: {text: one}}
          - {name: again, expect: {text: one}}
          - name: in turn
            steps: [{expect: {rule: once}}, {expect: {rule: rest}}, {expect: {rule: once}}]
        """,
    )
    assert stated(results(tmp_path)) == [
        "ok first",
        "ok again",
        "FAIL in turn",
        '  3: rule: expected "once", found "rest"',
        f"    {tmp_path}/a.yaml:3 once: matched, but used up (times: 1)",
        f"    {tmp_path}/a.yaml:4 rest: matched",
    ]


def test_each_listed_provider_is_run_with_all_steps(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="""
        rules:
          - match: {provider: anthropic}
            sequence: [one, two]
          - reply: other
        examples:
          - name: listed
            steps:
              - {request: {provider: [openai, anthropic]}, expect: {text: [one, other]}}
              - {request: {provider: [anthropic]}, expect: {text: two}}
              - {request: {provider: openai}, expect: {text: other}}
        """,
    )
    assert stated(results(tmp_path)) == [
        "FAIL listed (openai)",
        '  2: text: expected "two", found "one"',
        "ok listed (anthropic)",
    ]


def test_clock_moves_only_by_responses_and_after(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="""
        rules: [{reply: ok, delay: 1500ms}]
        examples:
          - steps:
              - {expect: {took: 1500ms, body: {$.created: 1767225600}}}
              - {after: 2s, expect: {took: {gte: 1s, lt: 2s}, body: {$.created: 1767225603}}}
        """,
    )
    assert stated(results(tmp_path)) == ["ok examples[0]"]


def test_unsupported_call_is_reported(tmp_path: Path) -> None:
    write(tmp_path, a="examples: [{request: {api: models}}]\n")
    (line, why) = stated(results(tmp_path))
    assert line == "FAIL examples[0]"
    assert "openai has no call models" in why


def test_examples_are_chosen_by_name_or_place(tmp_path: Path) -> None:
    write(tmp_path, a="examples: [{name: First one}, {name: other}]\n", b="examples: [{name: third}]\n")
    assert stated(results(tmp_path, "first")) == ["ok First one"]
    assert stated(results(tmp_path, "b.yaml")) == ["ok third"]


# --- packs and parameters --------------------------------------------------------------------------

PACK = """
name: mine
version: "1"
params:
  greeting: {default: Hello, env: GREETING}
  weather: {type: [fair, storm], default: fair}
"""
RULES = """
rules: [{name: greet, fallback: true, reply: "${greeting}"}]
examples:
  - {name: by default, expect: {rule: greet, text: Hello}}
  - {name: as set, with: {greeting: Moin}, expect: {text: "${greeting}"}}
  - {name: as set too, with: {mine.greeting: "{{ user }}"}, expect: {text: "{{ user }}"}}
"""


def test_pack_examples_run_against_pack_others_against_all(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="""
        use: [./mine]
        rules: [{name: own, match: {model: own}, reply: Own.}]
        examples:
          - {name: own, request: {model: own}, expect: {rule: own}}
          - {name: the pack's, expect: {rule: "mine:greet"}}
          - {name: set, with: {greeting: Ahoy}, expect: {text: Ahoy}}
        """,
        mine__pack=PACK,
        mine__rules=RULES + "  - {name: not here, request: {model: own}, expect: {rule: greet}}\n",
    )
    assert stated(results(tmp_path)) == [
        *("ok own", "ok the pack's", "ok set"),
        *("ok by default", "ok as set", "ok as set too", "ok not here"),
    ]


def test_pack_folder_is_run(tmp_path: Path) -> None:
    write(tmp_path, pack=PACK, rules=RULES)
    assert stated(results(tmp_path)) == ["ok by default", "ok as set", "ok as set too"]


def test_shipped_packs_that_are_only_used_are_not_run(tmp_path: Path) -> None:
    write(tmp_path, a="use: [default]\nexamples: [{name: one, expect: {status: 200}}]\n")
    assert stated(results(tmp_path)) == ["ok one"]


def test_options_set_parameters_and_the_environment_does_not(tmp_path: Path) -> None:
    write(tmp_path, a="use: [./mine, ./other]\n", mine__pack=PACK, mine__rules=RULES)
    write(tmp_path, other__pack='name: other\nversion: "1"\n', other__a="examples: [{name: other}]\n")
    assert stated(list(suite(tmp_path, GREETING="Salut").run("by default"))) == ["ok by default"]
    changed = suite(tmp_path, sets=("mine.greeting=Salut",))
    assert [line for line in stated(list(changed.run())) if not line.startswith("   ")] == [
        "FAIL by default",
        '  text: expected "Hello", found "Salut"',
        "ok as set",
        "ok as set too",
        "ok other",
    ]


def test_disabled_file_examples_run_if_parameters_enable_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        pack=PACK,
        storm="""
        enabled: {weather: storm}
        rules: [{name: storm, fallback: true, error: unavailable}]
        examples:
          - {name: silent, expect: {status: 200}}
          - {name: storms, with: {weather: storm}, expect: {status: 503}}
          - {name: fair, with: {weather: fair}, expect: {status: 503}}
        """,
    )
    assert stated(results(tmp_path)) == [
        "ok storms",
        "FAIL fair",
        "  with: expected values that enable its file, found the file is disabled",
    ]


def test_mistake_in_disabled_file_fails_examples_that_enable_it(tmp_path: Path) -> None:
    storm = "enabled: {weather: storm}\nexamples: [{name: storms, with: {weather: storm}, expct: {}}]\n"
    write(tmp_path, pack=PACK, storm=storm)
    assert stated(results(tmp_path)) == [
        "FAIL storms",
        f"  with: expected values that load, found {tmp_path}/storm.yaml:2:51: examples[0].expct: "
        'unknown key; did you mean "expect"?',
    ]


def test_disabled_file_with_invalid_examples_has_none(tmp_path: Path) -> None:
    write(tmp_path, a="enabled: false\nexamples: {}\n", b="enabled: false\nexamples: [1, {with: 2}]\n")
    assert results(tmp_path) == []


def test_files_with_mistakes_are_not_run(tmp_path: Path) -> None:
    write(tmp_path, a="examples: [{name: one}]\n", b="rules: 1\n")
    built = suite(tmp_path)
    assert len(built.diagnostics) == 1
    assert list(built.run()) == []
