"""`mockllm test`: what is printed, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockllm.cli.main import main

PASSING = "rules: [{name: hi, reply: Hi.}]\nexamples: [{name: greets, expect: {text: Hi.}}]\n"
FAILING = """\
rules: [{name: hi, reply: Hi.}]
examples:
  - {name: greets, expect: {text: Hi.}}
  - name: parts
    steps: [{expect: {rule: hi}}, {request: {provider: [anthropic]}, expect: {rule: bye, text: Bye.}}]
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["test", *arguments])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def write(text: str, name: str = "scenarios/a.yaml") -> None:
    Path(name).write_text(text, encoding="utf-8")


def test_test_command_runs_default_folder(capsys: pytest.CaptureFixture[str]) -> None:
    write(PASSING)
    assert run() == 0
    assert capsys.readouterr().out == "ok scenarios/a.yaml:2 greets\n1 passed\n"


def test_test_command_without_scenarios_notes_default_pack(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-k", "credit") == 2
    assert capsys.readouterr().err == "No scenario files in ./scenarios; using the pack `default`.\n"


def test_test_command_prints_failure_details(capsys: pytest.CaptureFixture[str]) -> None:
    write(FAILING)
    assert run("scenarios") == 1
    assert capsys.readouterr().out.splitlines() == [
        "ok scenarios/a.yaml:3 greets",
        "FAIL scenarios/a.yaml:4 parts (anthropic)",
        '  step 2: rule: expected "bye", found "hi"',
        '    no rule is called bye; expected "hi"',
        "    scenarios/a.yaml:1 hi: matched",
        '  step 2: text: expected "Bye.", found "Hi."',
        "1 passed, 1 failed",
    ]


def test_json_option_prints_results_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write(FAILING)
    assert run("--json") == 1
    output = json.loads(capsys.readouterr().out)
    assert (output["passed"], output["failed"]) == (1, 1)
    assert output["results"][0] == {
        "file": "scenarios/a.yaml",
        "line": 3,
        "name": "greets",
        "provider": None,
        "passed": True,
        "failures": [],
    }
    assert output["results"][1]["failures"][0] == {
        "step": 2,
        "field": "rule",
        "expected": '"bye"',
        "found": '"hi"',
        "hint": None,
        "notes": ['no rule is called bye; expected "hi"', "scenarios/a.yaml:1 hi: matched"],
    }


def test_only_those_of_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    write(FAILING)
    assert run("-k", "greet") == 0
    assert run("-k", "nobody") == 2
    output = 'ok scenarios/a.yaml:3 greets\n1 passed\nno example contains "nobody" in its name or position\n'
    assert capsys.readouterr().out == output


def test_test_command_without_examples(capsys: pytest.CaptureFixture[str]) -> None:
    write("rules: [{reply: Hi.}]\n")
    assert run() == 0
    assert capsys.readouterr().out == "no examples found\n"


def test_test_command_fails_for_folder_without_examples(capsys: pytest.CaptureFixture[str]) -> None:
    write("rules: [{reply: Hi.}]\n")
    Path("empty").mkdir()
    assert (run("scenarios"), run("empty")) == (2, 2)
    assert capsys.readouterr().out == "no examples found in scenarios\nno examples found in empty\n"


def test_test_command_warns_of_misnamed_file(capsys: pytest.CaptureFixture[str]) -> None:
    write(PASSING, "scenarios/A.YAML")
    assert run() == 0
    output = capsys.readouterr()
    assert output.out.endswith(" passed, all of the pack default\n")
    assert "warning: scenarios/A.YAML: not loaded" in output.err


def test_shipped_pack_examples_run_by_name_with_parameters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("--pack", "benchmark", "-k", "no body") == 0
    assert run("--pack", "benchmark", "-k", "no body", "--set", "chunk_count=3") == 1
    assert "chunks: expected 18, found 3" in capsys.readouterr().out


def test_test_command_with_mistakes_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write("examples: [{expct: {}}]\n")
    mistake = 'scenarios/a.yaml:1:13: examples[0].expct: unknown key; did you mean "expect"?'
    assert run() == 2
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", f"{mistake}\n1 mistake\n")
    assert run("--json") == 2
    (result,) = json.loads(capsys.readouterr().out)["mistakes"]
    assert (result["line"], result["path"]) == (1, "examples[0].expct")


def test_test_command_uses_colours_on_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(FAILING)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "\x1b[32mok\x1b[0m scenarios/a.yaml:3 greets"
    assert lines[1].startswith("\x1b[31mFAIL\x1b[0m ")
